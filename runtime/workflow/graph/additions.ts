import { RuntimeError } from '../../core/errors.ts'
import type { RunReader } from '../../store/runs/run-reader.ts'
import type { NewNode, NodeRow, StoredEdge } from '../../store/runs/run-table.ts'
import type { Addition, NodeKind } from '../../store/runs/run-writer.ts'
import type { StepAddition, TraceContext } from '../../wire.ts'
import { refuseCycles } from './addition-cycles.ts'
import { defaultQueue } from './graph.ts'

/**
 * Checks additions against their run and plans their nodes.
 * @param trace of the run
 * @throws RuntimeError ERR_GRAPH for unknown parents, cycles, and a `before` that has begun already
 */
export async function planAdditions(
  reader: RunReader,
  runId: string,
  additions: readonly StepAddition[],
  trace?: TraceContext,
): Promise<Addition> {
  const places = new Map(additions.map((addition, place) => [addition.id, place]))
  const run = await reader.find(runId)
  const known = await existing(reader, runId, Number(run?.fields.allocated ?? 0), additions, places)
  for (const { class: name, before = [] } of additions) {
    for (const target of before) {
      const row = known.get(target)
      if (row?.state !== 'waiting') {
        throw new RuntimeError(
          'ERR_GRAPH',
          `workflow.add(${name}): expected "before" to name a job that still waits, job ${target} is ${row?.state ?? 'not in the run'}`,
        )
      }
    }
  }
  const between = await refuseCycles(reader, runId, additions, known)
  const kinds: NodeKind[] = []
  const traced = trace ? { options: { trace } } : {}
  const kindOf = (addition: StepAddition): number => {
    const kind = { class: addition.class, queue: addition.queue ?? run?.fields.queue ?? defaultQueue, ...traced }
    const found = kinds.findIndex((other) => other.class === kind.class && other.queue === kind.queue)
    return found >= 0 ? found : kinds.push(kind) - 1
  }
  const planned = additions.map((addition) => ({
    addition,
    kind: kindOf(addition),
    after: [...new Set(addition.after)],
  }))
  return {
    kinds,
    ...(between ? { grown: run?.fields.grown ?? '0' } : {}),
    count: additions.length,
    edges: {
      parents: planned.reduce((sum, { after }) => sum + after.length, 0),
      children: planned.reduce(
        (sum, { addition, after }) => sum + after.filter((id) => places.has(id)).length + new Set(addition.before).size,
        0,
      ),
    },
    nodes: (first) => {
      const edge = (id: string): StoredEdge => ({
        from: places.has(id) ? first + (places.get(id) ?? 0) : Number(id),
        when: 'finished',
      })
      const nodes = planned.map(({ addition, kind, after }): NewNode => {
        const { params } = addition
        return { kind, parents: after.map(edge), ...(params === undefined ? {} : { params }) }
      })
      const before = planned.flatMap(({ addition }, place) =>
        addition.before?.length ? [[first + place, [...new Set(addition.before)].map(Number)] as const] : [],
      )
      return { nodes, before: new Map(before) }
    },
  }
}

/** Records of the run's own nodes that additions name; it has numbers below `allocated`. */
async function existing(
  reader: RunReader,
  runId: string,
  allocated: number,
  additions: readonly StepAddition[],
  places: ReadonlyMap<string, number>,
): Promise<Map<string, NodeRow>> {
  const named = new Set(
    additions.flatMap(({ after, before = [] }) => [...after.filter((id) => !places.has(id)), ...before]),
  )
  for (const id of named) {
    if (!/^\d{1,9}$/.test(id) || Number(id) >= allocated) {
      throw new RuntimeError(
        'ERR_GRAPH',
        `workflow.add: expected "after" and "before" to name jobs of run ${runId}, got ${JSON.stringify(id)}`,
      )
    }
  }
  const rows = await reader.nodesAt(runId, [...named].map(Number))
  const known = new Map(rows.map((row) => [String(row.index), row]))
  for (const id of named) {
    if ((known.get(id)?.state ?? 'staged') === 'staged')
      throw new RuntimeError('ERR_GRAPH', `workflow.add: job ${id} is not part of run ${runId}`)
  }
  return known
}

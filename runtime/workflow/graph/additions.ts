import { RuntimeError } from '../../core/errors.ts'
import { kindOf } from '../../store/runs/run-kinds.ts'
import type { RunReader, RunRecord } from '../../store/runs/run-reader.ts'
import { notFound } from '../../store/runs/runs.ts'
import type { NewNode, NodeRow, StoredEdge } from '../../store/runs/run-table.ts'
import type { Addition, NodeKind } from '../../store/runs/run-writer.ts'
import type { StepAddition, TraceContext } from '../../messages.ts'
import { defaultQueue, type Edge, type Graph, type GraphNode, topologicalOrder } from './graph.ts'

/**
 * Checks additions against their run and plans their nodes.
 * @param trace of the run
 * @throws RuntimeError ERR_NOT_FOUND for a run that was removed; ERR_GRAPH for unknown parents, cycles, and a `before` that has begun already
 */
export async function planAdditions(
  reader: RunReader,
  runId: string,
  additions: readonly StepAddition[],
  trace?: TraceContext,
): Promise<Addition> {
  const places = new Map(additions.map((addition, place) => [addition.id, place]))
  const run = await reader.find(runId)
  if (!run) throw notFound(runId)
  const known = await existing(reader, run, additions, places)
  for (const { class: name, before = [] } of additions)
    for (const target of before) {
      const { state } = known.get(target)!
      if (state === 'waiting') continue
      throw new RuntimeError(
        'ERR_GRAPH',
        `workflow.add(${name}): expected "before" to name a job that still waits, job ${target} is ${state}`,
      )
    }
  const between = await refuseCycles(reader, run, additions, known)
  const kinds: NodeKind[] = []
  const traced = trace ? { options: { trace } } : {}
  const kindNumber = (addition: StepAddition): number => {
    const kind = { class: addition.class, queue: addition.queue ?? run.fields.queue ?? defaultQueue, ...traced }
    const found = kinds.findIndex((other) => other.class === kind.class && other.queue === kind.queue)
    return found >= 0 ? found : kinds.push(kind) - 1
  }
  const planned = additions.map((addition) => ({
    addition,
    kind: kindNumber(addition),
    after: [...new Set(addition.after)],
  }))
  return {
    kinds,
    ...(between ? { grown: run.fields.grown ?? '0' } : {}),
    count: additions.length,
    edges: {
      parents: planned.reduce((sum, { after }) => sum + after.length, 0),
      children: planned.reduce(
        (sum, { addition, after }) => sum + after.filter((id) => places.has(id)).length + new Set(addition.before).size,
        0,
      ),
    },
    nodes: (first) => {
      const edge = (id: string): StoredEdge => {
        const place = places.get(id)
        return { from: place === undefined ? Number(id) : first + place, when: 'finished' }
      }
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

/** Records of the run's own nodes that additions name. */
async function existing(
  reader: RunReader,
  { id: runId, fields }: RunRecord,
  additions: readonly StepAddition[],
  places: ReadonlyMap<string, number>,
): Promise<Map<string, NodeRow>> {
  const named = new Set(
    additions.flatMap(({ after, before = [] }) => [...after.filter((id) => !places.has(id)), ...before]),
  )
  for (const id of named) {
    if (!/^\d{1,9}$/.test(id) || Number(id) >= Number(fields.allocated)) {
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

/**
 * Refuses additions that would wait for themselves: by way of each other, or of jobs of the run that still wait. The run's
 * own graph is read only where an addition comes after one waiting job and before another; else no way leads back.
 * @param known records of the run's jobs that the additions name
 * @returns true when the run's own graph was read: then the answer holds as long as no other step adds to it
 * @throws RuntimeError ERR_GRAPH naming the cycle by its path
 */
async function refuseCycles(
  reader: RunReader,
  run: RunRecord,
  additions: readonly StepAddition[],
  known: ReadonlyMap<string, NodeRow>,
): Promise<boolean> {
  const between =
    additions.some(({ before }) => before?.length) &&
    additions.some(({ after }) => after.some((id) => known.get(id)?.state === 'waiting'))
  const waiting = between ? await waitingNodes(reader, run) : []
  const places = new Map(additions.map(({ id }, place) => [id, waiting.length + place]))
  const placeOf = (id: string): number | undefined => places.get(id) ?? (between ? Number(id) : undefined)
  const edges = (ids: readonly string[]): Edge[] => [...new Set(ids)].flatMap((id) => edgeFrom(placeOf(id)))
  const graph: Graph = {
    nodes: [...waiting, ...additions.map(({ class: name, after }) => nodeOf(name, edges(after)))],
  }
  additions.forEach(({ before = [] }, place) => {
    if (between)
      for (const id of new Set(before)) graph.nodes[Number(id)]?.parents.push(...edgeFrom(waiting.length + place))
  })
  topologicalOrder(graph)
  return between
}

const nodeOf = (className: string, parents: Edge[]): GraphNode => ({ className, queue: '', parents })
const edgeFrom = (from: number | undefined): Edge[] => (from === undefined ? [] : [{ from, when: 'finished' }])

/** The run's nodes by number; those that wait have their parents, the others none. A parent that joined after this read is left out. */
async function waitingNodes(reader: RunReader, { id: runId, fields }: RunRecord): Promise<GraphNode[]> {
  const [rows, kinds, { parents, added }] = await Promise.all([
    reader.nodes(runId, 0, Number(fields.allocated)),
    reader.kinds(runId),
    reader.edges(runId),
  ])
  return rows.map((row) => {
    const own = parents.slice(row.parentsAt, row.parentsAt + row.parentCount)
    const edges = row.state === 'waiting' ? [...own, ...(added.get(row.index) ?? [])] : []
    return nodeOf(
      kindOf(kinds, row).class,
      edges.filter(({ from }) => from < rows.length),
    )
  })
}

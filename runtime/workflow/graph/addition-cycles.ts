import type { RunReader } from '../../store/runs/run-reader.ts'
import type { NodeRow } from '../../store/runs/run-table.ts'
import type { StepAddition } from '../../wire.ts'
import { topologicalOrder, type Edge, type Graph, type GraphNode } from './graph.ts'

/**
 * Refuses additions that would wait for themselves: by way of each other, or of jobs of the run that still wait. The run's
 * own graph is read only where an addition comes after one waiting job and before another; else no way leads back.
 * @param known records of the run's jobs that the additions name
 * @returns true when the run's own graph was read: then the answer holds as long as no other step adds to it
 * @throws RuntimeError ERR_GRAPH naming the cycle by its path
 */
export async function refuseCycles(
  reader: RunReader,
  runId: string,
  additions: readonly StepAddition[],
  known: ReadonlyMap<string, NodeRow>,
): Promise<boolean> {
  const between =
    additions.some(({ before }) => before?.length) &&
    additions.some(({ after }) => after.some((id) => known.get(id)?.state === 'waiting'))
  const waiting = between ? await waitingNodes(reader, runId) : []
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

/** The run's nodes by number; those that wait have their parents, the others none. */
async function waitingNodes(reader: RunReader, runId: string): Promise<GraphNode[]> {
  const run = await reader.find(runId)
  const [rows, kinds, { parents, added }] = await Promise.all([
    reader.nodes(runId, 0, Number(run?.fields.allocated ?? 0)),
    reader.kinds(runId),
    reader.edges(runId),
  ])
  return rows.map((row) => {
    const own = parents.slice(row.parentsAt, row.parentsAt + row.parentCount)
    const edges = row.state === 'waiting' ? [...own, ...(added.get(row.index) ?? [])] : []
    return nodeOf(kinds[row.kind]?.class ?? '?', edges)
  })
}

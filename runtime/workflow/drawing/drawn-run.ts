import type { RunReader, RunRecord } from '../../store/runs/run-reader.ts'
import type { Graph } from '../graph/graph.ts'
import { loadJobs } from '../run/run-jobs.ts'
import { foldGraph, type DrawnNode, type FoldedGraph } from './fold.ts'

/** A compiled graph, folded for drawing. */
export function drawnGraph(graph: Graph): FoldedGraph {
  return foldGraph(graph.nodes.map((node) => ({ name: node.label ?? node.className, parents: node.parents })))
}

/** A run as it stands, folded for drawing. */
export async function drawnRun(reader: RunReader, run: RunRecord): Promise<FoldedGraph> {
  const total = Number(run.fields.allocated ?? run.total)
  const [jobs, rows, { parents, added }] = await Promise.all([
    loadJobs(reader, run),
    reader.nodes(run.id, 0, total),
    reader.edges(run.id),
  ])
  // What was staged and never joined leaves gaps in the numbers.
  const rowOf = new Map(rows.map((row) => [String(row.index), row]))
  const place = new Map(jobs.map(({ id }, i) => [Number(id), i]))
  const nodes = jobs.map(({ id, label, class: name, state }): DrawnNode => {
    const { parentsAt, parentCount, index } = rowOf.get(id)!
    const own = [...parents.slice(parentsAt, parentsAt + parentCount), ...(added.get(index) ?? [])]
    const drawn = own.flatMap(({ from, when }) => {
      const at = place.get(from)
      return at === undefined ? [] : [{ from: at, when }]
    })
    return { name: label ?? name, parents: drawn, state }
  })
  return foldGraph(nodes)
}

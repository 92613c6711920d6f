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
  const present = rows.filter((row) => row.state !== 'staged')
  // What was staged and never joined leaves gaps in the numbers.
  const place = new Map(present.map((row, i) => [row.index, i]))
  const nodes = present.map((row, i): DrawnNode => {
    const own = [...parents.slice(row.parentsAt, row.parentsAt + row.parentCount), ...(added.get(row.index) ?? [])]
    const job = jobs[i]
    return {
      name: job?.label ?? job?.class ?? '?',
      parents: own.flatMap(({ from, when }) => (place.has(from) ? [{ from: place.get(from) ?? 0, when }] : [])),
      ...(job ? { state: job.state } : {}),
    }
  })
  return foldGraph(nodes)
}

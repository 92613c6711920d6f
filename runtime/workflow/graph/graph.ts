import { RuntimeError } from '../../core/errors.ts'
import type { JobSettings } from '../../messages.ts'

/** Where a step goes when neither its node, its class nor its workflow names a queue: Gush's own. */
export const defaultQueue = 'gush'

/** When an edge lets its child go on: its parent `finished` (the default), `failed` for good, or `ended` either way. */
export type EdgeWhen = 'finished' | 'failed' | 'ended'

/** An edge, seen from the child. */
export interface Edge {
  /** Index of the parent in {@link Graph.nodes}. */
  from: number
  when: EdgeWhen
}

/** One job of a run. Its id is its index in the graph, in decimal. */
export interface GraphNode {
  className: string
  /** A name of its own, where the front end gives one (pipeline steps). */
  label?: string
  queue: string
  /** One JSON object, or undefined for none. */
  params?: unknown
  /** Milliseconds between the moment it becomes ready and the moment it is queued. */
  waitMs?: number
  /** Over its class's. */
  options?: JobSettings
  parents: Edge[]
}

/** What every front end compiles to: plain data, checked by {@link checkGraph}. */
export interface Graph {
  nodes: GraphNode[]
  /** For jobs that are added while it runs and name no queue, nor does their class. */
  queue?: string
}

/** Children of each node, with the edge's condition; the other direction of `parents`. */
export function childrenOf(graph: Graph): Edge[][] {
  const children: Edge[][] = graph.nodes.map(() => [])
  graph.nodes.forEach((node, child) => {
    for (const edge of node.parents) children[edge.from]?.push({ from: child, when: edge.when })
  })
  return children
}

/**
 * Node indexes with every parent before its children; nodes that are free at the same time keep the order they were
 * given in. Costs nodes + edges.
 * @throws RuntimeError ERR_GRAPH naming the cycle by its path
 */
export function topologicalOrder(graph: Graph): number[] {
  const children = childrenOf(graph)
  const open = graph.nodes.map((node) => node.parents.length)
  const order = open.flatMap((count, index) => (count === 0 ? [index] : []))
  // `order` grows while it is walked: it is the queue, too.
  for (const index of order) {
    for (const { from: child } of children[index]!) {
      open[child]! -= 1
      if (open[child] === 0) order.push(child)
    }
  }
  if (order.length < graph.nodes.length) throw cycleError(graph, open)
  return order
}

/**
 * Refuses what cannot run: an edge from nowhere, a node that waits for itself, the same parent named twice, a cycle.
 * @throws RuntimeError ERR_GRAPH
 */
export function checkGraph(graph: Graph): void {
  graph.nodes.forEach((node, index) => {
    const seen = new Set<number>()
    for (const { from } of node.parents) {
      if (!graph.nodes[from])
        throw new RuntimeError(
          'ERR_GRAPH',
          `${nodeName(graph, index)} waits for node ${from}, which is not in the graph`,
        )
      if (from === index)
        throw new RuntimeError(
          'ERR_GRAPH',
          `cycle: ${nodeName(graph, index)} → ${nodeName(graph, index)}: a job cannot wait for itself`,
        )
      if (seen.has(from)) {
        throw new RuntimeError(
          'ERR_GRAPH',
          `${nodeName(graph, index)} names ${nodeName(graph, from)} twice in "after" or "before"; name it once`,
        )
      }
      seen.add(from)
    }
  })
  topologicalOrder(graph)
}

/** A node for people: its label or class, with its id where several share the name. */
export function nodeName(graph: Graph, index: number): string {
  const node = graph.nodes[index]!
  if (node.label) return node.label
  const alone = graph.nodes.filter((other) => other.className === node.className).length === 1
  return alone ? node.className : `${node.className}#${index}`
}

/** Of a longer cycle only the number of further nodes is shown. */
const shownPath = 12

/** Walks parents among the nodes that never became free: each of them has one, so the walk meets itself. */
function cycleError(graph: Graph, open: number[]): RuntimeError {
  const path = new Set<number>()
  let at = open.findIndex((count) => count > 0)
  while (!path.has(at)) {
    path.add(at)
    at = graph.nodes[at]!.parents.find(({ from }) => open[from]! > 0)!.from
  }
  const walked = [...path]
  const cycle = [...walked.slice(walked.indexOf(at)), at].reverse()
  const names = (part: readonly number[]): string[] => part.map((index) => nodeName(graph, index))
  const half = shownPath / 2
  const told =
    cycle.length <= shownPath
      ? names(cycle)
      : [...names(cycle.slice(0, half)), `${cycle.length - shownPath} more`, ...names(cycle.slice(-half))]
  return new RuntimeError(
    'ERR_GRAPH',
    `cycle: ${told.join(' → ')}: expected a graph without cycles; take one of these "after" or "before" away`,
  )
}

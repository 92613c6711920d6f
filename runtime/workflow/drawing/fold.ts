import type { EdgeWhen } from '../graph/graph.ts'
import type { ShownState } from '../run/run-state.ts'

/** A node to draw. `state` where a run is drawn, not a class. */
export interface DrawnNode {
  name: string
  parents: readonly { from: number; when: EdgeWhen }[]
  state?: ShownState
}

/** Nodes that look alike, drawn as one: `ImportRowJob × 2,000`. */
export interface Fold {
  name: string
  count: number
  /** How many are in each state; empty where a class is drawn. */
  states: Partial<Record<ShownState, number>>
}

/** A drawing: folds, and edges between them (indexes). */
export interface FoldedGraph {
  folds: Fold[]
  edges: { from: number; to: number; when: EdgeWhen }[]
  /** Nodes in all. */
  total: number
}

/** As many nodes of one kind are drawn one by one. */
const fewNodes = 5
/** Rounds of telling nodes apart by their neighbours, finest first; a long chain of one class stays folded. */
const roundsTried = [6, 1, 0] as const
/** More boxes than these are unreadable: then nodes are distinguished less finely, in the end by their names alone. */
const manyFolds = 300

/**
 * Folds nodes that have the same name and whose parents and children fold alike, when there are many of them. Costs a few
 * walks over all edges, so a run of a hundred thousand jobs can be drawn.
 */
export function foldGraph(nodes: readonly DrawnNode[], few = fewNodes): FoldedGraph {
  let folded: FoldedGraph = { folds: [], edges: [], total: 0 }
  for (const rounds of roundsTried) {
    folded = foldBy(groupsOf(nodes, rounds), nodes, few)
    if (folded.folds.length <= manyFolds) break
  }
  return folded
}

function foldBy(groups: readonly number[], nodes: readonly DrawnNode[], few: number): FoldedGraph {
  const sizes = new Map<number, number>()
  for (const group of groups) sizes.set(group, (sizes.get(group) ?? 0) + 1)
  const places = new Map<string, number>()
  const folds: Fold[] = []
  const placeOf = nodes.map(({ name, state }, i) => {
    const group = groups[i]!
    const key = sizes.get(group)! > few ? `group ${group}` : `node ${i}`
    const place = places.get(key) ?? folds.push({ name, count: 0, states: {} }) - 1
    places.set(key, place)
    const fold = folds[place]!
    fold.count += 1
    if (state) fold.states[state] = (fold.states[state] ?? 0) + 1
    return place
  })
  const edges = new Map<string, FoldedGraph['edges'][number]>()
  nodes.forEach((node, i) => {
    for (const { from, when } of node.parents) {
      const edge = { from: placeOf[from]!, to: placeOf[i]!, when }
      edges.set(`${edge.from} ${edge.to} ${when}`, edge)
    }
  })
  return { folds, edges: [...edges.values()], total: nodes.length }
}

/** A number for each node: equal for nodes that cannot be distinguished by name and by the groups around them. */
function groupsOf(nodes: readonly DrawnNode[], rounds: number): number[] {
  let groups = numbered(nodes.map((node) => node.name))
  for (let round = 0, before = 0; round < rounds; round += 1) {
    const around: Set<string>[] = nodes.map((_, i) => new Set([`=${groups[i]}`]))
    nodes.forEach((node, i) => {
      for (const { from, when } of node.parents) {
        around[i]?.add(`<${when}${groups[from]}`)
        around[from]?.add(`>${when}${groups[i]}`)
      }
    })
    groups = numbered(around.map((set) => [...set].sort().join(' ')))
    const count = new Set(groups).size
    if (count === before) break
    before = count
  }
  return groups
}

function numbered(keys: readonly string[]): number[] {
  const numbers = new Map<string, number>()
  return keys.map((key) => {
    const number = numbers.get(key) ?? numbers.size
    numbers.set(key, number)
    return number
  })
}

/** `ImportRowJob × 2,000` */
export function foldLabel({ name, count }: Fold): string {
  return count === 1 ? name : `${name} × ${count.toLocaleString('en')}`
}

const precedence: readonly ShownState[] = [
  'failed',
  'running',
  'queued',
  'delayed',
  'blocked',
  'stopped',
  'held',
  'waiting',
  'finished',
  'skipped',
]

/** The state that a fold is coloured by: what matters most among its nodes. Undefined where a class is drawn. */
export function foldState({ states }: Fold): ShownState | undefined {
  return precedence.find((state) => states[state] !== undefined)
}

/** `1,990 finished, 10 running`; one state alone is just its name. */
export function stateText({ states }: Fold): string {
  const present = precedence.filter((state) => states[state] !== undefined)
  if (present.length <= 1) return present.join('')
  return present.map((state) => `${states[state]!.toLocaleString('en')} ${state}`).join(', ')
}

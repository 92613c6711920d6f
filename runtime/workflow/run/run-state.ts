/**
 * The states of nodes and runs, and every legal move between them: docs/states.md in code. The scripts that move nodes
 * hold the same table (runtime/store/lua/include/run-node.lua); test/workflow/run-state.test.ts compares the two.
 */

/** A node's state as its record's byte; the scripts know them by these numbers, so none is ever given to another state. */
export const nodeCodes = {
  /** Written, but its addition to a running graph is not yet committed: not part of the run. */
  staged: 0,
  /** Some parent has not ended. */
  waiting: 1,
  /** Ready, and held back by its `wait`, a retry's delay, or a snooze. */
  delayed: 2,
  /** On its queue. */
  queued: 3,
  running: 4,
  finished: 5,
  /** No attempt left. What hangs on it is blocked. */
  failed: 6,
  /** Does not run: a person, a parent, or a branch not taken decided so. */
  skipped: 7,
  /** Ready, but the run is stopped. */
  held: 8,
} as const

/** State of one node. */
export type NodeState = keyof typeof nodeCodes

/** Node states in the order of their codes. */
export const nodeStates = Object.keys(nodeCodes) as NodeState[]

/** What a node in the first state may become. Two moves are people's: failed → queued (continue, retry) and → skipped (skip). */
export const nodeMoves: Record<NodeState, readonly NodeState[]> = {
  staged: ['waiting'],
  waiting: ['queued', 'delayed', 'held', 'skipped'],
  delayed: ['running', 'failed', 'held', 'skipped'],
  queued: ['running', 'failed', 'held', 'skipped'],
  running: ['finished', 'failed', 'delayed', 'queued', 'held'],
  finished: [],
  failed: ['queued', 'held', 'skipped'],
  skipped: [],
  held: ['queued', 'delayed', 'skipped'],
}

/** State of a run. */
export type RunState = 'pending' | 'running' | 'finished' | 'failed' | 'stopped'

/** Run states in which nothing moves any more by itself. */
export const endedRuns: readonly RunState[] = ['finished', 'failed', 'stopped']

/** How a node is shown to people: `blocked` is a waiting node of a run that nothing moves any more. */
export type ShownState = NodeState | 'blocked' | 'stopped'

/** A node's state as it is shown, given its run's. */
export function shownState(node: NodeState, run: RunState): ShownState {
  if (run === 'failed' && node === 'waiting') return 'blocked'
  if (run === 'stopped' && ['waiting', 'delayed', 'queued', 'held'].includes(node)) return 'stopped'
  return node
}

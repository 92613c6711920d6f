import type { NodeMove } from '../../store/runs/pipelines.ts'
import type { NodeRow } from '../../store/runs/run-table.ts'

/**
 * The states of a step: Waiting (its ready time has not come) → Ready → Running → Complete | Failed (then Waiting again,
 * for the retry gap) | Stuck (no attempt left).
 */
export type StepState = 'Waiting' | 'Ready' | 'Running' | 'Complete' | 'Failed' | 'Stuck'

/** A state and when it was entered. */
export interface StepMove {
  state: StepState
  atMs: number
}

/** The engine's word → the pipeline's. A skipped step is complete: what follows it goes on. */
const words: Record<string, StepState> = {
  waiting: 'Waiting',
  delayed: 'Waiting',
  queued: 'Ready',
  held: 'Ready',
  running: 'Running',
  finished: 'Complete',
  skipped: 'Complete',
  failed: 'Stuck',
  attempt_failed: 'Failed',
}

/**
 * What a step went through. The engine notes each move where it makes it; that a wait is over it need not note, since
 * the due time says so: Ready is then put in.
 * @param createdAtMs when the run was created: every step begins as Waiting
 */
export function stepMoves(moves: readonly NodeMove[], createdAtMs: number, nowMs: number): StepMove[] {
  const found: StepMove[] = [{ state: 'Waiting', atMs: createdAtMs }]
  let dueMs: number | undefined
  const enter = (state: StepState, atMs: number): void => {
    if (found.at(-1)?.state !== state) found.push({ state, atMs })
  }
  for (const { to, atMs, dueMs: due } of moves) {
    if (dueMs !== undefined && to === 'running') enter('Ready', Math.min(dueMs, atMs))
    dueMs = to === 'delayed' ? (due ?? atMs) : undefined
    enter(words[to] ?? 'Waiting', atMs)
  }
  if (dueMs !== undefined && dueMs <= nowMs) enter('Ready', dueMs)
  return found
}

/** The present state of a step, by the node's own record. @param dueMs when a delayed node is due */
export function stepState({ state }: Pick<NodeRow, 'state'>, dueMs: number | undefined, nowMs: number): StepState {
  if (state === 'delayed' && dueMs !== undefined && dueMs <= nowMs) return 'Ready'
  return words[state] ?? 'Waiting'
}

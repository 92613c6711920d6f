import { hasCode, RuntimeError, withCode } from '../../runtime/core/errors.ts'
import { newId } from '../../runtime/core/ids.ts'
import type { FailedEntry } from '../../runtime/store/queues/failures.ts'
import type { Store } from '../../runtime/store/store.ts'
import { stepOf } from './search.ts'

/** What may be done to failed jobs, one or many. */
export const failedChanges = ['retry', 'remove'] as const
export type FailedChange = (typeof failedChanges)[number]

/** Where it is done, and how long records are kept. */
export interface FailedPlace {
  store: Store
  waitingTtlMs: number
}

/**
 * Retries a failed job, which takes its entry off the list in the same step, or removes the entry. A workflow step goes back
 * through its run, which alone knows whether it may run again; its entry goes right after.
 * @returns false when the list has changed and the entry is no longer at its place
 * @throws RuntimeError ERR_STATE, ERR_NOT_FOUND where this job cannot run again
 */
export async function changeFailed(
  place: FailedPlace,
  change: FailedChange,
  entry: FailedEntry,
  nowMs: number,
): Promise<boolean> {
  const { store, waitingTtlMs } = place
  if (change === 'remove') return store.failures.remove(entry)
  const step = stepOf(entry)
  if (step) {
    await store.runs.decide(step.run, step.node, 'retry', nowMs)
    return store.failures.remove(entry)
  }
  if (typeof entry.queue !== 'string' || entry.queue === '' || entry.payload === 'null')
    throw new RuntimeError('ERR_STATE', 'its entry has no payload or no queue, so it cannot run again; remove it')
  return store.failures.retry(entry, newId(nowMs), nowMs, waitingTtlMs, true)
}

/** Why an entry was passed over; undefined for an error that is not about this entry. */
export function reasonToSkip(error: unknown): string | undefined {
  return hasCode(error, 'ERR_STATE') || hasCode(error, 'ERR_NOT_FOUND') || hasCode(error, 'ERR_REPLY')
    ? withCode(error)
    : undefined
}

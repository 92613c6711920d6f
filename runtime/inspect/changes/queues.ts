import { didYouMean } from '../../../config/did-you-mean.ts'
import { decodeItem } from '../../core/codec.ts'
import { RuntimeError } from '../../core/errors.ts'
import { noChange, skip, type Change, type ChangeOptions, type MatchCount } from './change.ts'
import type { InspectContext } from '../context.ts'
import { noLongerWaits, waitingPayload, type WaitingJob } from '../queues.ts'

type Place = Pick<InspectContext, 'store'>

/**
 * Pauses a queue on all workers of this runtime. A queue may be paused before its first job.
 * @returns the names of the queues that had a job before; without this one, the name may be misspelt
 */
export async function pauseQueue({ store }: Place, name: string): Promise<string[]> {
  const names = await store.queues.names()
  await store.queues.setPaused(name, true)
  return names
}

/** @throws RuntimeError ERR_STATE for a queue that is not paused */
export async function resumeQueue({ store }: Place, name: string): Promise<void> {
  const paused = await store.queues.paused()
  if (!paused.includes(name)) {
    const which = paused.length === 0 ? 'no queue is' : `paused are ${paused.join(', ')}`
    throw new RuntimeError('ERR_STATE', `queue ${name}: expected a paused queue, it is not; ${which}`)
  }
  await store.queues.setPaused(name, false)
}

/** Pauses or resumes all workers, those of Ruby included. */
export const setAllPaused = ({ store }: Place, paused: boolean): Promise<void> => store.queues.setPausedAll(paused)

/**
 * Removes a queue; its waiting jobs end as cancelled.
 * @returns how many
 * @throws RuntimeError ERR_NOT_FOUND for a queue that had no job before
 */
export async function clearQueue({ store, config }: InspectContext, name: string): Promise<number> {
  const names = await store.queues.names()
  const removed = await store.queues.remove(name, Date.now(), config.limits.recordTtlMs)
  if (removed === 0 && !names.includes(name)) {
    const which = names.length === 0 ? 'a queue, and there is none' : `one of ${names.join(', ')}`
    throw new RuntimeError('ERR_NOT_FOUND', `queue ${name}: expected ${which}${didYouMean(name, names)}`)
  }
  return removed
}

/**
 * Removes one waiting job; it ends as cancelled.
 * @returns how many: copies with the same bytes go with it
 * @throws RuntimeError ERR_NOT_FOUND when it no longer waits there
 */
export async function removeWaitingJob(
  { store, config }: InspectContext,
  queue: string,
  job: Pick<WaitingJob, 'at' | 'digest'>,
): Promise<number> {
  const item = await waitingPayload({ store }, queue, job)
  const removed = await store.queues.removeItem(queue, item, Date.now(), config.limits.recordTtlMs)
  if (removed === 0) throw new RuntimeError('ERR_NOT_FOUND', noLongerWaits(queue))
  return removed
}

/** Which waiting jobs of one queue; all that is given must hold. */
export interface WaitingFilter {
  class?: string
  /** A part of the payload. Upper and lower case are the same. */
  text?: string
}

/** Jobs that one step reads, and of which it changes at most as many. */
const stepSize = 500
/** Places that jobs may have moved towards the head from one step to the next. */
const movedMost = 500

/** How many waiting jobs of a queue match: to be shown before {@link removeWaiting} is confirmed. */
export async function countWaiting(
  { store }: Place,
  queue: string,
  filter: WaitingFilter,
  { signal }: Pick<ChangeOptions, 'signal'> = {},
): Promise<MatchCount> {
  let count = 0
  for (let at = 0; ; at += stepSize) {
    if (signal?.aborted) return { count, isStopped: true }
    const items = await store.queues.peek(queue, at, stepSize)
    count += items.filter((item) => isWaitingWanted(item, filter)).length
    if (items.length < stepSize) return { count, isStopped: false }
  }
}

/**
 * Removes every waiting job of a queue that matches, from its head to its end, in steps; what comes in meanwhile is not
 * looked at. The removed jobs end as cancelled.
 */
export async function removeWaiting(
  { store, config }: InspectContext,
  queue: string,
  filter: WaitingFilter,
  { signal, onProgress }: ChangeOptions = {},
): Promise<Change> {
  const change = noChange()
  const [head] = await store.queues.heads([queue])
  // Redis removes copies from the head on: all before `at` that match have gone, so that those of this step are the first.
  for (let at = 0, left = Math.max(0, head?.size ?? 0); left > 0;) {
    if (signal?.aborted) return { ...change, isStopped: true }
    // Workers take from the head meanwhile, so that jobs move towards it: a part of the step before is looked at again.
    const start = Math.max(0, at - movedMost)
    const items = await store.queues.peek(queue, start, at - start + Math.min(stepSize, left))
    const copies = new Map<string, number>()
    for (const item of items) if (isWaitingWanted(item, filter)) copies.set(item, (copies.get(item) ?? 0) + 1)
    let gone = 0
    for (const [item, most] of copies) {
      const removed = await store.queues.removeItem(queue, item, Date.now(), config.limits.recordTtlMs, most)
      gone += removed
      change.matched += most
      skip(change, 'a worker has taken it', most - removed)
    }
    const fresh = Math.max(0, items.length - (at - start))
    change.looked += fresh
    change.done += gone
    left -= fresh
    at = start + items.length - gone
    onProgress?.(change)
    if (fresh === 0) break
  }
  return change
}

/** True for a waiting job that a filter asks for. */
export function isWaitingWanted(item: string, { class: name, text }: WaitingFilter): boolean {
  if (text !== undefined && !item.toLowerCase().includes(text.toLowerCase())) return false
  if (name === undefined) return true
  const read = decodeItem(item)
  return 'className' in read && read.className === name
}

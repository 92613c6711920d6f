import {
  delayedJobs,
  type DelayedBatch,
  type DelayedCursor,
  type DelayedJob,
} from '../../store/queues/delayed-pages.ts'
import { noChange, skip, type Change, type ChangeOptions, type MatchCount } from './change.ts'
import { delayedPage, isWanted, type DelayedFilter } from '../delayed.ts'
import type { InspectContext } from '../context.ts'

/** Jobs that one step reads, and of which it changes at most as many. */
const stepSize = 100

/** How many delayed jobs match: to be shown before {@link changeDelayed} is confirmed. */
export async function countDelayed(
  { store }: Pick<InspectContext, 'store'>,
  filter: DelayedFilter,
  { signal }: Pick<ChangeOptions, 'signal'> = {},
): Promise<MatchCount> {
  let count = 0
  for (let cursor: string | undefined = '0-0-0'; cursor !== undefined;) {
    if (signal?.aborted) return { count, isStopped: true }
    const page = await delayedPage({ store }, filter, { cursor, count: Infinity })
    count += page.jobs.length
    cursor = page.next
  }
  return { count, isStopped: false }
}

/**
 * Removes every delayed job that matches, or moves it to its queue now: earliest first, in steps of a hundred. The other
 * jobs are not touched. Jobs that become due meanwhile are left to the scheduler.
 */
export async function changeDelayed(
  { store, config }: InspectContext,
  verb: 'remove' | 'run',
  filter: DelayedFilter,
  { signal, onProgress }: ChangeOptions = {},
): Promise<Change> {
  const change = noChange()
  for (let cursor: DelayedCursor | undefined = { dueMs: 0, inSet: 0, inBucket: 0 }; cursor !== undefined;) {
    if (signal?.aborted) return { ...change, isStopped: true }
    const page: DelayedBatch = await delayedJobs(store.connection, cursor, stepSize)
    const wanted = page.jobs.filter((job) => isWanted(job, filter))
    change.looked += page.jobs.length
    change.matched += wanted.length
    const gone: DelayedJob[] = []
    for (const job of wanted) {
      const count = await changeOne({ store, config }, verb, job)
      if (count === 1) gone.push(job)
      else skip(change, typeof count === 'string' ? count : 'it is no longer delayed', 1)
    }
    change.done += gone.length
    onProgress?.(change)
    cursor = page.next && behind(page.next, cursor, gone)
  }
  return change
}

async function changeOne(
  { store, config: { limits } }: InspectContext,
  verb: 'remove' | 'run',
  job: DelayedJob,
): Promise<number | string> {
  const nowMs = Date.now()
  const { className, queue } = job
  if (verb === 'run' && (className === undefined || queue === undefined)) return 'it names no class or no queue'
  return verb === 'remove' || className === undefined || queue === undefined
    ? store.delayed.removeOne(job, nowMs, limits.recordTtlMs)
    : store.delayed.runOne({ ...job, className, queue }, nowMs, limits.waitingTtlMs)
}

/** A place counts the jobs before it that are due at the same time: those that have gone are not before it any more. */
function behind(next: DelayedCursor, from: DelayedCursor, gone: readonly DelayedJob[]): DelayedCursor {
  const same = gone.filter(({ dueMs }) => dueMs === next.dueMs)
  const inSet = same.filter(({ id }) => id !== undefined).length
  const least = next.dueMs === from.dueMs ? from : { inSet: 0, inBucket: 0 }
  return {
    dueMs: next.dueMs,
    inSet: Math.max(least.inSet, next.inSet - inSet),
    inBucket: Math.max(least.inBucket, next.inBucket - (same.length - inSet)),
  }
}

import { jsonValue } from '../../core/json-text.ts'
import { RuntimeError, withCode } from '../../core/errors.ts'
import { newId } from '../../core/ids.ts'
import type { FailedEntry } from '../../store/queues/failures.ts'
import { isSkippable, namedMost, noChange, skip, type Change, type ChangeOptions, type MatchCount } from './change.ts'
import { failedClass, failedPage, failedStep, matcherOf, type FailedFilter } from '../failed.ts'
import type { InspectContext } from '../context.ts'

/** Options of a change of failed jobs. */
export interface FailedChangeOptions extends ChangeOptions {
  /** Index of the newest entry to look at, as {@link countFailed} gives it: what failed later is not touched. */
  newest?: number
  /** For retries. True: the entries stay, marked `retried_at`, as in Resque. */
  keep?: boolean
}

/** What runs again: a new job with the failed one's arguments, or the same step of the same run. */
export type Requeued = { job: string } | { run: string; node: number }

/** A {@link Change} by a retry. */
export interface Retried extends Change {
  /** The first of what runs again. */
  as: Requeued[]
}

/** Entries that one step reads, and of which it changes at most as many. */
const stepSize = 100
type Place = Pick<InspectContext, 'store'>

/** How many failed jobs match, and the newest index: to be shown before {@link changeFailed} is confirmed. */
export async function countFailed(
  { store }: Place,
  filter: FailedFilter,
  { signal, onProgress }: Pick<ChangeOptions, 'signal'> & { onProgress?: (count: number) => void } = {},
): Promise<MatchCount & { newest: number }> {
  const newest = (await store.failures.count()) - 1
  let count = 0
  for (let cursor: string | undefined = newest < 0 ? undefined : String(newest); cursor !== undefined;) {
    if (signal?.aborted) return { count, newest, isStopped: true }
    const page = await failedPage({ store }, filter, { cursor, count: Infinity })
    count += page.entries.length
    onProgress?.(count)
    cursor = page.next
  }
  return { count, newest, isStopped: false }
}

/**
 * Removes or retries every failed job that matches, in steps of a hundred. An entry that does not match is never touched:
 * each change names its entry by place and digest. A retried entry leaves the list in the same step, or is marked. Entries
 * that stay are retried oldest first, as they failed; where they leave, newest first, so that the others keep their places.
 */
export async function changeFailed(
  place: InspectContext,
  verb: 'remove' | 'retry',
  filter: FailedFilter,
  { signal, onProgress, newest, keep = false }: FailedChangeOptions = {},
): Promise<Retried> {
  const change = { ...noChange(), as: [] }
  const matches = matcherOf(filter)
  const length = (newest ?? (await place.store.failures.count()) - 1) + 1
  for (let seen = 0; seen < length; seen += stepSize) {
    if (signal?.aborted) return { ...change, isStopped: true }
    const size = Math.min(stepSize, length - seen)
    const from = keep ? seen : length - seen - size
    const { entries } = await place.store.failures.newestFirst(from, from + size - 1, matches.text)
    const wanted = entries.filter(matches.entry)
    change.looked += size
    change.matched += wanted.length
    if (verb === 'remove') await remove(place, wanted, change)
    else await retry(place, keep ? wanted.reverse() : wanted, change, keep)
    onProgress?.(change)
  }
  return change
}

/** Why an entry was left that is not at its place any more. */
export const listChanged = 'the list changed meanwhile; try again'

async function remove({ store }: InspectContext, entries: readonly FailedEntry[], change: Change): Promise<void> {
  const removed = entries.length === 0 ? 0 : await store.failures.removeMany(entries)
  change.done += removed
  if (removed < entries.length) skip(change, listChanged, entries.length - removed)
}

async function retry(
  place: InspectContext,
  entries: readonly FailedEntry[],
  change: Retried,
  keep: boolean,
): Promise<void> {
  const results = await Promise.allSettled(entries.map((entry) => requeueFailed(place, entry, { keep })))
  for (const [i, result] of results.entries()) {
    if (result.status === 'rejected' && !isSkippable(result.reason)) throw result.reason
    if (result.status === 'fulfilled' && result.value) {
      change.done += 1
      if (change.as.length < namedMost) change.as.push(result.value)
    } else skip(change, result.status === 'rejected' ? withCode(result.reason) : listChanged, 1, entries[i]?.index)
  }
}

/** Removes one entry; its job does not run again. @returns false when the list has changed */
export const removeFailed = ({ store }: Place, entry: FailedEntry): Promise<boolean> => store.failures.remove(entry)

/** Removes all failed jobs. @returns how many */
export const clearFailed = ({ store }: Place): Promise<number> => store.failures.clear()

/**
 * Puts the job of a failed entry back on its queue. A step of a workflow goes back through its run, which alone knows whether
 * it may run again.
 * @param keep true: the entry stays, marked `retried_at`, as in Resque
 * @returns undefined when the list has changed
 * @throws RuntimeError ERR_STATE, ERR_NOT_FOUND
 */
export async function requeueFailed(
  { store, config }: InspectContext,
  entry: FailedEntry,
  { keep = true }: { keep?: boolean } = {},
): Promise<Requeued | undefined> {
  const now = Date.now()
  const step = failedStep(entry)
  if (!step) {
    if (entry.queue === '' || entry.payload === 'null')
      throw new RuntimeError(
        'ERR_STATE',
        'its entry has no payload or no queue, so it cannot run again; `runtime failed remove` removes it',
      )
    const job = newId(now)
    const isQueued = await store.failures.retry(entry, job, now, config.limits.waitingTtlMs, !keep)
    return isQueued ? { job } : undefined
  }
  await store.runs.decide(step.run, step.node, 'retry', now)
  const isMarked = await (keep ? store.failures.markRetried(entry, now) : store.failures.remove(entry))
  return isMarked ? { run: step.run, node: step.node } : undefined
}

/**
 * Runs a failed job again with other arguments; its entry leaves the list in the same step.
 * @param args JSON text of an array; kept as it is written
 * @param keep true: the entry stays, marked `retried_at`
 * @returns the ID of the new job; undefined when the list has changed
 * @throws RuntimeError ERR_ARGUMENT for text that is no JSON array, ERR_STATE for a step, ERR_TOO_LARGE
 */
export async function retryWithArgs(
  { store, config }: InspectContext,
  entry: FailedEntry,
  args: string,
  { keep = false }: { keep?: boolean } = {},
): Promise<string | undefined> {
  if (failedStep(entry))
    throw new RuntimeError(
      'ERR_STATE',
      `failed job ${entry.index}: expected a job, it is a step; its run has its params`,
    )
  if (!isArray(args)) throw new RuntimeError('ERR_ARGUMENT', 'args: expected the JSON text of an array')
  const [size, most] = [Buffer.byteLength(args), config.limits.maxPayloadBytes]
  if (size > most) throw new RuntimeError('ERR_TOO_LARGE', `args: expected at most ${most} bytes, got ${size}`)
  const now = Date.now()
  const payload = `{"class":${JSON.stringify(failedClass(entry))},"args":${args.trim()}}`
  const job = newId(now)
  const isQueued = await store.failures.retry({ ...entry, payload }, job, now, config.limits.waitingTtlMs, !keep)
  return isQueued ? job : undefined
}

function isArray(text: string): boolean {
  return Array.isArray(jsonValue(text))
}

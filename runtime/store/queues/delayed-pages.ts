import { pairsOf, type Connection } from '../connection/connection.ts'
import type { Redis } from 'ioredis'
import { decodeItem } from '../../core/codec.ts'
import type { Keys } from '../keys.ts'
import { lockFields, type NewJob } from './new-job.ts'

/** Resque's delayed lists that are counted in one call, and calls side by side. */
const countedSeconds = 1000
const countsAtOnce = 8

/** Resque's delayed lists that are read side by side. */
const listsAtOnce = 100

/** Where a page begins: behind so many jobs of either kind that are due at this moment. */
export interface DelayedCursor {
  dueMs: number
  inSet: number
  inBucket: number
}

/** How many jobs are delayed, a thousand of Resque's lists a script call. @param most counting stops above it */
export async function countDelayedJobs(
  connection: Connection,
  most = Infinity,
): Promise<{ count: number; isExact: boolean }> {
  let count = await connection.ask((redis, keys) => redis.zcard(keys.delayed()))
  for (let from = 0; count <= most; from += countsAtOnce * countedSeconds) {
    const starts = Array.from({ length: countsAtOnce }, (_, i) => from + i * countedSeconds)
    const calls = starts.map((start) => connection.run('count-delayed', { from: start, count: countedSeconds }))
    const replies = (await Promise.all(calls)) as [jobs: number, seconds: number][]
    for (const [jobs] of replies) count += jobs
    if (replies.some(([, seconds]) => seconds < countedSeconds)) return { count, isExact: true }
  }
  return { count, isExact: false }
}

/** How many jobs were due before a moment, and since when the first is. */
export async function overdueJobs(
  connection: Connection,
  beforeMs: number,
): Promise<{ count: number; isExact: boolean; sinceMs: number | undefined }> {
  return connection.ask(async (redis, keys) => {
    const [inSet, [, first], seconds] = await Promise.all([
      redis.zcount(keys.delayed(), '-inf', beforeMs),
      redis.zrange(keys.delayed(), 0, '0', 'WITHSCORES'),
      redis.zrangebyscore(keys.delayedSchedule(), '-inf', beforeMs / 1000, 'LIMIT', 0, countedSeconds),
    ])
    const sizes = await Promise.all(seconds.map((second) => redis.llen(keys.delayedBucket(second))))
    const since = Math.min(inSet > 0 ? Number(first) : Infinity, Number(seconds[0] ?? Infinity) * 1000)
    return {
      count: sizes.reduce((sum, size) => sum + size, inSet),
      isExact: seconds.length < countedSeconds,
      sinceMs: Number.isFinite(since) ? since : undefined,
    }
  })
}

/** Some delayed jobs, and where the next ones begin; undefined: these were the last. */
export interface DelayedBatch {
  jobs: DelayedJob[]
  next: DelayedCursor | undefined
}

/** Delayed jobs of the millisecond set and of Resque's lists, merged by time; at most `count` from a cursor on. */
export async function delayedJobs(connection: Connection, from: DelayedCursor, count: number): Promise<DelayedBatch> {
  const [set, buckets] = await Promise.all([ofSet(connection, from, count + 1), ofBuckets(connection, from, count + 1)])
  const merged = [...set, ...buckets].sort((a, b) => a.dueMs - b.dueMs)
  const jobs = merged.slice(0, count)
  return { jobs, next: merged.length <= count || jobs.length === 0 ? undefined : cursorBehind(from, jobs) }
}

/** Where the page after these jobs begins, which were read from `from` on. */
export function cursorBehind(from: DelayedCursor, jobs: readonly DelayedJob[]): DelayedCursor {
  const last = jobs.at(-1)
  if (!last) return from
  const same = jobs.filter(({ dueMs }) => dueMs === last.dueMs)
  const inSet = same.filter(({ id }) => id !== undefined).length
  const before = from.dueMs === last.dueMs ? from : { inSet: 0, inBucket: 0 }
  return { dueMs: last.dueMs, inSet: before.inSet + inSet, inBucket: before.inBucket + same.length - inSet }
}

async function ofSet(connection: Connection, { dueMs, inSet }: DelayedCursor, count: number): Promise<DelayedJob[]> {
  return connection.ask(async (redis, keys) => {
    const rows = await redis.zrangebyscore(keys.delayed(), dueMs, '+inf', 'WITHSCORES', 'LIMIT', inSet, count)
    return delayedInSet(redis, keys, rows)
  })
}

/** Jobs of the millisecond set with their records. @param rows their IDs, each with its due time */
export async function delayedInSet(redis: Redis, keys: Keys, rows: readonly string[]): Promise<DelayedJob[]> {
  const jobs = pairsOf(rows).map(async ([id, due]): Promise<DelayedJob> => {
    const [item, queue] = await redis.hmget(keys.job(id), 'item', 'queue')
    return { ...readBytes(item ?? ''), queue: queue ?? undefined, id, dueMs: Number(due) }
  })
  return Promise.all(jobs)
}

async function ofBuckets(
  connection: Connection,
  { dueMs, inBucket }: DelayedCursor,
  count: number,
): Promise<DelayedJob[]> {
  return connection.ask(async (redis, keys) => {
    const first = dueMs / 1000
    const seconds = await redis.zrangebyscore(keys.delayedSchedule(), first, '+inf', 'LIMIT', 0, count)
    const jobs: DelayedJob[] = []
    // The sizes first: of many small lists few round trips are needed, and of a large one no more than the page is read.
    for (let at = 0; at < seconds.length && jobs.length < count; at += listsAtOnce) {
      const some = seconds.slice(at, at + listsAtOnce)
      const sizes = await Promise.all(some.map((second) => redis.llen(keys.delayedBucket(second))))
      let left = count - jobs.length
      const pages = some.map(async (second, i) => {
        const start = Number(second) === first ? inBucket : 0
        const wanted = Math.max(0, Math.min(left, sizes[i]! - start))
        left -= wanted
        return wanted === 0 ? [] : redis.lrange(keys.delayedBucket(second), start, start + wanted - 1)
      })
      for (const [i, items] of (await Promise.all(pages)).entries())
        jobs.push(...items.map((bytes) => ({ ...readBytes(bytes), dueMs: Number(some[i]) * 1000 })))
    }
    return jobs
  })
}

/** A job that is to wait. */
export interface NewDelayedJob extends NewJob {
  queue: string
  /** When it is due, milliseconds since 1970. In the past or now: it goes to its queue at once, as in Resque. */
  dueMs: number
}

/** Names every delayed copy of a job, as Resque's `remove_delayed` does: class, exact arguments, queue. */
export interface DelayedName {
  className: string
  /** The queue item's bytes, as `encodeItem` made them. */
  item: string
  queue: string
}

/**
 * A delayed job as the lists show it.
 * @example
 * ```ts
 * const ofMail = (_args: unknown[], { queue }: DelayedJob) => queue === 'mail'
 * await removeDelayedSelection(ofMail)
 * ```
 */
export interface DelayedJob {
  /** When it is due, milliseconds since 1970. */
  dueMs: number
  /** The queue it goes to; undefined where the bytes name none. */
  queue: string | undefined
  /** The name of its class; undefined where the bytes name none. */
  className: string | undefined
  /** JSON text of its arguments. */
  args: string
  /** Its id, where it lies in the millisecond set. */
  id?: string
  /** The bytes as they lie in Redis. */
  bytes: string
}

/** Delays of a minute and more lie where Ruby sees them: also a moment that was a minute away when the caller read the clock. */
const bucketFromMs = 59_000

/** The second of a bucket, rounded up so that no job runs early; 0 for what belongs in the millisecond set. */
export function secondOf(dueMs: number, nowMs: number): number {
  return dueMs - nowMs >= bucketFromMs ? Math.ceil(dueMs / 1000) : 0
}

/** Resque's delayed form of a queue item, in its own order: class, args, queue. */
export function bucketItem(item: string, queue: string): string {
  return `${item.slice(0, -1)},"queue":${JSON.stringify(queue)}}`
}

/** The forms in which this job may lie in a bucket: Resque's order, and node-resque's (class, queue, args). */
export function formsOf({ className, item, queue }: DelayedName): string[] {
  const head = `{"class":${JSON.stringify(className)},`
  return [bucketItem(item, queue), `${head}"queue":${JSON.stringify(queue)},${item.slice(head.length)}`]
}

/** The script `delay`'s eleven fields of one job. */
export function fields(job: NewDelayedJob, nowMs: number): (string | number)[] {
  const second = secondOf(job.dueMs, nowMs)
  const where = [job.queue, job.dueMs, second, second === 0 ? '' : bucketItem(job.item, job.queue)]
  return [job.id, job.className, job.item, job.options ?? '', ...lockFields(job.unique), ...where]
}

/** What a list shows of an item; garbage is shown as it is. */
export function readBytes(bytes: string): Omit<DelayedJob, 'dueMs'> {
  const item = decodeItem(bytes)
  if ('reason' in item) return { queue: undefined, className: undefined, args: '', bytes }
  const queue = (JSON.parse(bytes) as { queue?: unknown }).queue
  return { queue: typeof queue === 'string' ? queue : undefined, className: item.className, args: item.args, bytes }
}

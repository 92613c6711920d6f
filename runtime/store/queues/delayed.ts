import { hostname } from 'node:os'
import { newId } from '../../core/ids.ts'
import type { LockOwner } from '../limits/locks.ts'
import { formatFailedAt } from './resque-time.ts'
import { pairsOf, type Connection, scriptJson } from '../connection/connection.ts'
import {
  bucketItem,
  countDelayedJobs,
  delayedInSet,
  delayedJobs,
  fields,
  formsOf,
  secondOf,
  type DelayedCursor,
  type DelayedJob,
  type DelayedName,
  type DelayedBatch,
  type NewDelayedJob,
} from './delayed-pages.ts'

/** What one batch of {@link Delayed.moveDue} did. */
export interface MoveReply {
  moved: number
  /** When the next one is due; undefined when none waits. */
  nextDueMs: number | undefined
}

/** What one batch of {@link Delayed.moveBuckets} did; `lost` when the caller does not hold Ruby's lock. */
export type BucketReply = { kind: 'lost' } | ({ kind: 'ok'; failed: number; unrouted: string | undefined } & MoveReply)

/** How long the records of moved jobs are kept, in milliseconds, and how many entries the failed list may have. */
export interface MoveLimits {
  ttlMs: number
  failedMax: number
}

const batchSize = 100
const pageSize = 500
/** Copies of a job that one script call takes out of buckets, and as many of the millisecond set. */
const takeBatch = 50

/**
 * Delayed jobs: Resque's buckets for a minute and more (whole seconds, rounded up, so that none runs early), a
 * millisecond set of our own for the rest. One call is one atomic step per hundred jobs.
 */
export class Delayed {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /**
   * Makes jobs wait.
   * @param ttlMs how long the record of a job that no worker reserves is kept after it was due
   * @returns per job: undefined when it waits, else the id of the job that holds its unique lock
   */
  async add(jobs: readonly NewDelayedJob[], nowMs: number, ttlMs: number): Promise<(string | undefined)[]> {
    const results: (string | undefined)[] = []
    for (let at = 0; at < jobs.length; at += batchSize * 10) {
      const calls: Promise<unknown>[] = []
      for (let from = at; from < Math.min(at + batchSize * 10, jobs.length); from += batchSize) {
        const rest = jobs.slice(from, from + batchSize).flatMap((job) => fields(job, nowMs))
        calls.push(this.#connection.run('delay', { now: nowMs, ttlMs }, rest))
      }
      for (const reply of (await Promise.all(calls)) as string[][]) {
        results.push(...reply.map((word) => (word === 'ok' ? undefined : word)))
      }
    }
    return results
  }

  /** Moves at most `batch` due jobs of the millisecond set to their queues. Any number of processes may do so at once. */
  async moveDue(nowMs: number, batch: number, limits: MoveLimits): Promise<MoveReply> {
    const who = { mover: `${hostname()}:${process.pid}`, failedAt: formatFailedAt(new Date(nowMs)) }
    const reply = await this.#connection.run('move-due', { now: nowMs, batch, ...limits, ...who })
    const [moved, next] = reply as [number, string]
    return { moved, nextDueMs: next === '' ? undefined : Number(next) }
  }

  /**
   * Moves at most `batch` due items of Resque's buckets, while the caller holds resque-scheduler's lock.
   * @param routes queues of classes, for items that name none; '' where a class has no queue
   */
  async moveBuckets(
    { id: owner, lockPrefix }: LockOwner,
    nowMs: number,
    batch: number,
    limits: MoveLimits,
    routes: Record<string, string> = {},
  ): Promise<BucketReply> {
    const reply = await this.#connection.run('move-buckets', {
      lockPrefix,
      owner,
      now: nowMs,
      batch,
      ...limits,
      failedAt: formatFailedAt(new Date(nowMs)),
      routes: Object.keys(routes).length === 0 ? '' : scriptJson(routes),
    })
    const [word, moved = 0, failed = 0, next = '', unrouted = ''] = reply as [string, number, number, string, string]
    if (word === 'lost') return { kind: 'lost' }
    const nextDueMs = next === '' ? undefined : Number(next) * 1000
    return { kind: 'ok', moved, failed, nextDueMs, unrouted: unrouted === '' ? undefined : unrouted }
  }

  /** Resque's `remove_delayed`: every copy of this job; its jobs end as cancelled. @returns how many */
  async remove(name: DelayedName, nowMs: number, ttlMs: number): Promise<number> {
    return this.#take('cancel', name, nowMs, ttlMs, 0)
  }

  /** Resque's `enqueue_delayed`: every copy goes to its queue now. @returns how many */
  async enqueueNow(name: DelayedName, nowMs: number, ttlMs: number): Promise<number> {
    return this.#take('queue', name, nowMs, ttlMs, 0)
  }

  /** Resque's `delay_or_enqueue_at`: every copy waits until `dueMs` instead; where there was none, one does. @returns how many there were */
  async delayOrEnqueue(name: DelayedName, dueMs: number, nowMs: number, ttlMs: number): Promise<number> {
    return this.#take('delay', name, nowMs, ttlMs, dueMs)
  }

  /** Resque's `remove_delayed_selection`: every delayed job that `select` answers true for. @returns how many */
  async removeSelection(select: (job: DelayedJob) => boolean, nowMs: number, ttlMs: number): Promise<number> {
    const found: DelayedJob[] = [] // Before any goes: the lists are read by position, and would be passed over in part.
    for await (const job of this.all()) if (select(job)) found.push(job)
    let removed = 0
    for (const job of found) removed += await this.removeOne(job, nowMs, ttlMs)
    return removed
  }

  /** The job of the millisecond set with this ID. */
  async find(id: string): Promise<DelayedJob | undefined> {
    return this.#connection.ask(async (redis, keys) => {
      const dueMs = await redis.zscore(keys.delayed(), id)
      return dueMs === null ? undefined : (await delayedInSet(redis, keys, [id, dueMs]))[0]
    })
  }

  /** Removes one delayed job that a list has shown (of several with the same bytes in one second, one). @returns 0 or 1 */
  async removeOne(job: DelayedJob, nowMs: number, ttlMs: number): Promise<number> {
    if (job.id === undefined) return this.#takeCopy(job, { className: '', item: '', queue: '' }, nowMs, ttlMs)
    const asked = { id: job.id, now: nowMs, ttlMs, byStop: 0 }
    return (await this.#connection.run('cancel', asked)) === 'cancelled' ? 1 : 0
  }

  /** Moves one delayed job that a list has shown to its queue (of several with the same bytes in one second, one). @returns 0 or 1 */
  async runOne(job: DelayedJob & { className: string; queue: string }, nowMs: number, ttlMs: number): Promise<number> {
    const { id, className, args, queue, bytes } = job
    if (id !== undefined) return this.#takeCopies('queue', { className, item: bytes, queue }, nowMs, ttlMs, 0, [id], [])
    const item = `{"class":${JSON.stringify(className)},"args":${args}}`
    return this.#takeCopy(job, { className, item, queue }, nowMs, ttlMs)
  }

  /** Takes one copy out of one of Resque's lists, to its queue or, where that is blank, for good. */
  async #takeCopy(
    job: DelayedJob,
    { className, item, queue }: DelayedName,
    now: number,
    ttlMs: number,
  ): Promise<number> {
    const copy = { second: job.dueMs / 1000, bucketItem: job.bytes, queue, class: className, item }
    return Number(await this.#connection.run('take-one-delayed', { ...copy, newId: newId(now), now, ttlMs }))
  }

  /** Resque's `scheduled_at`: when the copies of this job are due, in milliseconds, earliest first. */
  async scheduledAt(name: DelayedName): Promise<number[]> {
    const inBuckets = await this.#connection.ask((redis, keys) =>
      Promise.all(formsOf(name).map((form) => redis.smembers(keys.delayedTimestamps(form)))),
    )
    const times = inBuckets.flat().map((bucket) => Number(bucket.slice('delayed:'.length)) * 1000)
    return [...times, ...(await this.#copiesInSet(name)).map(({ dueMs }) => dueMs)].sort((a, b) => a - b)
  }

  /** How many jobs wait. Resque's buckets are counted a thousand seconds a call. */
  async count(): Promise<number> {
    return (await countDelayedJobs(this.#connection)).count
  }

  /** Every delayed job, earliest first. */
  async *all(): AsyncGenerator<DelayedJob> {
    for (let from: DelayedCursor | undefined = { dueMs: 0, inSet: 0, inBucket: 0 }; from;) {
      const page: DelayedBatch = await delayedJobs(this.#connection, from, pageSize)
      yield* page.jobs
      from = page.next
    }
  }

  /** The copies of a job in the millisecond set. */
  async #copiesInSet({ item, queue }: DelayedName): Promise<{ id: string; dueMs: number }[]> {
    const copies = new Map<string, number>()
    for (let cursor = ''; cursor !== '0';) {
      const part = await this.#connection.run('find-delayed', { cursor: cursor || '0', item, queue })
      const [next, found] = part as [string, string[]]
      for (const [id, due] of pairsOf(found)) copies.set(id, Number(due))
      cursor = next
    }
    return [...copies].map(([id, dueMs]) => ({ id, dueMs }))
  }

  async #take(
    mode: 'cancel' | 'queue' | 'delay',
    name: DelayedName,
    nowMs: number,
    ttlMs: number,
    dueMs: number,
  ): Promise<number> {
    const ids = (await this.#copiesInSet(name)).map(({ id }) => id)
    return this.#takeCopies(mode, name, nowMs, ttlMs, dueMs, ids)
  }

  /** Takes jobs of the millisecond set by ID, and copies of Resque's lists in these forms. */
  async #takeCopies(
    mode: 'cancel' | 'queue' | 'delay',
    name: DelayedName,
    nowMs: number,
    ttlMs: number,
    dueMs: number,
    ids: readonly string[],
    forms = formsOf(name),
  ): Promise<number> {
    const { className, item, queue } = name
    const where = { due: dueMs, second: secondOf(dueMs, nowMs), newItem: bucketItem(item, queue), forms: forms.length }
    const args = { mode, queue, class: className, item, now: nowMs, ttlMs, max: takeBatch, ...where }
    let taken = 0
    for (let at = 0, more = 1; at === 0 || more === 1 || at < ids.length; at += takeBatch) {
      const call = { ...args, first: at === 0 ? 1 : 0, newId: newId(nowMs) }
      const some = ids.slice(at, at + takeBatch)
      const reply = (await this.#connection.run('take-delayed', call, [...forms, ...some])) as [number, number]
      taken += reply[0]
      more = reply[1]
    }
    return taken
  }
}

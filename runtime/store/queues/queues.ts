import { decodeItem } from '../../core/codec.ts'
import type { Connection } from '../connection/connection.ts'
import type { Idle } from './deliveries.ts'
import { newJobArguments, type NewJob } from './new-job.ts'

/** How many jobs one script call may write (promise 13). */
const batchSize = 100
/** How many jobs one script call ends. */
const clearBatch = 50
/** How many queues one call of a sweep looks at, and how many calls it makes while they find something. */
const sweepQueues = 20
const sweepCalls = 10
/** How many queues one script call looks at: the head of each may have a megabyte. */
const headsAtOnce = 20

/** How many keys one command looks for. */
const existAtOnce = 1000

/** One queue: how many jobs wait, and since when the first of them has. */
export interface QueueHead {
  name: string
  /** -1: its key is no list. */
  size: number
  /** Of the job at its head; undefined when it is not known, since Ruby enqueued it, or nothing waits. */
  firstId: string | undefined
  waitingSinceMs: number | undefined
}

/** The queues: Resque's lists. */
export class Queues {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /**
   * Pushes jobs at the tail, a thousand a round trip.
   * @param ttlMs how long the record of a job that no worker reserves is kept
   * @returns per job: undefined when pushed, else the id of the job that holds its unique lock
   */
  async push(queue: string, jobs: readonly NewJob[], nowMs: number, ttlMs: number): Promise<(string | undefined)[]> {
    const results: (string | undefined)[] = []
    for (let at = 0; at < jobs.length; at += batchSize * 10) {
      const calls: Promise<unknown>[] = []
      for (let from = at; from < Math.min(at + batchSize * 10, jobs.length); from += batchSize) {
        const rest = jobs.slice(from, from + batchSize).flatMap(newJobArguments)
        calls.push(this.#connection.run('enqueue', { queue, now: nowMs, ttlMs }, rest))
      }
      for (const reply of (await Promise.all(calls)) as string[][]) {
        results.push(...reply.map((word) => (word === 'ok' ? undefined : word)))
      }
    }
    return results
  }

  /** Names of all queues, in byte order (Resque's `*`). */
  async names(): Promise<string[]> {
    const names = await this.#connection.ask((redis, keys) => redis.smembers(keys.queues()))
    return inOrder(names)
  }

  /**
   * Whether a job waits in one of these queues, paused or not, and how many queues there are in all: one call for each {@link existAtOnce} of them.
   * @param listed the names of all queues come along
   */
  async poll(
    names: readonly string[],
    listed: boolean,
  ): Promise<{ hasJobs: boolean; queueCount: number; known: string[] | undefined }> {
    for (let at = 0; ; at += existAtOnce) {
      const some = names.slice(at, at + existAtOnce)
      const reply = await this.#connection.run('poll-queues', { listed: listed ? 1 : 0 }, some)
      const [waiting, queueCount, known] = reply as [number, number, string[] | undefined]
      if (waiting > 0 || at + existAtOnce >= names.length)
        return { hasJobs: waiting > 0, queueCount, known: known && inOrder(known) }
    }
  }

  /** True when a job waits in one of these queues, paused or not. */
  async haveJobs(names: readonly string[]): Promise<boolean> {
    for (let at = 0; at < names.length; at += existAtOnce) {
      const some = names.slice(at, at + existAtOnce)
      if ((await this.#connection.ask((redis, keys) => redis.exists(some.map((name) => keys.queue(name))))) > 0)
        return true
    }
    return false
  }

  /** Jobs waiting in each queue. */
  async sizes(): Promise<Map<string, number>> {
    const names = await this.names()
    const sizes = await this.#connection.ask((redis, keys) =>
      Promise.all(names.map((name) => redis.llen(keys.queue(name)))),
    )
    return new Map(names.map((name, i) => [name, sizes[i]!]))
  }

  /** Length and head of each of these queues. */
  async heads(names: readonly string[]): Promise<QueueHead[]> {
    const heads: QueueHead[] = []
    for (let at = 0; at < names.length; at += headsAtOnce) {
      const some = names.slice(at, at + headsAtOnce)
      const reply = (await this.#connection.run('queue-heads', {}, some)) as (string | number)[]
      heads.push(...some.map((name, i) => readHead(name, reply.slice(4 * i, 4 * i + 4))))
    }
    return heads
  }

  /** The items of a queue from `start`, at most `count`, head first. */
  async peek(queue: string, start = 0, count = 100): Promise<string[]> {
    return this.#connection.ask((redis, keys) => redis.lrange(keys.queue(queue), start, start + count - 1))
  }

  /** Names of paused queues. */
  async paused(): Promise<string[]> {
    return this.#connection.ask((redis, keys) => redis.smembers(keys.pausedQueues()))
  }

  /** Pauses or resumes all workers, Ruby's included (Resque's `pause-all-workers`). */
  async setPausedAll(paused: boolean): Promise<void> {
    await this.#connection.ask<unknown>((redis, keys) =>
      paused ? redis.set(keys.pauseAll(), 'true') : redis.del(keys.pauseAll()),
    )
  }

  /** Pauses or resumes a queue on all workers of this runtime. */
  async setPaused(queue: string, paused: boolean): Promise<void> {
    await this.#connection.ask(async (redis, keys) => {
      await (paused ? redis.sadd(keys.pausedQueues(), queue) : redis.srem(keys.pausedQueues(), queue))
    })
    if (!paused) await this.wake(queue, 1000)
  }

  /** A worker waits for no job any more. */
  async leaveIdle({ list, listener }: Idle): Promise<void> {
    await this.#connection.ask((redis, keys) => redis.zrem(keys.idle(list), listener))
  }

  /** Wakes idle workers for what waits in a queue, at most `count`. */
  async wake(queue: string, count: number): Promise<void> {
    await this.#connection.run('wake', { queue, count })
  }

  /**
   * Removes a queue with all that waits in it (Resque's `remove_queue`); what comes in meanwhile stays. Its jobs end as
   * cancelled, and their records are kept for `ttlMs`.
   * @returns how many jobs went
   */
  async remove(queue: string, nowMs: number, ttlMs: number): Promise<number> {
    const waiting = await this.#connection.ask((redis, keys) => redis.llen(keys.queue(queue)))
    for (let removed = 0; ;) {
      const max = Math.min(clearBatch, Math.max(waiting - removed, 1))
      const went = Number(await this.#connection.run('clear-queue', { queue, max, now: nowMs, ttlMs }))
      removed += went
      if (went < max || removed >= waiting) return removed
    }
  }

  /** Removes jobs with exactly these bytes (Resque's `dequeue` with arguments), at most `most`. @returns how many */
  async removeItem(queue: string, item: string, nowMs: number, ttlMs: number, most = Infinity): Promise<number> {
    const waiting = await this.#connection.ask((redis, keys) => redis.llen(keys.queue(queue)))
    return this.#removeCopies(queue, item, Math.min(waiting, most), nowMs, ttlMs)
  }

  /** Removes every job of a class, whatever its arguments (Resque's `dequeue` without). @returns how many */
  async removeClass(queue: string, className: string, nowMs: number, ttlMs: number): Promise<number> {
    const copies = new Map<string, number>()
    for (let start = 0; ; start += 1000) {
      const page = await this.peek(queue, start, 1000)
      for (const item of page) {
        const read = decodeItem(item)
        if ('className' in read && read.className === className) copies.set(item, (copies.get(item) ?? 0) + 1)
      }
      if (page.length < 1000) break
    }
    let removed = 0
    for (const [item, most] of copies) removed += await this.#removeCopies(queue, item, most, nowMs, ttlMs)
    return removed
  }

  /**
   * Drops the IDs of items that workers without IDs have taken (Ruby's), in a few queues: to be called now and then.
   * @returns how many went
   */
  async sweep(): Promise<number> {
    let swept = 0
    for (let call = 0; call < sweepCalls; call += 1) {
      const went = Number(await this.#connection.run('sweep-ids', { count: sweepQueues }))
      swept += went
      if (went === 0) break
    }
    return swept
  }

  /** Removes at most `most` jobs with these bytes, a batch a call. What comes in meanwhile stays. */
  async #removeCopies(queue: string, item: string, most: number, nowMs: number, ttlMs: number): Promise<number> {
    for (let removed = 0; ;) {
      const max = Math.min(clearBatch, Math.max(most - removed, 1))
      const went = Number(await this.#connection.run('dequeue', { queue, item, max, now: nowMs, ttlMs }))
      removed += went
      if (went < max || removed >= most) return removed
    }
  }
}

/** By their bytes, as Ruby sorts. */
function inOrder(names: string[]): string[] {
  return names.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
}

function readHead(name: string, [size = 0, id = '', enqueuedAt = '', dueAt = '']: (string | number)[]): QueueHead {
  // A job that was delayed or retried has waited in its queue since it was due.
  const since = Math.max(Number(enqueuedAt), Number(dueAt))
  return { name, size: Number(size), firstId: id === '' ? undefined : String(id), waitingSinceMs: since || undefined }
}

import type { Clock } from '../runtime/core/clock.ts'
import type { Logger } from '../runtime/core/logger.ts'
import { Loop, type Service } from '../runtime/core/service.ts'
import type { LockOwner } from '../runtime/store/limits/locks.ts'
import type { Delayed } from '../runtime/store/queues/delayed.ts'

/** What a {@link DelayedMover} needs. */
export interface DelayedMoverOptions {
  delayed: Delayed
  clock: Clock
  log: Logger
  /** The lock's owner while that is this process: only then may Resque's buckets be touched. */
  leader: () => LockOwner | undefined
  /** False: another process moves the jobs of the millisecond set. Default: this one does. */
  movesSet?: () => boolean
  /** The queue of a class, for items that name none; undefined where none is known. */
  queueOf?: (className: string) => string | undefined
  ttlMs: number
  failedMax: number
  /** Jobs a script call may move; a hundred take about a millisecond (promise 13). */
  batch?: number
}

const defaultBatch = 100
/** With no job due it waits for a message; this bounds the delay when a message is lost. */
const idleMs = 60_000

/** Moves due jobs to their queues: sleeps until the next is due, or until it hears of an earlier one. */
export class DelayedMover implements Service {
  readonly name = 'delayed-mover'
  readonly #options: DelayedMoverOptions
  readonly #loop: Loop
  readonly #routes: Record<string, string> = Object.create(null) as Record<string, string>
  #nextMs = Infinity

  constructor(options: DelayedMoverOptions) {
    this.#options = options
    this.#loop = new Loop({
      name: this.name,
      clock: options.clock,
      log: options.log,
      intervalMs: 1000,
      tick: (signal) => this.#tick(signal),
    })
  }

  start(): Promise<void> {
    return this.#loop.start()
  }

  stop(): Promise<void> {
    return this.#loop.stop()
  }

  /** Something is due at this time: wakes when that is before all that is known. */
  expect(dueMs: number): void {
    if (dueMs < this.#nextMs) this.#loop.wake()
  }

  /** Looks at once: the clock was set, or this process leads now. */
  wake(): void {
    this.#loop.wake()
  }

  async #tick(signal: AbortSignal): Promise<number> {
    // What is announced while this tick looks may not be in what it sees.
    this.#nextMs = Infinity
    // Neither waits for the other, nor stands still because the other cannot be moved.
    const moves = await Promise.allSettled([this.#moveSet(signal), this.#moveBuckets(signal)])
    const nextMs = Math.min(
      ...moves.map((move) => {
        if (move.status === 'rejected') throw move.reason
        return move.value
      }),
    )
    this.#nextMs = nextMs
    return Math.min(Math.max(nextMs - this.#options.clock.now(), 0), idleMs)
  }

  async #moveSet(signal: AbortSignal): Promise<number> {
    if (this.#options.movesSet?.() === false) return Infinity
    const { delayed, clock, ttlMs, failedMax, batch = defaultBatch } = this.#options
    for (;;) {
      const now = clock.now()
      const { nextDueMs } = await delayed.moveDue(now, batch, { ttlMs, failedMax })
      if (nextDueMs === undefined) return Infinity
      if (nextDueMs > now || signal.aborted) return nextDueMs
    }
  }

  async #moveBuckets(signal: AbortSignal): Promise<number> {
    const { delayed, clock, log, leader, ttlMs, failedMax, batch = defaultBatch } = this.#options
    for (;;) {
      const now = clock.now()
      const owner = leader()
      if (owner === undefined) return Infinity
      const reply = await delayed.moveBuckets(owner, now, batch, { ttlMs, failedMax }, this.#routes)
      if (reply.kind === 'lost') return Infinity
      if (reply.failed > 0)
        log.warn(`${reply.failed} delayed items were no jobs, or had no queue: they are in the failed list now`)
      if (reply.unrouted !== undefined) {
        this.#routes[reply.unrouted] = this.#options.queueOf?.(reply.unrouted) ?? ''
        continue
      }
      if (reply.nextDueMs === undefined) return Infinity
      if (reply.nextDueMs > now || signal.aborted) return reply.nextDueMs
    }
  }
}

import type { Clock } from '../../core/clock.ts'
import { withCode } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import { jobsAtOnce } from '../../store/queues/deliveries.ts'
import type { Store } from '../../store/store.ts'
import type { Reserved } from '../../store/workers/supervisors.ts'

/** A job that no slot has begun for so long goes back to its queue. */
const HELD_MS = 50
/** No more jobs are held for a slot than it runs in this time. */
const AHEAD_MS = 20
/** Jobs held for each slot, and for all. */
const [AHEAD_MOST, HELD_MOST] = [8, 2 * jobsAtOnce]
/** Ends of a slot, and of all slots, that Redis may be recording while the next jobs run. */
const [UNRECORDED_EACH, UNRECORDED_MOST] = [16, 2 * jobsAtOnce]
/** So many of the last jobs say how long the next will run. */
const MEASURED = 16

/** What {@link HeldJobs} needs. */
export interface HeldJobsOptions {
  store: Store
  clock: Clock
  log: Logger
  /** Of the slots. */
  workers: readonly string[]
  /** Of the record of a job that ends after all, since it was cancelled. */
  recordTtlMs: number
  supervisorId: () => string | undefined
  /** 50 where it is absent. */
  heldMs?: number
}

interface Held {
  job: Reserved
  /** The worker id that it was taken for. */
  worker: string
  sinceMs: number
}

/**
 * Jobs that were taken ahead of their slots, so that a slot whose job has ended has the next one at once, while Redis records the end.
 * None of them has begun: until then each can go back to the head of its queue. Only where the last jobs were short.
 */
export class HeldJobs {
  readonly #options: HeldJobsOptions
  readonly #heldMs: number
  /** As they lay on their queues. */
  #held: Held[] = []
  #timer: NodeJS.Timeout | undefined
  #returns = new Set<Promise<void>>()
  readonly #ranMs: number[] = []
  #next = 0
  #sumMs = 0

  constructor(options: HeldJobsOptions) {
    this.#options = options
    this.#heldMs = options.heldMs ?? HELD_MS
  }

  /** How many ends of one slot may be unrecorded while its next job runs. */
  get unrecordedMost(): number {
    return Math.max(1, Math.min(UNRECORDED_EACH, Math.floor(UNRECORDED_MOST / this.#options.workers.length)))
  }

  /** Of the jobs that are held. */
  get ids(): string[] {
    return this.#held.map(({ job }) => job.id)
  }

  /** A job has run for so long. */
  measure(ms: number): void {
    this.#sumMs += ms - (this.#ranMs[this.#next] ?? 0)
    this.#ranMs[this.#next] = ms
    this.#next = (this.#next + 1) % MEASURED
  }

  /** Worker ids for which jobs are to be taken now; none unless at least half of those that may be held are missing. */
  wanted(): string[] {
    const { workers } = this.#options
    if (this.#ranMs.length < MEASURED) return []
    const eachSlot = Math.min(AHEAD_MOST, Math.floor((AHEAD_MS * MEASURED) / this.#sumMs))
    const most = Math.min(eachSlot * workers.length, HELD_MOST)
    const missing = most - this.#held.length
    if (missing <= 0 || 2 * this.#held.length > most) return []
    return Array.from({ length: missing }, (_, n) => workers[n % workers.length] ?? '')
  }

  add(job: Reserved, worker: string): void {
    this.#held.push({ job, worker, sinceMs: performance.now() })
    this.#options.store.supervisors.gatherEnds(true)
    this.#timer ??= setTimeout(() => this.#look(), this.#heldMs)
  }

  /** The one that has waited longest. */
  take(): Reserved | undefined {
    const first = this.#held.shift()
    if (this.#held.length === 0) this.#options.store.supervisors.gatherEnds(false)
    return first?.job
  }

  /** Puts all back at the heads of their queues, and takes none ahead until the next jobs were measured. What cannot be put back now the heartbeat puts back: no process runs it. */
  giveBack(): void {
    const { store, clock, log, recordTtlMs, supervisorId } = this.#options
    const id = supervisorId()
    const held = this.#held.splice(0)
    store.supervisors.gatherEnds(false)
    this.#ranMs.length = this.#next = this.#sumMs = 0
    if (held.length === 0 || id === undefined) return
    // The last first: each is put before those that are there.
    const calls = held
      .reverse()
      .map(({ job: { id: job, delivery }, worker }) =>
        store.supervisors.requeue(id, { id: job, delivery, worker }, clock.now(), 0, false, recordTtlMs),
      )
    const returned: Promise<void> = Promise.all(calls)
      .then(
        () => undefined,
        (error: unknown) => log.warn(`jobs that were taken ahead cannot be put back yet: ${withCode(error)}`),
      )
      .finally(() => this.#returns.delete(returned))
    this.#returns.add(returned)
  }

  /** Another worker has them by now, or will have. */
  drop(): void {
    this.#held = []
    this.#options.store.supervisors.gatherEnds(false)
  }

  /** Puts all back, and waits for that. */
  async close(): Promise<void> {
    clearTimeout(this.#timer)
    this.giveBack()
    await Promise.all(this.#returns)
  }

  #look(): void {
    this.#timer = undefined
    const [first] = this.#held
    if (!first) return
    const leftMs = first.sinceMs + this.#heldMs - performance.now()
    if (leftMs <= 1) this.giveBack()
    else this.#timer = setTimeout(() => this.#look(), leftMs)
  }
}

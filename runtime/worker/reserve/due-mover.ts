import type { Clock } from '../../core/clock.ts'
import type { Logger } from '../../core/logger.ts'
import { Loop, type Service } from '../../core/service.ts'
import type { MoveLimits } from '../../store/queues/delayed.ts'
import type { Store } from '../../store/store.ts'
import type { Duty } from '../../store/workers/duty.ts'

/** Longest sleep: a wake-up call can be missed while the connection is away. */
const longestMs = 5000

/**
 * Moves due retries, snoozes and short delays to their queues, so that they run without a scheduler, too. Of all supervisors
 * one has the duty: only that one sleeps until the next job is due, and hears of earlier ones.
 */
export class DueMover implements Service {
  readonly name = 'due mover'
  readonly #store: Store
  readonly #log: Logger
  readonly #loop: Loop
  #unlisten: Promise<(() => void) | undefined> | undefined

  constructor(options: { store: Store; clock: Clock; log: Logger; limits: MoveLimits; duty: Duty }) {
    const { store, clock, log, limits, duty } = options
    this.#store = store
    this.#log = log
    const turn = async (): Promise<number> => {
      if (!duty.mine) return longestMs
      const { moved, nextDueMs } = await store.delayed.moveDue(clock.now(), 100, limits)
      if (moved >= 100) return 0
      return nextDueMs === undefined ? longestMs : Math.min(Math.max(nextDueMs - clock.now(), 0), longestMs)
    }
    this.#loop = new Loop({ name: this.name, clock, log, intervalMs: longestMs, turn })
    duty.onChange((mine) => this.#onDuty(mine))
  }

  start(): Promise<void> {
    return this.#loop.start()
  }

  stop(): Promise<void> {
    return this.#loop.stop()
  }

  /** A message that comes while it begins to listen is not needed: it looks once it listens. */
  #onDuty(mine: boolean): void {
    const { connection } = this.#store
    const before = this.#unlisten
    const wake = (): void => this.#loop.wake()
    this.#unlisten = mine
      ? connection.listenIfAllowed(connection.keys.wakeDelayed(), wake, this.#log).catch(() => undefined)
      : undefined
    void before?.then((stop) => stop?.())
    if (mine) void this.#unlisten?.then(wake)
    this.#loop.wake()
  }
}

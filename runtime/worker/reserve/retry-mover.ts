import type { Clock } from '../../core/clock.ts'
import type { Logger } from '../../core/logger.ts'
import { Loop, type Service } from '../../core/service.ts'
import type { MoveLimits } from '../../store/queues/delayed.ts'
import type { Store } from '../../store/store.ts'
import type { MaintenanceLock } from '../../store/workers/maintenance-lock.ts'

/** Longest sleep: a wake-up call can be missed while the connection is away. */
const longestMs = 5000

/**
 * Moves due retries, snoozes and short delays to their queues, so that they run without a scheduler, too. One
 * supervisor of all does it, the holder of the maintenance lock: it sleeps until the next job is due, and hears of earlier ones.
 */
export class RetryMover implements Service {
  readonly name = 'retry mover'
  readonly #store: Store
  readonly #log: Logger
  readonly #loop: Loop
  #unlisten: Promise<(() => void) | undefined> | undefined

  constructor(options: { store: Store; clock: Clock; log: Logger; limits: MoveLimits; lock: MaintenanceLock }) {
    const { store, clock, log, limits, lock } = options
    this.#store = store
    this.#log = log
    const tick = async (): Promise<number> => {
      if (!lock.isHeld) return longestMs
      const { moved, nextDueMs } = await store.delayed.moveDue(clock.now(), 100, limits)
      if (moved >= 100) return 0
      return nextDueMs === undefined ? longestMs : Math.min(Math.max(nextDueMs - clock.now(), 0), longestMs)
    }
    this.#loop = new Loop({ name: this.name, clock, log, intervalMs: longestMs, tick })
    lock.onChange((isHeld) => this.#onLock(isHeld))
  }

  start(): Promise<void> {
    return this.#loop.start()
  }

  stop(): Promise<void> {
    return this.#loop.stop()
  }

  /** A message that comes while it begins to listen is not needed: it looks once it listens. */
  #onLock(isHeld: boolean): void {
    const { connection } = this.#store
    const before = this.#unlisten
    const wake = (): void => this.#loop.wake()
    this.#unlisten = isHeld
      ? connection.listenIfAllowed(connection.keys.wakeDelayed(), wake, this.#log).catch(() => undefined)
      : undefined
    void before?.then((stop) => stop?.())
    if (isHeld) void this.#unlisten?.then(wake)
    this.#loop.wake()
  }
}

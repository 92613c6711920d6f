import type { Clock } from '../../core/clock.ts'
import type { Logger } from '../../core/logger.ts'
import { Loop } from '../../core/loop.ts'
import type { Service } from '../../core/service.ts'
import type { MoveLimits } from '../../store/queues/delayed.ts'
import type { Store } from '../../store/store.ts'

/** Longest sleep: a wake-up call can be missed while the connection is away. */
const longestMs = 5000

/** Moves due retries, snoozes and short delays to their queues, so that they run without a scheduler, too. */
export class DueMover implements Service {
  readonly name = 'due mover'
  readonly #store: Store
  readonly #log: Logger
  readonly #loop: Loop
  #unlisten: (() => void) | undefined

  constructor(options: { store: Store; clock: Clock; log: Logger; limits: MoveLimits }) {
    const { store, clock, log, limits } = options
    this.#store = store
    this.#log = log
    const turn = async (): Promise<number> => {
      const { moved, nextDueMs } = await store.delayed.moveDue(clock.now(), 100, limits)
      if (moved >= 100) return 0
      return nextDueMs === undefined ? longestMs : Math.min(Math.max(nextDueMs - clock.now(), 0), longestMs)
    }
    this.#loop = new Loop({ name: this.name, clock, log, intervalMs: longestMs, turn })
  }

  async start(): Promise<void> {
    const { connection } = this.#store
    const onMessage = (): void => this.#loop.wake()
    this.#unlisten = await connection.listenIfAllowed(connection.keys.wakeDelayed(), onMessage, this.#log)
    await this.#loop.start()
  }

  async stop(): Promise<void> {
    this.#unlisten?.()
    await this.#loop.stop()
  }
}

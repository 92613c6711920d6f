import { withCode } from './errors.ts'
import type { Clock } from './clock.ts'
import type { Logger } from './logger.ts'
import type { Service } from './service.ts'

/** How a {@link Loop} runs. */
export interface LoopOptions {
  name: string
  clock: Clock
  log: Logger
  /** Milliseconds until the next tick; the tick itself may return another figure. */
  intervalMs: number
  /** One tick. What it throws is logged, and the loop goes on: an error of Redis ends no service. */
  turn: (signal: AbortSignal) => Promise<number | undefined>
}

/** The interval loop of every service, written once: wakes early on `wake()`, ends at once on `stop()`. */
export class Loop implements Service {
  readonly name: string
  readonly #options: LoopOptions
  #stopping = new AbortController()
  #waking = new AbortController()
  #woken = false
  #running: Promise<void> | undefined

  constructor(options: LoopOptions) {
    this.name = options.name
    this.#options = options
  }

  start(): Promise<void> {
    if (this.#running) return Promise.resolve()
    this.#stopping = new AbortController()
    this.#running = this.#run()
    return Promise.resolve()
  }

  /** Ends the present sleep, or skips the next one when a tick is under way. */
  wake(): void {
    this.#woken = true
    this.#waking.abort()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#waking.abort()
    await this.#running
    this.#running = undefined
  }

  async #run(): Promise<void> {
    const { clock, log, turn, intervalMs } = this.#options
    while (!this.#stopping.signal.aborted) {
      this.#woken = false
      const wanted = await turn(this.#stopping.signal).catch((error: unknown) => {
        if (!this.#stopping.signal.aborted) log.warn(`${this.name}: ${withCode(error)}`)
        return undefined
      })
      if (this.#woken || this.#stopping.signal.aborted) continue
      this.#waking = new AbortController()
      await clock.sleep(wanted ?? intervalMs, this.#waking.signal)
    }
  }
}

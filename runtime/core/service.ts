import { withCode } from './errors.ts'
import type { Clock } from './clock.ts'
import type { Logger } from './logger.ts'

/** A part of a process that runs until it is stopped. */
export interface Service {
  /** For logs: `supervisor`, `scheduler`. */
  readonly name: string
  /** Resolves when it works; a second call is harmless. */
  start(): Promise<void>
  /** Resolves when it has released everything; a second call, or one without a start, is harmless. */
  stop(): Promise<void>
}

/**
 * Starts services in order; when one refuses, those already started are stopped in reverse.
 * @param isOver true when a stop was requested meanwhile: then no more are started
 */
export async function startAll(services: readonly Service[], isOver: () => boolean = () => false): Promise<void> {
  const started: Service[] = []
  try {
    for (const service of services) {
      if (isOver()) return
      started.push(service)
      await service.start()
    }
  } catch (error) {
    await stopAll(started)
    throw error
  }
}

/** Stops services in reverse order; one that refuses does not keep the others, and its error is thrown at the end. */
export async function stopAll(services: readonly Service[]): Promise<void> {
  const failures: unknown[] = []
  for (const service of [...services].reverse()) await service.stop().catch((error: unknown) => failures.push(error))
  if (failures.length > 0) throw failures[0]
}

/** How a {@link Loop} runs. */
export interface LoopOptions {
  name: string
  clock: Clock
  log: Logger
  /** Milliseconds until the next tick; the tick itself may return another figure. */
  intervalMs: number
  /** One tick. What it throws is logged, and the loop goes on: an error of Redis ends no service. */
  tick: (signal: AbortSignal) => Promise<number | undefined>
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
    const { clock, log, tick, intervalMs } = this.#options
    while (!this.#stopping.signal.aborted) {
      this.#woken = false
      const wanted = await tick(this.#stopping.signal).catch((error: unknown) => {
        if (!this.#stopping.signal.aborted) log.warn(`${this.name}: ${withCode(error)}`)
        return undefined
      })
      if (this.#woken || this.#stopping.signal.aborted) continue
      this.#waking = new AbortController()
      await clock.sleep(wanted ?? intervalMs, this.#waking.signal)
    }
  }
}

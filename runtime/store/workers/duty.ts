import type { Clock } from '../../core/clock.ts'
import { newId } from '../../core/ids.ts'
import type { Logger } from '../../core/logger.ts'
import { Loop, type Service } from '../../core/service.ts'
import type { Connection } from '../connection/connection.ts'

/** How long a duty stays with a process that has died, in milliseconds. */
const holdMs = 5000
/** How often its holder renews it. A renewal that is late lets two perform it, which is safe. */
const renewMs = 3000

/** What a {@link Duty} needs. */
export interface DutyOptions {
  /** `upkeep`: moves due jobs, continues runs and checks limits. */
  name: 'upkeep'
  connection: Connection
  clock: Clock
  log: Logger
}

/**
 * Work that one process does for all that share a namespace, so that a thousand idle workers cost no more than one. It is
 * only a matter of cost: whatever is done twice, as at a handover, is safe. Another process takes over within five seconds
 * of a death, and at once when its holder stops.
 */
export class Duty implements Service {
  readonly name: string
  readonly #options: DutyOptions
  readonly #owner: string
  readonly #loop: Loop
  readonly #listeners: ((mine: boolean) => void)[] = []
  #mine = false
  #unlisten: (() => void) | undefined

  constructor(options: DutyOptions) {
    const { name, clock, log } = options
    this.#options = options
    this.name = `duty ${name}`
    this.#owner = newId(clock.now())
    this.#loop = new Loop({ name: this.name, clock, log, intervalMs: 1000, turn: () => this.#ask() })
  }

  /** @param listener called when this process begins to perform the duty, and when it no longer does */
  onChange(listener: (mine: boolean) => void): void {
    this.#listeners.push(listener)
  }

  /** True while this process performs the duty. */
  get mine(): boolean {
    return this.#mine
  }

  async start(): Promise<void> {
    const { connection, name } = this.#options
    const onFree = (duty: string): void => {
      if (duty === name && !this.#mine) this.#loop.wake()
    }
    this.#unlisten = await connection.listenIfAllowed(connection.keys.wakeDuties(), onFree)
    await this.#loop.start()
  }

  async stop(): Promise<void> {
    this.#unlisten?.()
    await this.#loop.stop()
    const { connection, name } = this.#options
    const mine = this.#mine
    this.#change(false)
    // While Redis is away the hold runs out by itself.
    if (mine && connection.redis.status === 'ready')
      await connection.run('leave-duty', { duty: name, owner: this.#owner }).catch(() => undefined)
  }

  /** @returns milliseconds until it asks again */
  async #ask(): Promise<number> {
    const { connection, name } = this.#options
    const reply = await connection
      .run('take-duty', { duty: name, owner: this.#owner, holdMs })
      .catch((error: unknown) => {
        // Redis is away: who has the duty then is not known, and nothing can be done for it.
        this.#change(false)
        throw error
      })
    const waitMs = Number(reply)
    this.#change(waitMs === 0)
    return waitMs === 0 ? renewMs : waitMs
  }

  #change(mine: boolean): void {
    if (mine === this.#mine) return
    this.#mine = mine
    for (const listener of this.#listeners) listener(mine)
  }
}

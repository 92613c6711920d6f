import type { Clock } from '../../core/clock.ts'
import { newId } from '../../core/ids.ts'
import type { Logger } from '../../core/logger.ts'
import { Loop, type Service } from '../../core/service.ts'
import type { Connection } from '../connection/connection.ts'

/** How long a process that has died keeps the lock, in milliseconds. */
const holdMs = 5000
/** How often its holder renews it. A renewal that is late lets two processes do the work, which is safe. */
const renewMs = 4000

/** What a {@link MaintenanceLock} needs. */
export interface MaintenanceLockOptions {
  /** `upkeep`: moves due jobs, continues runs and checks limits. */
  name: 'upkeep'
  connection: Connection
  clock: Clock
  log: Logger
}

/**
 * The lock of the one process that does the maintenance for all that share a namespace, so that a thousand idle workers
 * cost no more than one. It only saves cost: work that two do, as at a handover, is safe. Another process takes the lock
 * within five seconds of its holder's death, and at once when its holder stops.
 */
export class MaintenanceLock implements Service {
  readonly name: string
  readonly #options: MaintenanceLockOptions
  readonly #owner: string
  readonly #loop: Loop
  readonly #listeners: ((isHeld: boolean) => void)[] = []
  #isHeld = false
  #unlisten: (() => void) | undefined

  constructor(options: MaintenanceLockOptions) {
    const { name, clock, log } = options
    this.#options = options
    this.name = `${name} lock`
    this.#owner = newId(clock.now())
    this.#loop = new Loop({ name: this.name, clock, log, intervalMs: 1000, tick: () => this.#ask() })
  }

  /** @param listener called when this process gets the lock, and when it no longer holds it */
  onChange(listener: (isHeld: boolean) => void): void {
    this.#listeners.push(listener)
  }

  /** True while this process holds the lock. */
  get isHeld(): boolean {
    return this.#isHeld
  }

  async start(): Promise<void> {
    const { connection, name } = this.#options
    const onFree = (duty: string): void => {
      if (duty === name && !this.#isHeld) this.#loop.wake()
    }
    this.#unlisten = await connection.listenIfAllowed(connection.keys.wakeDuties(), onFree)
    await this.#loop.start()
  }

  async stop(): Promise<void> {
    this.#unlisten?.()
    await this.#loop.stop()
    const { connection, name } = this.#options
    const wasHeld = this.#isHeld
    this.#change(false)
    // While Redis is away the hold runs out by itself.
    if (wasHeld && connection.redis.status === 'ready')
      await connection.run('release-maintenance-lock', { duty: name, owner: this.#owner }).catch(() => undefined)
  }

  /** @returns milliseconds until it asks again */
  async #ask(): Promise<number> {
    const { connection, name } = this.#options
    const reply = await connection
      .run('take-maintenance-lock', { duty: name, owner: this.#owner, holdMs })
      .catch((error: unknown) => {
        // Redis is away: who holds the lock is then unknown, and no maintenance can be done.
        this.#change(false)
        throw error
      })
    const waitMs = Number(reply)
    this.#change(waitMs === 0)
    return waitMs === 0 ? renewMs : waitMs
  }

  #change(isHeld: boolean): void {
    if (isHeld === this.#isHeld) return
    this.#isHeld = isHeld
    for (const listener of this.#listeners) listener(isHeld)
  }
}

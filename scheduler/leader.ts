import { startTimer, type Clock, type Timer } from '../runtime/core/clock.ts'
import { withCode } from '../runtime/core/errors.ts'
import type { Logger } from '../runtime/core/logger.ts'
import { Loop, type Service } from '../runtime/core/service.ts'
import type { LeadReply, LockOwner, Locks } from '../runtime/store/limits/locks.ts'

/** What a {@link Leader} needs, and whom it tells. */
export interface LeaderOptions {
  locks: Locks
  owner: LockOwner
  /** Of this machine. */
  zone: string
  clock: Clock
  log: Logger
  /** Milliseconds that no clock change touches. */
  monotonic: () => number
  /** How long the lock outlives its last renewal. After a crash another scheduler leads no later. */
  ttlMs?: number
  /** Pause between two renewals: an idle scheduler sends Redis fewer than one command a second. */
  renewMs?: number
  /** Called at once, without waiting for earlier calls; what they throw is logged. */
  onLead: () => Promise<void>
  onStepDown: (reason: string) => Promise<void>
  /** After each look at Redis. */
  onTick: (reply: LeadReply) => void
}

/** A leader stops this long before its lock could run out, so that it never acts beside its successor. */
const marginMs = 1000
const defaultTtlMs = 5000
const defaultRenewMs = 1200
/** Others look no more seldom, since the holder may give up the lock while the message about it is lost. */
const standbyMs = 2000

/**
 * Holds resque-scheduler's master lock, or waits for it: takes, renews by compare, steps down before it runs out. Time
 * is measured by Redis (the lock's time to live) and by this process's own monotonic clock, never by comparing clocks.
 */
export class Leader implements Service {
  readonly name = 'leader'
  readonly #options: LeaderOptions
  readonly #loop: Loop
  #leads = false
  #validUntil = 0
  #expiry: Timer | undefined
  #told: Promise<unknown> = Promise.resolve()

  constructor(options: LeaderOptions) {
    this.#options = options
    const { clock, log } = options
    this.#loop = new Loop({
      name: this.name,
      clock,
      log,
      intervalMs: options.renewMs ?? defaultRenewMs,
      tick: () => this.#tick(),
    })
  }

  /** True while this process may act as leader. */
  get leads(): boolean {
    return this.#leads && this.#options.monotonic() < this.#validUntil
  }

  start(): Promise<void> {
    return this.#loop.start()
  }

  /** Looks at once: the lock may be free. */
  wake(): void {
    this.#loop.wake()
  }

  /** Stops acting, then gives up the lock so that another leads at once. */
  async stop(): Promise<void> {
    await this.#loop.stop()
    const led = this.#leads
    this.#stepDown('stopped')
    await this.#told
    if (led) await this.#options.locks.release(this.#options.owner).catch(() => false)
  }

  /** For a part that learned from Redis that another leads. */
  lose(): void {
    this.#stepDown('another scheduler leads')
    this.wake()
  }

  async #tick(): Promise<number> {
    const { locks, owner, zone, monotonic, ttlMs = defaultTtlMs, renewMs = defaultRenewMs, onTick } = this.#options
    const asked = monotonic()
    const reply = await locks.lead(owner, ttlMs, zone)
    if (reply.leads) {
      this.#validUntil = asked + ttlMs - marginMs
      this.#expect(this.#validUntil - monotonic())
      // Not waited for: what follows may take longer than the lock lives without renewal.
      this.#takeOver()
    } else {
      this.#stepDown(`${reply.holder} leads`)
    }
    onTick(reply)
    if (reply.leads) return renewMs
    return reply.holderTtlMs > 0 && reply.holderTtlMs < standbyMs ? reply.holderTtlMs + 10 : standbyMs
  }

  #expect(ms: number): void {
    this.#expiry?.stop()
    this.#expiry = startTimer(() => this.#stepDown('the lock was not renewed in time'), ms)
  }

  #takeOver(): void {
    if (this.#leads) return
    this.#leads = true
    this.#options.log.info('leads now', { owner: this.#options.owner.id })
    this.#tell(this.#options.onLead)
  }

  #stepDown(reason: string): void {
    this.#expiry?.stop()
    if (!this.#leads) return
    this.#leads = false
    this.#options.log.info('is no longer the leader', { reason })
    this.#tell(() => this.#options.onStepDown(reason))
  }

  #tell(what: () => Promise<void>): void {
    const done = what().catch((error: unknown) => this.#options.log.error(withCode(error)))
    this.#told = Promise.all([this.#told, done])
  }
}

import { performance } from 'node:perf_hooks'
import { channels } from '../../core/channels.ts'
import { hasCode, withCode } from '../../core/errors.ts'
import { newId } from '../../core/ids.ts'
import type { Logger } from '../../core/logger.ts'
import { Loop, type Service } from '../../core/service.ts'
import { withBackoff, startTimer, type Clock, type Timer } from '../../core/clock.ts'
import { isRefusal } from '../../store/connection/redis.ts'
import type { Store } from '../../store/store.ts'
import { runEach, reclaim } from '../../store/workers/reaper.ts'
import { sweepOrphans } from './dead-processes.ts'

/** Every so many heartbeats limits and queues are looked after. */
const SWEEP_EVERY = 6

/** What a lease needs. */
export interface LeaseOptions {
  store: Store
  clock: Clock
  log: Logger
  /** Resque worker ids, one a slot. */
  slots: readonly string[]
  about: Record<string, string>
  heartbeatMs: number
  leaseMs: number
  limits: { maxRedeliveries: number; failedMax: number; ttlMs: number }
  /** Ids of the jobs that run in this process now. */
  running: () => ReadonlySet<string>
  /** Whether this supervisor looks after limits and queues for all others. */
  keepsUp: () => boolean
  /** The lease is gone, or will be before Redis can be asked: every child must die now (promise 3). */
  onLost: (id: string) => void
  /** Jobs to cancel; for the case that the call itself was missed. */
  onCancelled: (jobs: readonly string[]) => void
  /** With each heartbeat, after the jobs of dead supervisors were taken. */
  onBeat: () => Promise<void>
}

/**
 * A supervisor's right to hold jobs: renewed by heartbeat in Redis time, given up in good time by the local clock when
 * Redis cannot be reached, and never renewed once it has run out: then the supervisor registers again under another id.
 * With each beat it also buries supervisors that died, and puts back jobs that were taken without our hearing of it.
 */
export class Lease implements Service {
  readonly name = 'lease'
  readonly #options: LeaseOptions
  readonly #loop: Loop
  #id: string | undefined
  #validUntil = 0
  #guard: Timer | undefined
  #unknownInFlight = new Set<string>()
  #beats = 0
  #stopped = false
  #fallbackAbout: Record<string, string> = {}

  constructor(options: LeaseOptions) {
    this.#options = options
    this.#loop = new Loop({
      name: 'heartbeat',
      clock: options.clock,
      log: options.log,
      intervalMs: options.heartbeatMs,
      tick: () => this.#beat(),
    })
  }

  /** The id under which jobs may be taken; undefined while there is no lease. */
  get id(): string | undefined {
    return this.#id !== undefined && performance.now() < this.#validUntil ? this.#id : undefined
  }

  /** Adds to what the supervisor says of itself (launcher, fallback …), also after a new registration. */
  async describe(about: Record<string, string>): Promise<void> {
    Object.assign(this.#fallbackAbout, about)
    if (this.#id !== undefined) await this.#options.store.supervisors.describe(this.#id, about)
  }

  /** Waits for Redis when it is away. @throws RuntimeError ERR_REDIS when it refuses us */
  async start(): Promise<void> {
    this.#sweep()
    const { clock, log } = this.#options
    this.#stopped = false
    const attempt = async (): Promise<void> => {
      if (!this.#stopped) await this.#register()
    }
    await withBackoff(clock, { firstMs: 100, mostMs: 5000 }, attempt, (error) => {
      if (!hasCode(error, 'ERR_REDIS') || isRefusal(error)) throw error
      log.warn(`waiting for Redis: ${withCode(error)}`)
    })
    if (this.#stopped) await this.stop()
    else await this.#loop.start()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#loop.stop()
    this.#guard?.stop()
    const id = this.#id
    this.#id = undefined
    if (id !== undefined) await this.#options.store.supervisors.unregister(id, this.#options.slots)
  }

  /** Redis has refused us as fenced: end all jobs, and register again with the next heartbeat. */
  lose(): void {
    const id = this.#id
    if (id === undefined) return
    this.#options.log.warn(`lease of ${id} lost: its jobs are killed here and run again elsewhere`)
    this.#id = undefined
    this.#guard?.stop()
    channels.leaseLosses.publish(1)
    this.#options.onLost(id)
    this.#loop.wake()
  }

  async #register(): Promise<void> {
    const { store, slots, about, leaseMs, clock } = this.#options
    const id = newId(clock.now())
    const sentAt = performance.now()
    await store.supervisors.register(id, slots, { ...about, ...this.#fallbackAbout }, leaseMs)
    this.#id = id
    this.#unknownInFlight.clear()
    this.#extend(sentAt)
  }

  /** The lease is good until a fifth before it ends in Redis: time enough to kill what runs. */
  #extend(sentAt: number): void {
    const goodForMs = this.#options.leaseMs * 0.8
    this.#validUntil = sentAt + goodForMs
    this.#guard?.stop()
    this.#guard = startTimer(() => this.lose(), this.#validUntil - performance.now())
  }

  async #beat(): Promise<undefined> {
    const { store, slots, leaseMs, limits, clock, log } = this.#options
    if (this.#id === undefined) {
      await this.#register()
      return undefined
    }
    const sentAt = performance.now()
    const { fenced, dead, held } = await store.supervisors.beat(this.#id, slots, leaseMs)
    if (fenced) this.lose()
    else this.#extend(sentAt)
    if (dead.length > 0) {
      // Before its jobs run again: a process that one of them left behind might still be at work.
      this.#sweep()
      await reclaim(dead, store, limits, clock, log)
    }
    if (held === 0) this.#unknownInFlight.clear()
    const upkeep = { limits: () => store.limits.sweep(), queues: () => store.queues.sweep() }
    await runEach(log, {
      ...(held > 0 ? { 'jobs that never arrived': () => this.#reclaim() } : {}),
      'hooks of jobs of dead workers': () => this.#options.onBeat(),
      ...(this.#options.keepsUp() && this.#beats++ % SWEEP_EVERY === 0 ? upkeep : {}),
    })
    return undefined
  }

  #sweep(): void {
    const killed = sweepOrphans()
    if (killed.length > 0)
      this.#options.log.warn(`killed processes that dead workers left running: ${killed.join(', ')}`)
  }

  /** A lost reply leaves a job in flight that does not run: found at two heartbeats, it is requeued. */
  async #reclaim(): Promise<void> {
    const { store, running, clock, log, limits, onCancelled } = this.#options
    const id = this.#id
    if (id === undefined) return
    const held = await store.supervisors.inflight(id)
    const unknown = [...held.keys()].filter((job) => !running().has(job))
    for (const job of unknown.filter((id) => this.#unknownInFlight.has(id))) {
      const { delivery = '', worker = '' } = held.get(job) ?? {}
      // What stops one of them must not keep the heartbeat from what comes after it.
      const back = await store.supervisors
        .requeue(id, { id: job, delivery, worker }, clock.now(), 0, false, limits.ttlMs)
        .catch((error: Error) =>
          log.error(`job ${job} was reserved but the reply was lost, and it cannot be requeued: ${error.message}`),
        )
      if (back) log.warn(`job ${job} was reserved but the reply was lost: requeued`)
    }
    this.#unknownInFlight = new Set(unknown)
    if (held.size > 0) onCancelled(await store.supervisors.askedToCancel([...held.keys()]))
  }
}

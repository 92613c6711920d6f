import { hostname } from 'node:os'
import { systemClock, type Clock } from '../runtime/core/clock.ts'
import { withCode } from '../runtime/core/errors.ts'
import { newId } from '../runtime/core/ids.ts'
import type { Logger } from '../runtime/core/logger.ts'
import { startAll, stopAll, type Service } from '../runtime/core/service.ts'
import { zonesDiffer, type LeadReply, type LockOwner } from '../runtime/store/limits/locks.ts'
import type { Store } from '../runtime/store/store.ts'
import { DelayedMover } from './delayed-mover.ts'
import type { CheckContext, KnownClass, ScheduleEntry } from './entries/entry.ts'
import { digestJitter, type Jitter } from './firing/fire-times.ts'
import { localZone } from '../runtime/cron/zone.ts'
import { Leader } from './leader.ts'
import { ScheduleEntries } from './entries/schedule-entries.ts'
import type { Schedule } from './entries/schedule-file.ts'
import type { Starters } from './firing/starters.ts'

/** What a {@link Scheduler} needs; what has a default is there for tests. */
export interface SchedulerOptions {
  store: Store
  log: Logger
  /** Reads schedule.yml, at start and at each `reload()`. Absent: dynamic entries only. */
  load?: () => Promise<Schedule>
  /** What dynamic entries are checked against: environment, zone, the application's classes. */
  context?: Omit<CheckContext, 'file' | 'source'>
  /** Starts workflows, pipelines and templates. */
  starters?: Starters
  /** How long the record of a job that no worker reserves is kept. */
  ttlMs: number
  failedMax: number
  /** The lock's value, `host:pid`; distinct among all schedulers. */
  owner?: string
  /** RESQUE_SCHEDULER_MASTER_LOCK_PREFIX. */
  lockPrefix?: string
  /** False: schedules set from code are ignored (resque-scheduler's DYNAMIC_SCHEDULE). */
  dynamic?: boolean
  /** Jobs that one script call moves. */
  batch?: number
  clock?: Clock
  monotonic?: () => number
  jitter?: Jitter
  newId?: () => string
  /** Of this machine. */
  zone?: string
  lockTtlMs?: number
  renewMs?: number
}

/** The clock was set when it has moved this much more, or less, than time has passed. */
const clockStepMs = 1000

/** The scheduler's service: moves due jobs always, fires entries while it leads. */
export class Scheduler implements Service {
  readonly name = 'scheduler'
  /** The lock's value. */
  readonly owner: LockOwner
  readonly #options: SchedulerOptions
  readonly #clock: Clock
  readonly #monotonic: () => number
  readonly #leader: Leader
  readonly #mover: DelayedMover
  /** Of our schedulers the leader moves the millisecond set; while Ruby's leads, each of ours does. */
  #movesSet = true
  readonly #entries: ScheduleEntries
  readonly #deaf: (() => void)[] = []
  #drift: number | undefined
  #started = false
  /** The zones that were last found to differ. */
  #zones = ''

  constructor(options: SchedulerOptions) {
    this.#options = options
    const { store, log, ttlMs, failedMax } = options
    const clock = options.clock ?? systemClock
    const monotonic = options.monotonic ?? (() => performance.now())
    this.#clock = clock
    this.#monotonic = monotonic
    const lockPrefix = options.lockPrefix === undefined ? '' : `${options.lockPrefix}:`
    this.owner = { id: options.owner ?? `${hostname()}:${process.pid}`, lockPrefix }
    const classOf = (className: string): KnownClass | undefined => options.context?.classes?.get(className)
    this.#leader = new Leader({
      ...{
        locks: store.locks,
        owner: this.owner,
        zone: options.zone ?? localZone(),
        clock,
        log,
        monotonic,
        ttlMs: options.lockTtlMs,
        renewMs: options.renewMs,
      },
      onLead: () => this.#onLead(),
      onStepDown: () => this.#entries.close(),
      onTick: (reply) => this.#onTick(reply),
    })
    const leader = (): LockOwner | undefined => (this.#leader.leads ? this.owner : undefined)
    this.#mover = new DelayedMover({
      delayed: store.delayed,
      movesSet: () => this.#movesSet,
      clock,
      log,
      leader,
      queueOf: (className) => classOf(className)?.queue,
      ttlMs,
      failedMax,
      batch: options.batch,
    })
    this.#entries = new ScheduleEntries({
      ...{ schedules: store.schedules, owner: this.owner, clock, log, classOf, ttlMs },
      jitter: options.jitter ?? digestJitter,
      newId: options.newId ?? (() => newId(clock.now())),
      starters: options.starters ?? {},
      context: options.context ?? {},
      dynamic: options.dynamic ?? true,
      onLost: () => this.#leader.lose(),
    })
  }

  /** True while this process leads. */
  get leads(): boolean {
    return this.#leader.leads
  }

  /** What is loaded, while it leads. */
  get entries(): { entry: ScheduleEntry; nextMs: number | undefined }[] {
    return this.#entries.entries
  }

  /** Reads the schedule and begins; where Redis is not there yet it says so in the log, and waits. */
  async start(): Promise<void> {
    if (this.#started) return
    this.#started = true
    await this.reload()
    const { keys } = this.#options.store.connection
    const listening = Promise.all([
      this.#listen(keys.wakeDelayed(), (dueMs) => this.#mover.expect(Number(dueMs))),
      this.#listen(keys.wakeSchedule(), (name) => this.#onWord(name)),
    ])
    await Promise.race([listening, this.#clock.sleep(500)])
    await startAll([this.#mover, this.#leader])
  }

  async stop(): Promise<void> {
    this.#started = false
    for (const stopListening of this.#deaf.splice(0)) stopListening()
    await stopAll([this.#mover, this.#leader])
  }

  /** What is not heard is seen at the next look. */
  async #listen(channel: string, onMessage: (message: string) => void): Promise<void> {
    try {
      const stopListening = await this.#options.store.connection.listen(channel, onMessage)
      if (this.#started) this.#deaf.push(stopListening)
      else stopListening()
    } catch (error) {
      if (this.#started) this.#options.log.warn(`schedule: ${withCode(error)}`)
    }
  }

  /** Reads schedule.yml again (SIGHUP). @throws what `load` throws; the entries loaded before then stay */
  async reload(): Promise<void> {
    if (this.#options.load) await this.#entries.use(await this.#options.load())
  }

  async #onLead(): Promise<void> {
    this.#mover.wake()
    await this.#entries.open()
  }

  /** Not waited for: a log line about many entries must not delay the lock's renewal. */
  #onWord(name: string): void {
    if (name === '') this.#leader.wake()
    else if (this.#leader.leads) this.#quietly(this.#entries.reload(name))
  }

  /** Each scheduler says so once, whether it leads or not. */
  #compareZones({ living }: LeadReply): void {
    const zones = [...new Set(living.map(({ zone }) => zone))].sort().join(', ')
    if (zones === this.#zones) return
    this.#zones = zones
    if (zones.includes(',')) this.#options.log.warn(zonesDiffer(zones))
  }

  #onTick(reply: LeadReply): void {
    this.#compareZones(reply)
    this.#movesSet = reply.leads || !reply.living.some(({ owner }) => owner === reply.holder)
    if (this.#movesSet && reply.setDueMs !== undefined) this.#mover.expect(reply.setDueMs)
    if (reply.leads && reply.bucketDueMs !== undefined) this.#mover.expect(reply.bucketDueMs)
    const drift = this.#clock.now() - this.#monotonic()
    const step = drift - (this.#drift ?? drift)
    this.#drift = drift
    if (Math.abs(step) > clockStepMs) {
      this.#options.log.warn(
        `the clock was set ${step > 0 ? 'forward' : 'back'} by ${Math.round(Math.abs(step) / 1000)} seconds`,
      )
      this.#mover.wake()
      if (reply.leads) this.#quietly(this.#entries.reschedule())
    }
    if (!reply.leads) return
    if (reply.changed > 0 || this.#entries.isBehind) this.#quietly(this.#entries.refresh())
    this.#entries.retryPending()
  }

  #quietly(work: Promise<void>): void {
    work.catch((error: unknown) => this.#options.log.warn(`schedule: ${withCode(error)}`))
  }
}

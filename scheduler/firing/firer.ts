import { RuntimeError, toError, withCode } from '../../runtime/core/errors.ts'
import type { FiringMode, FiringReply, MissedFiring, Schedules } from '../../runtime/store/schedules/schedules.ts'
import type { KnownClass, ScheduleEntry } from '../entries/entry.ts'
import { traceJobs } from '../../runtime/jobs/telemetry.ts'
import { decideOverlap, type PreviousState, type Jitter } from './fire-times.ts'
import type { Clock } from '../../runtime/core/clock.ts'
import type { Logger } from '../../runtime/core/logger.ts'
import type { LockOwner } from '../../runtime/store/limits/locks.ts'
import type { Starters } from './starters.ts'
import { hooksOf, instanceOf, runHooks } from '../../runtime/jobs/hooks.ts'
import type { JobDefinition } from '../../runtime/jobs/job.ts'
import { optionsOn } from '../../runtime/jobs/options.ts'
import { uniqueOf } from '../../runtime/jobs/limits.ts'
import { inputProblems } from '../../runtime/jobs/typed.ts'
import type { UniqueLock } from '../../runtime/store/queues/new-job.ts'

/** What every EntryRunner shares. */
export interface RunnerOptions {
  schedules: Schedules
  /** Each firing is refused once the lock is another's. */
  owner: LockOwner
  clock: Clock
  log: Logger
  jitter: Jitter
  newId: () => string
  starters: Starters
  /** A class of the application; undefined for an unknown one. */
  classOf: (className: string) => KnownClass | undefined
  ttlMs: number
  /** Called when Redis says that another leads. */
  onLost: () => void
}

/** How one firing ended. `accounted`: it was left out, or waits. */
export type FireReply = FiringReply | 'accounted'

/** Firings of one entry that may wait for the run before (overlap: queue). */
const waitingMax = 100

/** Carries out one firing of one entry: asks about overlap, then queues the job or starts the run. */
export class Firer {
  /** How many firings wait for the run before. */
  waiting = 0
  readonly #entry: ScheduleEntry
  readonly #options: RunnerOptions
  readonly #nextAfter: (fireTimeMs: number) => number | undefined

  constructor(entry: ScheduleEntry, options: RunnerOptions, nextAfter: (fireTimeMs: number) => number | undefined) {
    this.#entry = entry
    this.#options = options
    this.#nextAfter = nextAfter
  }

  /** Learns how many firings wait. */
  async countWaiting(): Promise<void> {
    const waits = this.#entry.overlap === 'queue'
    this.waiting = waits ? (await this.#options.schedules.waiting(this.#entry.name)).length : 0
  }

  /**
   * Fires, unless the run before, the class's unique lock or a hook of it is against it.
   * @throws RuntimeError ERR_STATE when a hand fires it (`manual`) and it cannot be; ERR_REDIS
   */
  async fire(fireTimeMs: number, lateMs: number, mode: FiringMode): Promise<FireReply> {
    if (mode === 'timed' && this.#entry.overlap !== 'allow') {
      const { previous, waiting, id } = await this.#previous()
      const decision = decideOverlap(this.#entry.overlap, previous, waiting, waitingMax)
      if (decision === 'skip') return this.#leaveOut(fireTimeMs, `the previous run (${id}) has not ended`, mode)
      if (decision === 'wait') return this.#wait(fireTimeMs)
    }
    const { name, kind, target, args } = this.#entry
    const known = this.#options.classOf(target)
    const queue = kind === 'job' ? (this.#entry.queue ?? known?.queue) : ''
    if (queue === undefined)
      return this.#leaveOut(
        fireTimeMs,
        `no queue is known for ${target}: neither the entry nor the class names one; add queue to the entry`,
        mode,
      )
    const { refusal, unique, enqueued } = await admit(known?.job, target, args)
    if (refusal !== undefined) return this.#leaveOut(fireTimeMs, refusal, mode)
    const { schedules, owner, clock, newId, ttlMs, log } = this.#options
    const item = `{"class":${JSON.stringify(target)},"args":${args}}`
    const job = kind === 'job' ? { id: newId(), className: target, queue, item, ttlMs, unique } : undefined
    const about = { name, fireTimeMs, nowMs: clock.now(), lateMs, nextMs: this.#nextAfter(fireTimeMs), mode }
    const reply = await traceJobs(
      job ? [job] : [],
      queue,
      ([traced]) => schedules.fire(owner, { ...about, job: traced }),
      name,
    )
    // One that waits goes on waiting.
    if (reply === 'duplicate')
      return mode === 'waited' ? reply : this.#leaveOut(fireTimeMs, `a unique ${target} exists already`, mode)
    if (reply !== 'fired') return reply
    log.info(`${name}: fired`, { slot: new Date(fireTimeMs).toISOString(), late_ms: lateMs })
    const failure = job ? undefined : await this.startRun(fireTimeMs)
    if (failure !== undefined && mode === 'manual') throw this.#notFired(failure)
    await enqueued().catch((error: unknown) => log.warn(`${name}: afterEnqueue of ${target}: ${withCode(error)}`))
    return reply
  }

  /** Fires what waits, in turn, when the run before is done. */
  async fireWaiting(): Promise<void> {
    while (this.waiting > 0) {
      const { previous, waiting } = await this.#previous()
      this.waiting = waiting
      const fireTimeMs = (await this.#options.schedules.waiting(this.#entry.name))[0]
      if (previous === 'busy' || fireTimeMs === undefined) return
      const reply = await this.fire(fireTimeMs, this.#options.clock.now() - fireTimeMs, 'waited')
      if (reply === 'lost') this.#options.onLost()
      if (reply !== 'fired') return
      this.waiting -= 1
    }
  }

  /**
   * Starts the run of a firing that is noted as pending; what cannot be started is noted as missed.
   * @param created the run, where a scheduler had got so far before it died
   * @returns why it could not be started; undefined when it was
   * @throws RuntimeError ERR_REDIS
   */
  async startRun(fireTimeMs: number, created?: string): Promise<string | undefined> {
    const { schedules, starters, log } = this.#options
    const { name, kind, target, args } = this.#entry
    try {
      const starter = kind === 'job' ? undefined : starters[kind]
      if (!starter) throw new Error(`this scheduler cannot start a ${kind}`)
      const id =
        created ?? (await starter.create(target, args, { entry: name, fireTimeMs, key: `${name}:${fireTimeMs}` }))
      if (created === undefined) await schedules.runs(name, fireTimeMs, { created: id })
      await starter.start(id)
      await schedules.runs(name, fireTimeMs, { started: id })
      return undefined
    } catch (error) {
      const { message, code } = toError(error) as Error & { code?: string }
      // Redis went away: the firing stays pending, and is started when this entry is attended to.
      if (code === 'ERR_REDIS') throw error
      log.error(`${name}: ${kind} ${target} could not be started: ${message}`)
      const reason = `could not be started: ${message}`
      await schedules.runs(name, fireTimeMs, { refused: this.#missed(fireTimeMs, reason) })
      return reason
    }
  }

  async #previous(): Promise<{ previous: PreviousState; waiting: number; id: string }> {
    const { state, id, waiting } = await this.#options.schedules.previous(this.#entry.name)
    if (state !== 'unknown') return { previous: state, waiting, id }
    const starter = this.#entry.kind === 'job' ? undefined : this.#options.starters[this.#entry.kind]
    return { previous: starter && (await starter.isRunning(id)) ? 'busy' : 'ended', waiting, id }
  }

  async #leaveOut(fireTimeMs: number, reason: string, mode: FiringMode): Promise<FireReply> {
    if (mode === 'manual') throw this.#notFired(reason)
    const { log, schedules } = this.#options
    const missed = this.#missed(fireTimeMs, reason)
    log.warn(`${this.#entry.name}: a firing was skipped: ${reason}`)
    if (mode === 'timed') return this.#skipFirings(fireTimeMs, missed, false)
    await schedules.runs(this.#entry.name, fireTimeMs, { refused: missed })
    return 'accounted'
  }

  #notFired(reason: string): RuntimeError {
    return new RuntimeError('ERR_STATE', `schedule ${this.#entry.name}: not fired: ${reason}`)
  }

  async #wait(fireTimeMs: number): Promise<FireReply> {
    const reply = await this.#skipFirings(fireTimeMs, undefined, true)
    if (reply === 'accounted') this.waiting += 1
    return reply
  }

  async #skipFirings(fireTimeMs: number, missed: MissedFiring | undefined, wait: boolean): Promise<FireReply> {
    const { schedules, owner } = this.#options
    const reply = await schedules.skipFirings(owner, {
      name: this.#entry.name,
      fireTimeMs,
      nextMs: this.#nextAfter(fireTimeMs),
      missed,
      wait,
    })
    return reply === 'ok' ? 'accounted' : reply
  }

  #missed(fireTimeMs: number, reason: string): MissedFiring {
    return {
      entry: this.#entry.name,
      fromMs: fireTimeMs,
      toMs: fireTimeMs,
      count: 1,
      reason,
      atMs: this.#options.clock.now(),
    }
  }
}

/** What a job's class says when an entry is about to enqueue one: the same as when `enqueue` does. */
interface Admission {
  /** Why it must not be enqueued; absent: it may be. */
  refusal?: string
  /** The lock it takes; absent: none. */
  unique?: UniqueLock
  /** Runs the afterEnqueue hooks. */
  enqueued: () => Promise<void>
}

const free: Admission = { enqueued: () => Promise.resolve() }

/**
 * Asks a class of the application for its unique lock, its schema and its beforeEnqueue hooks. A class of another
 * application has no say here: it is enqueued as resque-scheduler enqueues what it cannot load.
 * @param args JSON text of an array
 * @throws what a hook throws when Redis was not to be reached (ERR_REDIS): the firing is tried again
 */
async function admit(definition: JobDefinition | undefined, className: string, args: string): Promise<Admission> {
  if (!definition) return free
  const list = JSON.parse(args) as unknown[]
  try {
    const unique = uniqueOf(className, optionsOn(definition), list)
    const problems = await inputProblems(definition, list[0])
    if (problems) return { ...free, refusal: `input does not fit its schema: ${problems}` }
    const instance = instanceOf(definition)
    const go = await runHooks(hooksOf(definition, 'beforeEnqueue', instance), ...list)
    return {
      ...(go ? {} : { refusal: 'its beforeEnqueue hook refused it' }),
      ...(unique ? { unique } : {}),
      enqueued: async () => void (await runHooks(hooksOf(definition, 'afterEnqueue', instance), ...list)),
    }
  } catch (error) {
    const { message, code } = toError(error) as Error & { code?: string }
    if (code === 'ERR_REDIS') throw error
    return { ...free, refusal: `its class could not be asked: ${message}` }
  }
}

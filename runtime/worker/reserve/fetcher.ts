import { afterTicks, type Clock } from '../../core/clock.ts'
import { withCode } from '../../core/errors.ts'
import { newId } from '../../core/ids.ts'
import type { Logger } from '../../core/logger.ts'
import type { Store } from '../../store/store.ts'
import { jobsAtOnce } from '../../store/queues/deliveries.ts'
import type { Idle, Reserved } from '../../store/workers/supervisors.ts'
import type { HeldJobs } from './held-jobs.ts'
import { IdleWorker } from './idle-worker.ts'
import { QueueChoice } from './queue-choice.ts'

/** What the fetcher needs. */
export interface FetcherOptions {
  store: Store
  clock: Clock
  log: Logger
  queues: readonly string[]
  /** How many ask. */
  slots: number
  /** By queue name. Empty: the order of `queues` is their priority. */
  weights: Readonly<Record<string, number>>
  /** Longest wait between two looks: how late a job can be noticed that a producer of another library pushed. */
  pollMs: number
  /** The id under which jobs are taken; undefined while there is no lease, and then nothing is taken. */
  supervisorId: () => string | undefined
  /** Called when Redis says that the lease has run out. */
  onFenced: () => void
  /** Called each time all queues were found empty. */
  onEmpty: () => void
  /** Where jobs may be taken before a slot is free. */
  held?: HeldJobs | undefined
}

/** A slot that asks for a job. */
interface Asker {
  worker: string
  resolve: (job: Reserved | undefined) => void
}

/** Finds the next jobs for the slots that are free. One call asks for all of them: an idle worker sends one command a poll. */
export class Fetcher {
  readonly #options: FetcherOptions
  /** Slots that ask for a job, the first first. */
  readonly #askers: Asker[] = []
  /** A look for them begins with this tick's immediates. */
  #isDue = false
  /** One looks, and waits where there is nothing. */
  #isSearching = false
  /** Calls under way. */
  readonly #calls = new Set<Promise<boolean>>()
  /** Jobs to be held that those calls ask for. */
  #asked = 0
  /** The last call left jobs in the queues. */
  #hasMore = false
  #wake: AbortController = new AbortController()
  #woken = false
  #paused = false
  #stopped = false
  readonly #queues: QueueChoice
  readonly #idle: IdleWorker

  constructor(options: FetcherOptions) {
    this.#options = options
    this.#queues = new QueueChoice(options)
    this.#idle = new IdleWorker(options)
  }

  /** Listens for pushes. */
  async start(): Promise<void> {
    this.#stopped = false
    await this.#idle.listen({
      onPush: () => {
        const isFull = this.#askers.length === 0 && this.#calls.size === 0
        if (this.#stopped || this.#paused || isFull) this.#idle.passOn()
        else this.wake()
      },
      onNewQueue: () => {
        this.#queues.forget()
        this.wake()
      },
    })
  }

  /** No job is taken any more; waiting slots get undefined. */
  stop(): void {
    this.#stopped = true
    this.#options.held?.giveBack()
    this.#idle.leave()
    this.wake()
  }

  /** Stops to listen, once no job can be taken any more. */
  async close(): Promise<void> {
    this.#idle.close()
    await Promise.all(this.#calls)
    await this.#options.held?.close()
  }

  /** Takes no jobs until `resume`. */
  pause(): void {
    this.#paused = true
    this.#options.held?.giveBack()
    this.#idle.leave()
  }

  /** Takes jobs again. */
  resume(): void {
    this.#paused = false
    this.wake()
  }

  /** True between `pause` and `resume`. */
  get paused(): boolean {
    return this.#paused
  }

  /** Looks again now. */
  wake(): void {
    this.#woken = true
    this.#wake.abort()
  }

  /** The next job for this worker id; waits for one. Undefined when the fetcher has stopped. */
  next(worker: string): Reserved | Promise<Reserved | undefined> {
    this.#lookSoon()
    return this.#options.held?.take() ?? new Promise((resolve) => this.#askers.push({ worker, resolve }))
  }

  /** Slots that become free in the same tick ask together, and their jobs' ends go with that call. */
  #lookSoon(): void {
    if (!this.#isDue) setImmediate(() => this.#look())
    this.#isDue = true
  }

  /** While there is more than slots, two calls may be under way: the jobs of one run while Redis works on the other. */
  #look(): void {
    this.#isDue = false
    // What is under way brings one, or the next look does.
    if (this.#asked > 0) return
    if (this.#askers.length > 0 && !this.#isSearching) void this.#search()
    else if (this.#hasMore && !this.#paused && !this.#stopped) this.#lookBeside()
  }

  #lookBeside(): void {
    const calls = this.#calls.size
    if (this.#askers.length > 0 && calls === 1)
      void this.#reserve(false).then(() => (this.#isSearching ? this.wake() : void this.#search()))
    else if (this.#askers.length === 0 && calls === 0 && this.#wanted().length > 0) void this.#reserve(false)
  }

  /** For which worker ids jobs are to be held. A worker that is registered as idle, or draws each job, takes none ahead. */
  #wanted(): string[] {
    if (!this.#hasMore || this.#idle.isRegistered || this.#queues.isDrawn) return []
    return this.#options.held?.wanted() ?? []
  }

  async #search(): Promise<void> {
    this.#isSearching = true
    let polled = false
    while (!this.#stopped && this.#askers.length > 0) {
      this.#woken = false
      const isQuiet = this.#paused || (polled && this.#idle.isFresh && (await this.#queues.areEmpty()))
      const isFull = !isQuiet && (await this.#reserve(polled))
      polled &&= !this.#woken
      if (isFull || this.#stopped || this.#woken || this.#askers.length === 0) continue
      this.#wake = new AbortController()
      await this.#options.clock.sleep(this.#options.pollMs, this.#wake.signal)
      polled = !this.#wake.signal.aborted
    }
    this.#isSearching = false
    if (this.#stopped) for (const { resolve } of this.#askers.splice(0)) resolve(undefined)
  }

  #reserve(polled: boolean): Promise<boolean> {
    const call = this.#take(polled).finally(() => this.#calls.delete(call))
    this.#calls.add(call)
    return call
  }

  /** @returns true when there may be more */
  async #take(polled: boolean): Promise<boolean> {
    const { store, clock, log, supervisorId, held } = this.#options
    const id = supervisorId()
    if (id === undefined) return false
    const asking = this.#askers.splice(0, this.#queues.isDrawn ? 1 : jobsAtOnce)
    const ahead = this.#wanted().slice(0, jobsAtOnce - asking.length)
    this.#asked += ahead.length
    try {
      const queues = await this.#queues.select()
      const idle = ahead.length === 0 ? this.#idle.entry(this.#queues.list, polled) : undefined
      const wokenFor = this.#idle.begins()
      const free = { workers: [...asking.map(({ worker }) => worker), ...ahead], newId: newId(clock.now()) }
      const reply = await store.supervisors.reserve(id, free, queues, clock.now(), idle)
      if (reply.kind === 'fenced') this.#options.onFenced()
      else if (reply.kind === 'paused') held?.giveBack()
      // A lease that was lost meanwhile: what was taken under it is another's.
      if (reply.kind === 'fenced' || reply.kind === 'paused' || supervisorId() !== id) return false
      this.#hasMore = reply.kind === 'taken'
      this.#idle.found(reply.jobs, wokenFor)
      this.#hold(reply.jobs, asking.length, ahead)
      this.#give(asking, reply.jobs.slice(0, asking.length))
      if (reply.kind === 'empty') this.#onEmpty(idle, reply.queueCount, reply.jobs.length)
      // It was woken for another job, and has no slot left for it.
      if (this.#askers.length + asking.length === 0) this.#idle.passOn()
      return reply.kind === 'taken' || ahead.length > 0
    } catch (error) {
      log.warn(`cannot take jobs: ${withCode(error)}`)
      this.#hasMore = false
      return false
    } finally {
      this.#askers.unshift(...asking)
      this.#asked -= ahead.length
      if (ahead.length > 0) this.#lookSoon()
    }
  }

  /** Of four jobs and more, for more than half of the slots, half begin a tick later: from then on two halves take turns with Redis. */
  #give(asking: Asker[], jobs: readonly Reserved[]): void {
    const isHalved = jobs.length >= 4 && 2 * jobs.length > this.#options.slots + 1
    const now = isHalved ? Math.ceil(jobs.length / 2) : jobs.length
    const askers = asking.splice(0, jobs.length)
    const give = (from: number, to: number): void =>
      jobs.slice(from, to).forEach((job, i) => askers[from + i]?.resolve(job))
    give(0, now)
    // Behind the call that the first half makes when its jobs have ended.
    if (now < jobs.length) afterTicks(2, () => give(now, jobs.length))
  }

  /** Slots that became free meanwhile get theirs first. None is held beside a job that went down with its worker before. */
  #hold(jobs: readonly Reserved[], from: number, workers: readonly string[]): void {
    const { held } = this.#options
    for (let i = from; i < jobs.length; i += 1) {
      const asker = this.#askers.shift()
      if (asker) asker.resolve(jobs[i])
      else held?.add(jobs[i]!, workers[i - from] ?? '')
    }
    if (this.#stopped || this.#paused || jobs.some(({ redeliveries }) => redeliveries > 0)) held?.giveBack()
  }

  #onEmpty(idle: Idle | undefined, queueCount: number, found: number): void {
    this.#idle.registered(idle)
    if (!this.#woken) this.#idle.wokenFor = undefined
    if (this.#queues.hears(queueCount)) this.#woken = true
    if (this.#stopped || this.#paused) this.#idle.leave()
    if (found === 0) this.#options.onEmpty()
  }
}

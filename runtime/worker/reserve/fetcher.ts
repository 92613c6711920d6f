import { afterTicks, type Clock } from '../../core/clock.ts'
import { withCode } from '../../core/errors.ts'
import { newId } from '../../core/ids.ts'
import type { Logger } from '../../core/logger.ts'
import type { Store } from '../../store/store.ts'
import { jobsAtOnce } from '../../store/queues/deliveries.ts'
import type { Idle, Reserved } from '../../store/workers/supervisors.ts'
import { isDynamic, selectQueues } from '../../store/queues/queue-list.ts'
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
}

/** How long an idle worker stays registered after the time of its next look, when that look is late. */
const lateMs = 500

/** From so many jobs on, those of one call are halved. */
const HALVED_FROM = 4

/** A slot that asks for a job. */
interface Asker {
  worker: string
  resolve: (job: Reserved | undefined) => void
}

/**
 * Finds the next jobs for the slots that are free. One call asks for all of them, so that an idle worker sends one command
 * a poll, however many slots it has. A worker that finds nothing is registered as idle; a push by one of our producers takes one
 * idle worker from the register and wakes it at once.
 */
export class Fetcher {
  readonly #options: FetcherOptions
  /** Slots that ask for a job, the first first. */
  readonly #askers: Asker[] = []
  /** A look for them begins with this tick's immediates. */
  #isDue = false
  /** One looks, and waits where there is nothing. */
  #isSearching = false
  /** Calls under way. */
  #calls = 0
  /** The last call left jobs in the queues. */
  #hasMore = false
  #wake: AbortController = new AbortController()
  #woken = false
  #paused = false
  #stopped = false
  readonly #queues: QueueChoice
  /** Names the channel on which this worker is woken. */
  readonly #listener: string
  #listens = false
  /** The register that it is in, if any. */
  #idle: Idle | undefined
  /** The queue that it was woken for, until it has taken a job from it. */
  #wokenFor: string | undefined
  #deaf: (() => void)[] = []

  constructor(options: FetcherOptions) {
    this.#options = options
    this.#listener = newId(options.clock.now())
    this.#queues = new QueueChoice(options)
  }

  /** Listens for pushes. */
  async start(): Promise<void> {
    const { store, log, queues } = this.#options
    const { connection } = store
    this.#stopped = false
    const onPush = (queue: string): void => {
      this.#wokenFor = queue
      this.#idle = undefined
      const isFull = this.#askers.length === 0 && this.#calls === 0
      if (this.#stopped || this.#paused || isFull) this.#passOn()
      else this.wake()
    }
    const own = await connection.listenIfAllowed(connection.keys.wakeWorker(this.#listener), onPush, log)
    this.#listens = own !== undefined
    if (own) this.#deaf.push(own)
    if (!own || !isDynamic(queues)) return
    const onNewQueue = (queue: string): void => {
      if (selectQueues(queues, [queue]).length === 0) return
      this.#queues.forget()
      this.wake()
    }
    const unlisten = await connection.listenIfAllowed(connection.keys.wakeQueues(), onNewQueue, log)
    if (unlisten) this.#deaf.push(unlisten)
  }

  /** No job is taken any more; waiting slots get undefined. */
  stop(): void {
    this.#stopped = true
    this.#leave()
    this.wake()
  }

  /** Stops to listen, once no job can be taken any more. */
  close(): void {
    for (const unlisten of this.#deaf.splice(0)) unlisten()
  }

  /** Takes no jobs until `resume`. */
  pause(): void {
    this.#paused = true
    this.#leave()
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
  async next(worker: string): Promise<Reserved | undefined> {
    return new Promise((resolve) => {
      this.#askers.push({ worker, resolve })
      if (this.#isDue) return
      this.#isDue = true
      // Slots that become free in the same tick ask together, and their jobs' ends go with that call.
      setImmediate(() => this.#look())
    })
  }

  /** While there is more than slots, two calls may be under way: the jobs of one run while Redis works on the other. */
  #look(): void {
    this.#isDue = false
    if (!this.#isSearching) void this.#search()
    else if (this.#hasMore && this.#calls === 1 && !this.#paused && !this.#stopped)
      void this.#reserve(false).then(() => (this.#isSearching ? this.wake() : void this.#search()))
  }

  async #search(): Promise<void> {
    this.#isSearching = true
    let polled = false
    while (!this.#stopped && this.#askers.length > 0) {
      this.#woken = false
      const isFull = !this.#paused && (await this.#reserve(polled))
      if (isFull || this.#stopped || this.#woken || this.#askers.length === 0) continue
      this.#wake = new AbortController()
      await this.#options.clock.sleep(this.#options.pollMs, this.#wake.signal)
      polled = !this.#wake.signal.aborted
    }
    this.#isSearching = false
    if (this.#stopped) for (const { resolve } of this.#askers.splice(0)) resolve(undefined)
  }

  /** @returns true when there may be more */
  async #reserve(polled: boolean): Promise<boolean> {
    const { store, clock, log, supervisorId, onFenced } = this.#options
    const id = supervisorId()
    if (id === undefined) return false
    const asking = this.#askers.splice(0, this.#queues.isDrawn ? 1 : jobsAtOnce)
    this.#calls += 1
    try {
      const queues = await this.#queues.select()
      const idle = this.#listens ? this.#idleNow(polled) : undefined
      const wokenFor = this.#wokenFor
      const slots = asking.map(({ worker }) => ({ worker, newId: newId(clock.now()) }))
      const reply = await store.supervisors.reserve(id, slots, queues, clock.now(), idle)
      if (reply.kind === 'fenced') onFenced()
      if (reply.kind === 'fenced' || reply.kind === 'paused') return false
      this.#hasMore = reply.kind === 'taken'
      this.#idle = undefined
      if (wokenFor === this.#wokenFor && reply.jobs.some(({ queue }) => queue === wokenFor)) this.#wokenFor = undefined
      this.#give(asking, reply.jobs)
      if (reply.kind === 'empty') this.#onEmpty(idle, reply.queueCount, reply.jobs.length)
      // It was woken for another job, and has no slot left for it.
      if (this.#askers.length + asking.length === 0) this.#passOn()
      return reply.kind === 'taken'
    } catch (error) {
      log.warn(`cannot take jobs: ${withCode(error)}`)
      return false
    } finally {
      this.#askers.unshift(...asking)
      this.#calls -= 1
    }
  }

  /** Of jobs for more than half of many slots, half begin a tick later: from then on two halves take turns with Redis. */
  #give(asking: Asker[], jobs: readonly Reserved[]): void {
    const isHalved = jobs.length >= HALVED_FROM && 2 * jobs.length > this.#options.slots + 1
    const now = isHalved ? Math.ceil(jobs.length / 2) : jobs.length
    const askers = asking.splice(0, jobs.length)
    const give = (from: number, to: number): void =>
      jobs.slice(from, to).forEach((job, i) => askers[from + i]?.resolve(job))
    give(0, now)
    // Behind the call that the first half makes when its jobs have ended.
    if (now < jobs.length) afterTicks(2, () => give(now, jobs.length))
  }

  #onEmpty(idle: Idle | undefined, queueCount: number, found: number): void {
    this.#idle = idle
    if (!this.#woken) this.#wokenFor = undefined
    if (this.#queues.hears(queueCount)) this.#woken = true
    if (this.#stopped || this.#paused) this.#leave()
    if (found === 0) this.#options.onEmpty()
  }

  #idleNow(polled: boolean): Idle {
    const forMs = this.#options.pollMs + lateMs
    return { list: this.#queues.list, listener: this.#listener, forMs, listed: this.#idle !== undefined, polled }
  }

  /** Takes this worker off the register, so that no push counts on it. While Redis is away its entry runs out by itself. */
  #leave(): void {
    const idle = this.#idle
    this.#idle = undefined
    if (idle) void this.#options.store.queues.leaveIdle(idle).catch(() => undefined)
  }

  #passOn(): void {
    const queue = this.#wokenFor
    this.#wokenFor = undefined
    if (queue !== undefined) void this.#options.store.queues.wake(queue, 1).catch(() => undefined)
  }
}

import type { Clock } from '../../core/clock.ts'
import { withCode } from '../../core/errors.ts'
import { newId } from '../../core/ids.ts'
import type { Logger } from '../../core/logger.ts'
import type { Store } from '../../store/store.ts'
import { jobsAtOnce } from '../../store/queues/deliveries.ts'
import type { Idle, Reserved } from '../../store/workers/supervisors.ts'
import { isDynamic, queueListId, selectQueues } from '../../store/queues/queue-list.ts'

/** What the fetcher needs. */
export interface FetcherOptions {
  store: Store
  clock: Clock
  log: Logger
  queues: readonly string[]
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
/** How old the list of queues may be while their number stays the same. */
const knownForMs = 5000

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
  #asks = false
  #wake: AbortController = new AbortController()
  #woken = false
  #paused = false
  #stopped = false
  /** The queues to try and the name of that list, as last selected. */
  #queues: { names: readonly string[]; list: string }
  #queueCount = 0
  #knownAtMs = -Infinity
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
    this.#queues = { names: options.queues, list: queueListId(options.queues) }
  }

  /** Listens for pushes. */
  async start(): Promise<void> {
    const { store, log, queues } = this.#options
    const { connection } = store
    this.#stopped = false
    const onPush = (queue: string): void => {
      this.#wokenFor = queue
      this.#idle = undefined
      if (this.#stopped || this.#paused || this.#askers.length === 0) this.#passOn()
      else this.wake()
    }
    const own = await connection.listenIfAllowed(connection.keys.wakeWorker(this.#listener), onPush, log)
    this.#listens = own !== undefined
    if (own) this.#deaf.push(own)
    if (!own || !isDynamic(queues)) return
    const onNewQueue = (queue: string): void => {
      if (selectQueues(queues, [queue]).length === 0) return
      this.#knownAtMs = -Infinity
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
      // Slots that become free in the same tick ask together.
      if (!this.#asks) setImmediate(() => void this.#ask())
      this.#asks = true
    })
  }

  async #ask(): Promise<void> {
    let polled = false
    while (!this.#stopped && this.#askers.length > 0) {
      this.#woken = false
      const isFull = !this.#paused && (await this.#reserve(polled))
      if (isFull || this.#stopped || this.#woken || this.#askers.length === 0) continue
      this.#wake = new AbortController()
      await this.#options.clock.sleep(this.#options.pollMs, this.#wake.signal)
      polled = !this.#wake.signal.aborted
    }
    this.#asks = false
    if (this.#stopped) for (const { resolve } of this.#askers.splice(0)) resolve(undefined)
  }

  /** @returns true when there may be more */
  async #reserve(polled: boolean): Promise<boolean> {
    const { store, clock, log, supervisorId, onFenced, onEmpty, weights } = this.#options
    const id = supervisorId()
    if (id === undefined) return false
    try {
      const queues = await this.#select()
      const idle = this.#listens ? this.#idleNow(polled) : undefined
      const wokenFor = this.#wokenFor
      // With weights, each job is of a draw of its own.
      const most = Object.keys(weights).length > 0 ? 1 : jobsAtOnce
      const slots = this.#askers.slice(0, most).map(({ worker }) => ({ worker, newId: newId(clock.now()) }))
      const reply = await store.supervisors.reserve(id, slots, queues, clock.now(), idle)
      if (reply.kind === 'fenced') onFenced()
      if (reply.kind === 'fenced' || reply.kind === 'paused') return false
      this.#idle = undefined
      for (const job of reply.jobs) {
        if (wokenFor === job.queue && wokenFor === this.#wokenFor) this.#wokenFor = undefined
        this.#askers.shift()?.resolve(job)
      }
      if (reply.kind === 'empty') {
        this.#onEmpty(idle, reply.queueCount)
        if (reply.jobs.length === 0) onEmpty()
      }
      // It was woken for another job, and has no slot left for it.
      if (this.#askers.length === 0) this.#passOn()
      return reply.kind === 'taken'
    } catch (error) {
      log.warn(`cannot take jobs: ${withCode(error)}`)
      return false
    }
  }

  #onEmpty(idle: Idle | undefined, queueCount: number): void {
    this.#idle = idle
    if (!this.#woken) this.#wokenFor = undefined
    if (isDynamic(this.#options.queues) && queueCount !== this.#queueCount) {
      this.#knownAtMs = -Infinity
      this.#woken = true
    }
    if (this.#stopped || this.#paused) this.#leave()
  }

  #idleNow(polled: boolean): Idle {
    return { list: this.#queues.list, listener: this.#listener, forMs: this.#options.pollMs + lateMs, polled }
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

  /** The queues to try; a dynamic list is matched against the queues there are, looked up when their number has changed. */
  async #select(): Promise<readonly string[]> {
    const { store, clock, queues } = this.#options
    const ageMs = clock.now() - this.#knownAtMs
    if (isDynamic(queues) && (ageMs >= knownForMs || ageMs < 0)) {
      const known = await store.queues.names()
      const names = selectQueues(queues, known)
      this.#queues = { names, list: queueListId(names) }
      this.#queueCount = known.length
      this.#knownAtMs = clock.now()
    }
    return this.#ordered(this.#queues.names)
  }

  #ordered(queues: readonly string[]): readonly string[] {
    const { weights } = this.#options
    return Object.keys(weights).length === 0 ? queues : weightedOrder(queues, weights)
  }
}

/**
 * The queues in the order of one draw: each next one is drawn from those left, in proportion to its weight, so that
 * `high=3,low=1` looks into high first three times of four, and no queue starves.
 * @param weights by queue name; a queue without one has 1
 * @param random 0…1, another at each call
 */
export function weightedOrder(
  queues: readonly string[],
  weights: Readonly<Record<string, number>>,
  random: () => number = Math.random,
): string[] {
  // Exponential keys: the smallest of -ln(u)/w falls on each queue with a chance in proportion to its weight.
  const keyed = queues.map((queue) => ({ queue, at: -Math.log(1 - random()) / (weights[queue] ?? 1) }))
  return keyed.sort((a, b) => a.at - b.at).map(({ queue }) => queue)
}

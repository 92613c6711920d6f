import type { Clock } from '../../core/clock.ts'
import { withCode } from '../../core/errors.ts'
import { newId } from '../../core/ids.ts'
import type { Logger } from '../../core/logger.ts'
import type { Store } from '../../store/store.ts'
import type { Reserved } from '../../store/workers/supervisors.ts'
import { isDynamic, selectQueues } from '../../store/queues/queue-list.ts'
import { weightedOrder } from './queue-order.ts'

/** What the fetcher needs. */
export interface FetcherOptions {
  store: Store
  clock: Clock
  log: Logger
  queues: readonly string[]
  /** By queue name. Empty: the order of `queues` is their priority. */
  weights: Readonly<Record<string, number>>
  /** Longest wait between two looks: how late a job can be noticed that somebody else's producer pushed. */
  pollMs: number
  /** The id under which jobs are taken; undefined while there is no lease, and then nothing is taken. */
  supervisorId: () => string | undefined
  /** Called when Redis says that the lease has run out. */
  onFenced: () => void
  /** Called each time all queues were found empty. */
  onEmpty: () => void
}

/**
 * Finds the next job for whichever slot is free. Slots stand in line, so that an idle worker sends one command a poll,
 * however many slots it has; a push by one of our producers wakes it at once.
 */
export class Fetcher {
  readonly #options: FetcherOptions
  #line: Promise<unknown> = Promise.resolve()
  #wake: AbortController = new AbortController()
  #woken = false
  #paused = false
  #stopped = false
  #known: string[] = []
  #knownAtMs = -Infinity
  #unlisten: (() => void) | undefined

  constructor(options: FetcherOptions) {
    this.#options = options
  }

  /** Listens for pushes. */
  async start(): Promise<void> {
    const { store, log } = this.#options
    this.#stopped = false
    const onPush = (queue: string): void => {
      if (!this.#known.includes(queue)) this.#knownAtMs = -Infinity
      this.wake()
    }
    this.#unlisten = await store.connection.listenIfAllowed(store.connection.keys.wake(), onPush, log)
  }

  /** No job is taken any more; waiting slots get undefined. */
  stop(): void {
    this.#stopped = true
    this.#unlisten?.()
    this.wake()
  }

  /** Takes no jobs until `resume`. */
  pause(): void {
    this.#paused = true
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
    const turn = this.#line.then(() => this.#poll(worker))
    this.#line = turn.catch(() => undefined)
    return turn
  }

  async #poll(worker: string): Promise<Reserved | undefined> {
    while (!this.#stopped) {
      this.#woken = false
      const job = this.#paused ? undefined : await this.#reserve(worker)
      if (job) return job
      if (this.#stopped || this.#woken) continue
      this.#wake = new AbortController()
      await this.#options.clock.sleep(this.#options.pollMs, this.#wake.signal)
    }
    return undefined
  }

  async #reserve(worker: string): Promise<Reserved | undefined> {
    const { store, clock, log, supervisorId, onFenced, onEmpty } = this.#options
    const id = supervisorId()
    if (id === undefined) return undefined
    try {
      const queues = await this.#queues()
      const reply = await store.supervisors.reserve(id, worker, queues, newId(clock.now()), clock.now())
      if (reply.kind === 'fenced') onFenced()
      if (reply.kind === 'empty') onEmpty()
      return reply.kind === 'job' ? reply.job : undefined
    } catch (error) {
      log.warn(`cannot take jobs: ${withCode(error)}`)
      return undefined
    }
  }

  /** The queues to try; a dynamic list is matched against the queues there are, looked up once a poll. */
  async #queues(): Promise<readonly string[]> {
    const { store, clock, queues, pollMs } = this.#options
    if (!isDynamic(queues)) return this.#ordered(queues)
    if (clock.now() - this.#knownAtMs >= pollMs || clock.now() < this.#knownAtMs) {
      this.#known = await store.queues.names()
      this.#knownAtMs = clock.now()
    }
    return this.#ordered(selectQueues(queues, this.#known))
  }

  #ordered(queues: readonly string[]): readonly string[] {
    const { weights } = this.#options
    return Object.keys(weights).length === 0 ? queues : weightedOrder(queues, weights)
  }
}

import type { Clock } from '../../core/clock.ts'
import { isDynamic, queueListId, selectQueues } from '../../store/queues/queue-list.ts'
import type { Store } from '../../store/store.ts'

/** How old the list of queues may be while their number stays the same. */
const knownForMs = 5000
/** From this age on a poll reads them along, so that the next look need not ask for them. */
const readAgainMs = 4000

/** What a {@link QueueChoice} needs. */
export interface QueueChoiceOptions {
  store: Store
  clock: Clock
  queues: readonly string[]
  /** By queue name. Empty: the order of `queues` is their priority. */
  weights: Readonly<Record<string, number>>
}

/** The queues in which a worker looks, in their order; a dynamic list is matched against the queues there are. */
export class QueueChoice {
  readonly #options: QueueChoiceOptions
  #names: readonly string[]
  #list: string
  #count = 0
  #knownAtMs = -Infinity

  constructor(options: QueueChoiceOptions) {
    this.#options = options
    this.#names = options.queues
    this.#list = queueListId(options.queues)
  }

  /** The name of the list, as last selected, under which the worker is registered as idle. */
  get list(): string {
    return this.#list
  }

  /** True where each job is of a draw of its own. */
  get isDrawn(): boolean {
    return Object.keys(this.#options.weights).length > 0
  }

  /** The queues are looked up before the next selection. */
  forget(): void {
    this.#knownAtMs = -Infinity
  }

  /** Forgets a dynamic list when the number of queues has changed. @returns true when it did */
  hears(queueCount: number): boolean {
    if (!isDynamic(this.#options.queues) || queueCount === this.#count) return false
    this.forget()
    return true
  }

  #isOlderThan(ms: number): boolean {
    const ageMs = this.#options.clock.now() - this.#knownAtMs
    return ageMs >= ms || ageMs < 0
  }

  /**
   * Asks Redis, by one call, whether a look would find nothing: no queue has jobs, paused or not, and no queue of its list is new. With
   * a dynamic list that is {@link readAgainMs} old, the queues there are come along. False where Redis does not say: the look that follows logs why.
   */
  async areEmpty(): Promise<boolean> {
    const { store, queues } = this.#options
    try {
      if (!isDynamic(queues)) return !(await store.queues.haveJobs(this.#names))
      const list = this.#list
      const { hasJobs, queueCount, known } = await store.queues.poll(this.#names, this.#isOlderThan(readAgainMs))
      if (known) this.#choose(known)
      return !hasJobs && !this.hears(queueCount) && this.#list === list
    } catch {
      return false
    }
  }

  /** The queues to try now. */
  async select(): Promise<readonly string[]> {
    const { store, queues, weights } = this.#options
    if (isDynamic(queues) && this.#isOlderThan(knownForMs)) this.#choose(await store.queues.names())
    return this.isDrawn ? weightedOrder(this.#names, weights) : this.#names
  }

  #choose(known: readonly string[]): void {
    const { clock, queues } = this.#options
    this.#names = selectQueues(queues, known)
    this.#list = queueListId(this.#names)
    this.#count = known.length
    this.#knownAtMs = clock.now()
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

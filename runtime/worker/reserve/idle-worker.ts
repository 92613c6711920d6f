import { monotonicMs, type Clock } from '../../core/clock.ts'
import { newId } from '../../core/ids.ts'
import type { Logger } from '../../core/logger.ts'
import type { Store } from '../../store/store.ts'
import { isDynamic, selectQueues } from '../../store/queues/queue-list.ts'
import type { Idle, Reserved } from '../../store/workers/supervisors.ts'

/** How often an idle worker looks with the script that registers it. Between two of these looks it only polls whether there are jobs. */
const lookMs = 10_000
/** How long an idle worker stays registered after the time of its next look, when that look is late. */
const lateMs = 500

/** What is heard. */
interface IdleListeners {
  /** This worker was taken off the register, for a job on `wokenFor`. */
  onPush: () => void
  /** There is a queue of its list that was not there before. */
  onNewQueue: () => void
}

/** What an {@link IdleWorker} needs. */
export interface IdleWorkerOptions {
  store: Store
  clock: Clock
  log: Logger
  queues: readonly string[]
  pollMs: number
}

/** A worker's entry in the register of idle workers: a push takes one of them off, and wakes it for a queue. */
export class IdleWorker {
  /** The queue that it was woken for, until it has taken a job from it. */
  wokenFor: string | undefined
  readonly #options: IdleWorkerOptions
  /** Names the channel on which this worker is woken. */
  readonly #listener: string
  #listens = false
  /** The register that it is in, if any. */
  #idle: Idle | undefined
  /** When a look found nothing, where that was the last look. */
  #emptyAtMs = -Infinity
  #deaf: (() => void)[] = []

  constructor(options: IdleWorkerOptions) {
    this.#options = options
    this.#listener = newId(options.clock.now())
  }

  get isRegistered(): boolean {
    return this.#idle !== undefined
  }

  /** True while a poll that finds no job need not be followed by a look. */
  get isFresh(): boolean {
    return monotonicMs() - this.#emptyAtMs < lookMs
  }

  /** Listens for pushes, where its user may. */
  async listen({ onPush, onNewQueue }: IdleListeners): Promise<void> {
    const { store, log, queues } = this.#options
    const { connection } = store
    const hear = (queue: string): void => {
      this.wokenFor = queue
      this.#idle = undefined
      this.#emptyAtMs = -Infinity
      onPush()
    }
    const own = await connection.listenIfAllowed(connection.keys.wakeWorker(this.#listener), hear, log)
    this.#listens = own !== undefined
    if (own) this.#deaf.push(own)
    if (!own || !isDynamic(queues)) return
    const hearQueue = (queue: string): void => {
      if (selectQueues(queues, [queue]).length > 0) onNewQueue()
    }
    const unlisten = await connection.listenIfAllowed(connection.keys.wakeQueues(), hearQueue, log)
    if (unlisten) this.#deaf.push(unlisten)
  }

  /** Stops to listen. */
  close(): void {
    for (const unlisten of this.#deaf.splice(0)) unlisten()
  }

  /** What a look registers where it finds less than it asks for; undefined where no push can wake this worker. */
  entry(list: string, polled: boolean): Idle | undefined {
    if (!this.#listens) return undefined
    const forMs = lookMs + this.#options.pollMs + lateMs
    return { list, listener: this.#listener, forMs, listed: this.isRegistered, polled }
  }

  /** A look begins: until it has found nothing, a poll does not do. @returns the queue that this worker was woken for, if any */
  begins(): string | undefined {
    this.#emptyAtMs = -Infinity
    return this.wokenFor
  }

  /** A look has found nothing more. */
  registered(idle: Idle | undefined): void {
    this.#idle = idle
    this.#emptyAtMs = monotonicMs()
  }

  /** @param wokenFor as it was before that look */
  found(jobs: readonly Reserved[], wokenFor: string | undefined): void {
    this.#idle = undefined
    if (wokenFor === this.wokenFor && jobs.some(({ queue }) => queue === wokenFor)) this.wokenFor = undefined
  }

  /** Takes this worker off the register, so that no push counts on it. While Redis is away its entry runs out by itself. */
  leave(): void {
    const idle = this.#idle
    this.#idle = undefined
    this.#emptyAtMs = -Infinity
    if (idle) void this.#options.store.queues.leaveIdle(idle).catch(() => undefined)
  }

  /** Wakes another worker in place of this one, which has no slot left. */
  passOn(): void {
    const queue = this.wokenFor
    this.wokenFor = undefined
    if (queue !== undefined) void this.#options.store.queues.wake(queue, 1).catch(() => undefined)
  }
}

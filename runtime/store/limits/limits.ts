import type { Connection } from '../connection/connection.ts'
import { formatFailedAt } from '../queues/resque-time.ts'
import { scriptJson } from '../connection/script.ts'
import type { Delivery } from '../workers/supervisors.ts'
import type { LimitRequest } from '../../wire.ts'

/** How one limit stands. */
export interface LimitState {
  key: string
  /** Jobs that hold a slot. */
  holders: string[]
  /** How many wait in its line. */
  waiting: number
}

/** Lines looked after in one call (promise 13). */
/** How many calls of one sweep take jobs out of lines, fifty each. */
const mostSweeps = 1000
const linesAtATime = 20

/** Concurrency and rate limits across all workers. */
export class Limits {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /**
   * Takes a slot of each of these limits for a running job, or of none. `held`: the job is no longer in flight, and waits
   * in the limit's line; `lost`: another worker had it already.
   */
  async acquire(
    supervisor: string,
    job: Delivery,
    permits: readonly LimitRequest[],
    nowMs: number,
  ): Promise<'granted' | 'held' | 'lost'> {
    const reply = await this.#connection.run('acquire', {
      supervisor,
      worker: job.worker,
      id: job.id,
      delivery: job.delivery,
      now: nowMs,
      failedAt: formatFailedAt(new Date(nowMs)),
      permits: scriptJson(permits),
    })
    return reply as 'granted' | 'held' | 'lost'
  }

  /** Frees slots of jobs that vanished, for jobs that wait. @returns how many limits have a line */
  async sweep(): Promise<number> {
    for (let call = 0; ; call += 1) {
      const reply = await this.#connection.run('sweep-limits', { count: linesAtATime })
      const [lines, more] = reply as [number, number]
      if (more === 0 || call >= mostSweeps) return lines
    }
  }

  /** The limits that have a line, for `runtime doctor`. */
  async lines(): Promise<LimitState[]> {
    const keys = await this.#connection.ask((redis, names) => redis.smembers(names.heldKeys()))
    return Promise.all(keys.sort().map((key) => this.state(key)))
  }

  /** How one limit stands. */
  async state(key: string): Promise<LimitState> {
    const [holders, waiting] = await this.#connection.ask((redis, keys) =>
      Promise.all([redis.zrange(keys.permits(key), '0', '99'), redis.zcard(keys.held(key))]),
    )
    return { key, holders, waiting }
  }

  /** The place of a job in its limit's line, from 1; undefined when it is not there. */
  async place(key: string, id: string): Promise<number | undefined> {
    const at = await this.#connection.ask((redis, keys) => redis.zrank(keys.held(key), id))
    return at === null ? undefined : at + 1
  }
}

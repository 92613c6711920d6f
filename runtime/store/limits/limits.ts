import { hasCode } from '../../core/errors.ts'
import { globLiteral, pairsOf, type Connection, scriptJson } from '../connection/connection.ts'
import { formatFailedAt } from '../queues/resque-time.ts'
import type { Delivery } from '../workers/supervisors.ts'
import type { LimitRequest } from '../../messages.ts'

/** How one limit stands. */
export interface LimitState {
  key: string
  /** Jobs that hold a slot. */
  holders: string[]
  /** How many wait in its line. */
  waiting: number
}

/** One limit. */
export interface LimitKey {
  kind: 'concurrency' | 'rate'
  key: string
}

/** Jobs of one limit. Of a rate limit the holders are the starts in its window. */
export interface LimitJobs {
  holders: { job: string; sinceMs: number }[]
  held: number
  line: string[]
  waiting: number
}

/** Lines looked after in one call (promise 13). */
const linesAtATime = 20
/** How many calls of one sweep take jobs out of lines, fifty each. */
const mostSweeps = 1000
/** Keys that a search for limits without a line looks at. */
const lookedKeys = 20_000
/** Jobs of a limit that are named. */
const namedJobs = 20

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
    limits: readonly LimitRequest[],
    nowMs: number,
  ): Promise<'granted' | 'held' | 'lost'> {
    const reply = await this.#connection.run('acquire', {
      supervisor,
      worker: job.worker,
      id: job.id,
      delivery: job.delivery,
      now: nowMs,
      failedAt: formatFailedAt(new Date(nowMs)),
      limits: scriptJson(limits),
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

  /** Every limit that has a line, and those without one whose slots are taken, of at most {@link lookedKeys} keys looked at. */
  async all(): Promise<{ limits: LimitKey[]; isComplete: boolean }> {
    return this.#connection.ask(async (redis, keys) => {
      const [lines, rates] = await Promise.all([redis.smembers(keys.heldKeys()), redis.smembers(keys.rateKeys())])
      const found = new Set(lines)
      const prefix = keys.limitSlots('')
      let [cursor, looked] = ['0', 0]
      do {
        const [next, names] = await redis.scan(cursor, 'MATCH', `${globLiteral(prefix)}*`, 'COUNT', 500)
        for (const name of names) found.add(name.slice(prefix.length))
        ;[cursor, looked] = [next, looked + 500]
      } while (cursor !== '0' && looked < lookedKeys)
      const limits = [
        ...[...found].map((key): LimitKey => ({ kind: 'concurrency', key })),
        ...rates.map((key): LimitKey => ({ kind: 'rate', key })),
      ]
      return { limits: limits.sort((a, b) => (a.key < b.key ? -1 : 1)), isComplete: cursor === '0' }
    })
  }

  /**
   * Who holds a limit and who waits for it: the first {@link namedJobs} of each, and how many there are. Undefined where one
   * of its keys is of another type.
   */
  async jobs({ kind, key }: LimitKey): Promise<LimitJobs | undefined> {
    const isRate = kind === 'rate'
    const read = this.#connection.ask(async (redis, keys) => {
      const [holdersOf, lineOf] = isRate
        ? [keys.rateStarts(key), keys.rateLine(key)]
        : [keys.limitSlots(key), keys.held(key)]
      const [holders, held, line, waiting] = await Promise.all([
        redis.zrange(holdersOf, '0', `${namedJobs - 1}`, 'WITHSCORES'),
        redis.zcard(holdersOf),
        redis.zrange(lineOf, '0', `${namedJobs - 1}`),
        redis.zcard(lineOf),
      ])
      const named = pairsOf(holders).map(([job, since]) => ({
        job: isRate ? job.replace(/:\d+$/, '') : job,
        sinceMs: Number(since),
      }))
      return { holders: named, held, line, waiting }
    })
    return ifReadable(read)
  }

  /** The limits that have a line, for `runtime doctor`. */
  async lines(): Promise<LimitState[]> {
    const keys = await this.#connection.ask((redis, names) => redis.smembers(names.heldKeys()))
    const states = await Promise.all(keys.sort().map((key) => ifReadable(this.state(key))))
    return states.filter((state) => state !== undefined)
  }

  /** How one limit stands. */
  async state(key: string): Promise<LimitState> {
    const [holders, waiting] = await this.#connection.ask((redis, keys) =>
      Promise.all([redis.zrange(keys.limitSlots(key), '0', '99'), redis.zcard(keys.held(key))]),
    )
    return { key, holders, waiting }
  }

  /** The place of a job in its limit's line, from 1; undefined when it is not there. */
  async place(key: string, id: string): Promise<number | undefined> {
    const at = await this.#connection.ask((redis, keys) => redis.zrank(keys.held(key), id))
    return at === null ? undefined : at + 1
  }
}

/** Undefined where a key is of another type: it stops the reading of no other limit. */
async function ifReadable<T>(read: Promise<T>): Promise<T | undefined> {
  return read.catch((error: unknown) => {
    if (hasCode(error, 'ERR_REPLY')) return undefined
    throw error
  })
}

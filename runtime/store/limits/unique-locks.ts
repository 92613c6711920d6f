import type { Connection } from '../connection/connection.ts'
import { literal } from '../connection/health.ts'

/** A unique lock and the ID of its job. */
export interface UniqueLockState {
  lock: string
  job: string
  /** Its job is neither queued, delayed nor in flight; the next job with the same key takes the lock over. */
  isStale: boolean
}

/** Keys that one call looks at. */
const lookedKeys = 20_000
/** Unique locks that one script looks at: it may look through a queue for one of them. */
const locksAtOnce = 100

/** The locks of `unique` jobs. */
export class UniqueLocks {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /**
   * Locks in no order, about `count` of them, of at most {@link lookedKeys} keys that one call looks at.
   * @param cursor `next` of the call before @returns `next`: undefined when all keys were looked at
   */
  async page(cursor = '0', count = Infinity): Promise<{ locks: UniqueLockState[]; next: string | undefined }> {
    const prefix = this.#connection.keys.unique('')
    const found: UniqueLockState[] = []
    let [at, looked] = [cursor, 0]
    do {
      const [next, keys] = await this.#connection.ask((redis) =>
        redis.scan(at, 'MATCH', `${literal(prefix)}*`, 'COUNT', 500),
      )
      ;[at, looked] = [next, looked + 500]
      const locks = keys.map((key) => key.slice(prefix.length))
      for (let from = 0; from < locks.length; from += locksAtOnce)
        found.push(...(await this.#states(locks.slice(from, from + locksAtOnce))))
    } while (at !== '0' && looked < lookedKeys && found.length < count)
    return { locks: found, next: at === '0' ? undefined : at }
  }

  /** Locks whose job is gone, of at most {@link lookedKeys} keys. */
  async stale(): Promise<{ lock: string; job: string }[]> {
    const { locks } = await this.page()
    return locks.filter(({ isStale }) => isStale).map(({ lock, job }) => ({ lock, job }))
  }

  async #states(locks: readonly string[]): Promise<UniqueLockState[]> {
    const [reply, jobs] = await Promise.all([
      this.#connection.run('stale-locks', {}, locks) as Promise<string[]>,
      this.#connection.ask((redis, keys) =>
        Promise.all(locks.map((lock) => redis.get(keys.unique(lock)).catch(() => null))),
      ),
    ])
    const stale = new Map(reply.flatMap((lock, i) => (i % 2 === 0 ? [[lock, reply[i + 1] ?? '']] : [])))
    return locks.flatMap((lock, i) => {
      const job = stale.get(lock) ?? jobs[i]
      return job === null || job === undefined ? [] : [{ lock, job, isStale: stale.has(lock) }]
    })
  }

  /** Gives up a lock whose job is gone. `held`: its job is there, so the lock stays. */
  async release(lock: string): Promise<{ reply: 'released' | 'held' | 'gone'; job?: string }> {
    const [reply, job] = (await this.#connection.run('release-unique', { lock })) as [
      'released' | 'held' | 'gone',
      string?,
    ]
    return job === undefined ? { reply } : { reply, job }
  }
}

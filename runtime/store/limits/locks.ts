import { globLiteral, pairsOf, type Connection } from '../connection/connection.ts'

/** Who holds resque-scheduler's lock, or would. */
export interface LockOwner {
  /** `host:pid`, distinct among all schedulers. */
  id: string
  /** Blank, or RESQUE_SCHEDULER_MASTER_LOCK_PREFIX with a colon. */
  lockPrefix: string
}

/** What one tick of a scheduler learns from Redis. */
export interface LeadReply {
  leads: boolean
  /** `host:pid` of the scheduler that leads, ours or Ruby's. */
  holder: string
  /** Until its lock runs out; -1 when it never does. */
  holderTtlMs: number
  /** When the first job of the millisecond set is due. */
  setDueMs: number | undefined
  /** When the first of Resque's buckets is due. */
  bucketDueMs: number | undefined
  /** How many dynamic schedules have changed, by Ruby's set. */
  changed: number
  /** The living schedulers of this runtime, each with the zone of its machine. */
  living: LiveScheduler[]
}

/** A scheduler of this runtime that was alive in the last ten seconds. */
export interface LiveScheduler {
  owner: string
  zone: string
}

/** @param members `<zone> <owner>` */
export const readSchedulers = (members: readonly string[]): LiveScheduler[] =>
  members.map((member) => ({ zone: member.split(' ', 1).join(''), owner: member.slice(member.indexOf(' ') + 1) }))

/** What to know where schedulers run in several zones. @param zones a list for people */
export const zonesDiffer = (zones: string): string =>
  `schedulers run on machines in different zones (${zones}): a cron line that names no zone fires in the zone of the leader; name a zone in each line, or set the same TZ on all machines`

/** resque-scheduler's master lock: of Ruby's schedulers and ours, one leads. */
export class Locks {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** Takes or renews the lock for `ttlMs`, and looks around. @param zone of this machine */
  async lead({ id: owner, lockPrefix }: LockOwner, ttlMs: number, zone: string): Promise<LeadReply> {
    const reply = (await this.#connection.run('take-master-lock', { lockPrefix, owner, ttlMs, zone })) as [
      number,
      string,
      number,
      string,
      string,
      number,
      string[],
    ]
    const [leads, holder, holderTtlMs, setDue, bucketSecond, changed, living] = reply
    return {
      leads: leads === 1,
      holder,
      holderTtlMs,
      setDueMs: setDue === '' ? undefined : Number(setDue),
      bucketDueMs: bucketSecond === '' ? undefined : Number(bucketSecond) * 1000,
      changed,
      living: readSchedulers(living),
    }
  }

  /** Gives the lock up. @returns false when it was another's */
  async release({ id: owner, lockPrefix }: LockOwner): Promise<boolean> {
    return (await this.#connection.run('release-lock', { lockPrefix, owner })) === 1
  }
}

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
        redis.scan(at, 'MATCH', `${globLiteral(prefix)}*`, 'COUNT', 500),
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
    const stale = new Map(pairsOf(reply))
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

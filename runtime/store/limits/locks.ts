import type { Connection } from '../connection/connection.ts'

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
  living: LivingScheduler[]
}

/** A scheduler of this runtime that was alive in the last ten seconds. */
export interface LivingScheduler {
  owner: string
  zone: string
}

/** @param members `<zone> <owner>` */
export const readLiving = (members: readonly string[]): LivingScheduler[] =>
  members.map((member) => ({ zone: member.split(' ')[0] ?? '', owner: member.slice(member.indexOf(' ') + 1) }))

/** What to know where schedulers run in several zones. @param zones a list for people */
export const zonesDiffer = (zones: string): string =>
  `schedulers run on machines in different zones (${zones}): a cron line that names no zone fires in the zone of the one that leads; name a zone in each line, or set TZ alike`

/** resque-scheduler's master lock: of Ruby's schedulers and ours, one leads. */
export class Locks {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** Takes or renews the lock for `ttlMs`, and looks around. @param zone of this machine */
  async lead({ id: owner, lockPrefix }: LockOwner, ttlMs: number, zone: string): Promise<LeadReply> {
    const reply = (await this.#connection.run('lead', { lockPrefix, owner, ttlMs, zone })) as [
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
      living: readLiving(living),
    }
  }

  /** Gives the lock up. @returns false when it was another's */
  async release({ id: owner, lockPrefix }: LockOwner): Promise<boolean> {
    return (await this.#connection.run('release-lock', { lockPrefix, owner })) === 1
  }
}

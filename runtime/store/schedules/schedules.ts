import type { ChainableCommander } from 'ioredis'
import { pairsOf, type Connection } from '../connection/connection.ts'
import type { Keys } from '../keys.ts'
import type { LockOwner } from '../limits/locks.ts'
import { lockFields } from '../queues/new-job.ts'
import { describedOf, missedOf, readState } from './schedule-state.ts'
import type {
  EntryDescription,
  EntryState,
  Firing,
  FiringReply,
  MissedFiring,
  SkippedFirings,
} from './schedule-state.ts'
import { formatStarted } from '../queues/resque-time.ts'

export type { EntryDescription, EntryState, FiringMode, FiringReply, MissedFiring } from './schedule-state.ts'

/** Fields of an entry's record that count from when it was first seen. */
const life = ['since', 'cursor', 'slot', 'fired', 'next', 'timing']

/** Recurring entries: Resque's dynamic schedules, and what was fired or missed when. */
export class Schedules {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /**
   * Notes that an entry exists.
   * @param latestMs cursors beyond it come from a clock that was wrong, and go back to now
   * @param enabled what the schedule itself says
   * @param timing says when it fires; where it differs from before, the entry starts over
   */
  async register(
    name: string,
    nowMs: number,
    latestMs: number,
    enabled: boolean,
    timing: string,
  ): Promise<EntryState & { off: boolean }> {
    const args = { name, now: nowMs, latest: latestMs, enabled: enabled ? 1 : 0, timing }
    const [off, flat] = (await this.#connection.run('register-entry', args)) as [number, string[]]
    return { ...readState(Object.fromEntries(pairsOf(flat))), off: off === 1 }
  }

  /** What is remembered of an entry; undefined when no scheduler has seen it. */
  async find(name: string): Promise<EntryState | undefined> {
    const fields = await this.#connection.ask((redis, keys) => redis.hgetall(keys.schedule(name)))
    return 'since' in fields || 'fired' in fields ? readState(fields) : undefined
  }

  /** The same of many entries, in one round trip; without those that no scheduler has seen. */
  async findAll(names: readonly string[]): Promise<Map<string, EntryState>> {
    const found = await this.#connection.ask((redis, keys) =>
      Promise.all(names.map((name) => redis.hgetall(keys.schedule(name)))),
    )
    return new Map(
      names.flatMap((name, i) => {
        const fields = found[i]!
        return 'since' in fields || 'fired' in fields ? [[name, readState(fields)] as const] : []
      }),
    )
  }

  /** Fires once. */
  async fire({ id: owner, lockPrefix }: LockOwner, firing: Firing): Promise<FiringReply> {
    const { name, fireTimeMs, nowMs, lateMs, nextMs, mode, job } = firing
    const [unique, uniqueMs, uniqueUntil] = lockFields(job?.unique)
    const reply = await this.#connection.run('fire-entry', {
      ...{ lockPrefix, owner, name, slot: fireTimeMs, now: nowMs, lateMs, next: nextMs ?? '', mode },
      lastEnqueuedAt: formatStarted(new Date(nowMs)),
      ...{
        queue: job?.queue ?? '',
        item: job?.item ?? '',
        options: job?.options ?? '',
        class: job?.className ?? '',
        id: job?.id ?? '',
        ttlMs: job?.ttlMs ?? 0,
        unique,
        uniqueMs,
        uniqueUntil,
      },
    })
    return reply as FiringReply
  }

  /** Notes how far the start of a firing's run has come: it is there, it runs, or it cannot. */
  async runs(
    name: string,
    fireTimeMs: number,
    run: { created: string } | { started: string } | { refused: MissedFiring },
  ): Promise<void> {
    const about =
      'refused' in run
        ? { phase: 'refused', id: '', reason: run.refused.reason, note: JSON.stringify(run.refused) }
        : {
            phase: 'created' in run ? 'created' : 'started',
            id: 'created' in run ? run.created : run.started,
            reason: '',
            note: '',
          }
    await this.#connection.run('start-entry', { name, slot: fireTimeMs, ...about })
  }

  /** Accounts for slots that do not fire. */
  async skipFirings(
    { id: owner, lockPrefix }: LockOwner,
    { name, fireTimeMs, nextMs, missed, wait }: SkippedFirings,
  ): Promise<'ok' | 'lost' | 'stale'> {
    const note = missed === undefined ? '' : JSON.stringify(missed)
    const about = { count: missed?.count ?? 0, reason: missed?.reason ?? '', note, wait: wait ? 1 : 0 }
    const reply = await this.#connection.run('skip-firings', {
      lockPrefix,
      owner,
      name,
      slot: fireTimeMs,
      next: nextMs ?? '',
      ...about,
    })
    return reply as 'ok' | 'lost' | 'stale'
  }

  /** How far the last firing's job is. `unknown`: there is no such job, so it may be a run. */
  async previous(name: string): Promise<{ state: 'none' | 'busy' | 'ended' | 'unknown'; id: string; waiting: number }> {
    const [state, id, waiting] = (await this.#connection.run('entry-busy', { name })) as [
      'none' | 'busy' | 'ended' | 'unknown',
      string,
      number,
    ]
    return { state, id, waiting }
  }

  /** Slots that wait for the run before, oldest first. */
  async waiting(name: string): Promise<number[]> {
    const slots = await this.#connection.ask((redis, keys) => redis.lrange(keys.waitingFirings(name), 0, -1))
    return slots.map(Number)
  }

  /** Pauses or resumes, enables or disables an entry by hand, and tells the schedulers. */
  async switch(name: string, fields: { paused?: boolean; enabled?: boolean }, nowMs: number): Promise<void> {
    const flags = Object.entries(fields).flatMap(([field, value]) => [field, value ? '1' : '0'])
    await this.#change(name, (calls, keys) =>
      calls.hsetnx(keys.schedule(name), 'since', nowMs).hset(keys.schedule(name), ...flags),
    )
  }

  /** Asks the leader to fire an entry now; of several words that it has not heard yet the last one counts. */
  async askFor(name: string, nowMs: number): Promise<void> {
    await this.#change(name, (calls, keys) =>
      calls.hsetnx(keys.schedule(name), 'since', nowMs).hset(keys.schedule(name), 'asked', nowMs),
    )
  }

  /** Schedules set from code: name → configuration as JSON. Resque's go over those that only this runtime reads: they are newer. */
  async dynamic(): Promise<Record<string, string>> {
    return this.#connection.ask(async (redis, keys) => {
      const [own, shared] = [redis.hgetall(keys.ownSchedules()), redis.hgetall(keys.persistentSchedules())]
      return { ...(await own), ...(await shared) }
    })
  }

  /** Names of those that Ruby's scheduler reads. */
  async shared(): Promise<string[]> {
    return this.#connection.ask((redis, keys) => redis.hkeys(keys.persistentSchedules()))
  }

  /** One of them, as JSON. */
  async findDynamic(name: string): Promise<string | undefined> {
    const find = async (key: 'persistentSchedules' | 'ownSchedules'): Promise<string | null> =>
      this.#connection.ask((redis, keys) => redis.hget(keys[key](), name))
    return (await find('persistentSchedules')) ?? (await find('ownSchedules')) ?? undefined
  }

  /**
   * Stores a dynamic schedule as Resque's `set_schedule` does, and tells the schedulers.
   * @param shared false: Ruby's scheduler cannot read it, so it is kept where only this runtime looks
   */
  async setDynamic(name: string, json: string, shared = true): Promise<void> {
    await this.#change(name, (calls, keys) => {
      const [here, there] = [keys.persistentSchedules(), keys.ownSchedules()]
      return calls.hdel(shared ? there : here, name).hset(shared ? here : there, name, json)
    })
  }

  /** Resque's `remove_schedule`. @returns false when there was none */
  async removeDynamic(name: string): Promise<boolean> {
    const replies = await this.#change(name, (calls, keys) =>
      calls.hdel(keys.persistentSchedules(), name).hdel(keys.ownSchedules(), name),
    )
    return replies?.[0]?.[1] === 1 || replies?.[1]?.[1] === 1
  }

  /** Takes the names that have changed out of Resque's set. */
  async takeChanged(): Promise<string[]> {
    return this.#connection.ask((redis, keys) => redis.spop(keys.schedulesChanged(), 1000))
  }

  /**
   * Writes what the leader has loaded, for lists and the dashboard. Names that are not among them are removed, and start over
   * should they come again: what they would have fired until then is not missed.
   * @param broken says of a name whether it is only missing because it could not be read
   */
  async describe(entries: ReadonlyMap<string, string>, broken: (name: string) => boolean = () => false): Promise<void> {
    await this.#connection.ask(async (redis, keys) => {
      const old = await redis.hkeys(keys.schedules())
      const gone = old.filter((name) => !entries.has(name))
      const all = [...entries].flat()
      const calls = redis.multi()
      if (gone.length > 0) calls.hdel(keys.schedules(), ...gone)
      for (const name of gone) if (!broken(name)) calls.hdel(keys.schedule(name), ...life)
      for (let at = 0; at < all.length; at += 1000) calls.hset(keys.schedules(), ...all.slice(at, at + 1000))
      await calls.exec()
    })
  }

  /** The same for one name; undefined: it goes. */
  async describeOne(name: string, json: string | undefined, broken = false): Promise<void> {
    await this.#connection.ask(async (redis, keys) => {
      if (json !== undefined) return redis.hset(keys.schedules(), name, json)
      const calls = redis.multi().hdel(keys.schedules(), name)
      return (broken ? calls : calls.hdel(keys.schedule(name), ...life)).exec()
    })
  }

  /** What the leader has loaded, by name; what cannot be read is left out. */
  async described(): Promise<Record<string, EntryDescription>> {
    return describedOf(await this.#connection.ask((redis, keys) => redis.hgetall(keys.schedules())))
  }

  /** The record of missed firings, newest first; what cannot be read is left out. */
  async missed(count = 100): Promise<MissedFiring[]> {
    const notes = await this.#connection.ask((redis, keys) => redis.lrange(keys.missedFirings(), -count, -1))
    return missedOf(notes.reverse())
  }

  /** Changes something of a schedule in one step. The leader learns of it by Ruby's set, and at once if it may be told. */
  async #change(
    name: string,
    change: (calls: ChainableCommander, keys: Keys) => ChainableCommander,
  ): Promise<[error: Error | null, reply: unknown][] | null> {
    return this.#connection.ask(async (redis, keys) => {
      const replies = await change(redis.multi(), keys).sadd(keys.schedulesChanged(), name).exec()
      await redis.publish(keys.wakeSchedule(), name).catch(() => undefined)
      return replies
    })
  }
}

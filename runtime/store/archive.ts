import { pairsOf, type Connection } from './connection/connection.ts'

/** One end as the scripts wrote it: fields of lua/include/archive.lua, all text. */
export interface ArchiveEntry {
  /** The stream's own id, `<ms>-<n>` in Redis time; it grows. */
  entry: string
  fields: Record<string, string>
}

/** What is known of the archive's stream. */
export interface ArchiveState {
  keep: 'redis' | 'postgres'
  max: number
  /** Entries in the stream. */
  length: number
  /** With PostgreSQL: entries that were given up because too many waited. */
  dropped: number
  /** With PostgreSQL: entries it has taken so far, and when last; 0 for never. */
  taken: number
  takenAtMs: number
  /** When the oldest entry of the stream ended: with PostgreSQL, since when one waits. Undefined: there is none. */
  oldestAtMs: number | undefined
  /** Why PostgreSQL does not take them; blank when it does. */
  trouble: string
}

type RawEntry = [entry: string, fields: string[]]

/** The stream of what has ended; scripts add to it in the same step as the end. */
export class ArchiveStream {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** Says who keeps the archive, and how much the stream may hold; 0 keeps nothing. The last one to start decides. */
  async configure(keep: 'redis' | 'postgres', max: number): Promise<void> {
    await this.#connection.ask((redis, keys) => redis.hset(keys.archiveSettings(), { keep, max }))
  }

  async state(): Promise<ArchiveState> {
    return this.#connection.ask(async (redis, keys) => {
      const [settings, length, [oldest]] = await Promise.all([
        redis.hgetall(keys.archiveSettings()),
        redis.xlen(keys.archive()),
        redis.xrange(keys.archive(), '-', '+', 'COUNT', 1),
      ])
      return {
        keep: settings.keep === 'postgres' ? 'postgres' : 'redis',
        max: Number(settings.max ?? 10_000),
        length,
        dropped: Number(settings.dropped ?? 0),
        taken: Number(settings.taken ?? 0),
        takenAtMs: Number(settings.taken_at ?? 0),
        oldestAtMs: oldest === undefined ? undefined : Number(oldest[0].split('-')[0]),
        trouble: settings.trouble ?? '',
      }
    })
  }

  /** Notes why records cannot be moved; blank when they can. */
  async setTrouble(text: string): Promise<void> {
    await this.#connection.ask((redis, keys) => redis.hset(keys.archiveSettings(), { trouble: text }))
  }

  /** Takes or renews the lock for moving records, and reads the oldest; undefined when another archiver has it. */
  async take(owner: string, leaseMs: number, count: number): Promise<ArchiveEntry[] | undefined> {
    const [word, entries = []] = (await this.#connection.run('archive-take', { owner, leaseMs, count })) as [
      string,
      RawEntry[]?,
    ]
    return word === 'turn' ? entries.map(readEntry) : undefined
  }

  /** Removes entries that the archive has. @returns how many are left */
  async done(owner: string, entries: readonly string[], nowMs: number): Promise<number> {
    return Number(await this.#connection.run('archive-done', { owner, at: nowMs }, entries))
  }

  /** Releases the lock for another archiver. */
  async release(owner: string): Promise<void> {
    await this.#connection.run('archive-release', { owner })
  }

  /**
   * A page of entries, newest first.
   * @param before entry id to go on below; undefined begins at the newest
   * @param sinceMs no entry from before this moment, in Redis time
   */
  async page(before: string | undefined, sinceMs: number, count: number): Promise<ArchiveEntry[]> {
    const rows = await this.#connection.ask((redis, keys) =>
      redis.xrevrange(
        keys.archive(),
        before === undefined ? '+' : `(${before}`,
        String(Math.max(0, Math.floor(sinceMs))),
        'COUNT',
        count,
      ),
    )
    return (rows as RawEntry[]).map(readEntry)
  }

  /** Removes entries. @returns how many there were */
  async remove(entries: readonly string[]): Promise<number> {
    if (entries.length === 0) return 0
    return this.#connection.ask((redis, keys) => redis.xdel(keys.archive(), ...entries))
  }
}

const readEntry = ([entry, list]: RawEntry): ArchiveEntry => ({ entry, fields: Object.fromEntries(pairsOf(list)) })

import type { ArchiveStream } from '../store/archive.ts'
import { cursorParts, type Archive, type ArchivePage, type ArchiveQuery, type ClassStats } from './archive.ts'
import { matches, statsOf } from './matching.ts'
import { readRecord, type ArchiveRecord } from './record.ts'

/** Entries read in one round trip: about a megabyte. */
const pageEntries = 500
/** Entries that one page, or one count, looks at. */
const lookedEntries = 5000
/** How far the clocks of workers and of Redis may differ, before a search by time misses records. */
const skewMs = 10 * 60_000

/** The archive without PostgreSQL: the stream itself, read backwards. Bounded by `archive.maxRecords`. */
export class RedisArchive implements Archive {
  readonly keep = 'redis'
  readonly #stream: ArchiveStream

  constructor(stream: ArchiveStream) {
    this.#stream = stream
  }

  async search(query: ArchiveQuery, limit: number): Promise<ArchiveRecord[]> {
    const found: ArchiveRecord[] = []
    const ids = new Set<string>()
    for await (const { record } of this.#newestFirst(query.sinceMs)) {
      // A run that went on after its end has ended more than once: the last end counts.
      if (ids.has(record.id)) continue
      ids.add(record.id)
      if (matches(record, query)) found.push(record)
      if (found.length >= limit) break
    }
    return found
  }

  async page(query: ArchiveQuery, cursor: string | undefined, count: number): Promise<ArchivePage> {
    const before = cursor === undefined ? undefined : cursorParts(cursor, /^(\d{1,16}-\d{1,16})$/)[0]
    const records: ArchiveRecord[] = []
    const ids = new Set<string>()
    let looked = 0
    for await (const { entry, record } of this.#newestFirst(query.sinceMs, before)) {
      looked += 1
      if (!ids.has(record.id) && matches(record, query)) records.push(record)
      ids.add(record.id)
      if (records.length >= count || looked >= lookedEntries) return { records, next: entry }
    }
    return { records, next: undefined }
  }

  async counted(query: ArchiveQuery): Promise<{ count: number; isExact: boolean }> {
    const ids = new Set<string>()
    let [looked, count] = [0, 0]
    for await (const { record } of this.#newestFirst(query.sinceMs)) {
      if (looked === lookedEntries) return { count, isExact: false }
      looked += 1
      if (!ids.has(record.id) && matches(record, query)) count += 1
      ids.add(record.id)
    }
    return { count, isExact: true }
  }

  async find(id: string): Promise<ArchiveRecord | undefined> {
    for await (const { record } of this.#newestFirst()) if (record.id === id) return record
    return undefined
  }

  async stats(query: ArchiveQuery): Promise<ClassStats[]> {
    return statsOf(await this.search(query, Infinity))
  }

  async prune(beforeMs: number): Promise<number> {
    const old: string[] = []
    for await (const { entry, record } of this.#newestFirst()) if (record.endedAtMs < beforeMs) old.push(entry)
    let removed = 0
    for (let at = 0; at < old.length; at += pageEntries) {
      removed += await this.#stream.remove(old.slice(at, at + pageEntries))
    }
    return removed
  }

  async count(): Promise<number> {
    return (await this.#stream.state()).length
  }

  /** The stream is the store's. */
  async close(): Promise<void> {}

  async *#newestFirst(sinceMs?: number, start?: string): AsyncGenerator<{ entry: string; record: ArchiveRecord }> {
    const from = sinceMs === undefined ? 0 : sinceMs - skewMs
    for (let before = start; ;) {
      const page = await this.#stream.page(before, from, pageEntries)
      for (const raw of page) {
        const record = readRecord(raw)
        if (record) yield { entry: raw.entry, record }
      }
      before = page.at(-1)?.entry
      if (page.length < pageEntries || before === undefined) return
    }
  }
}

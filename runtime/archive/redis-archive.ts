import { cursorParts, searchClock } from '../core/cursor.ts'
import type { ArchiveStream } from '../store/archive.ts'
import {
  type Archive,
  type ArchivePage,
  type ArchiveQuery,
  type ArgMatch,
  type ClassStats,
  possibleValues,
  type Percentiles,
} from './archive.ts'
import { type ArchiveRecord, readRecord } from './record.ts'
import { isDeepStrictEqual } from 'node:util'

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

  async page(query: ArchiveQuery, cursor: string | undefined, count: number, mostMs?: number): Promise<ArchivePage> {
    const isLate = searchClock(mostMs)
    const before = cursor === undefined ? undefined : cursorParts(cursor, /^(\d{1,16}-\d{1,16})$/)[0]
    const records: ArchiveRecord[] = []
    const ids = new Set<string>()
    let looked = 0
    for await (const { entry, record } of this.#newestFirst(query.sinceMs, before)) {
      looked += 1
      if (!ids.has(record.id) && matches(record, query)) records.push(record)
      ids.add(record.id)
      if (records.length >= count || looked >= lookedEntries || isLate()) return { records, next: entry }
    }
    return { records, next: undefined }
  }

  async counted(query: ArchiveQuery, mostMs?: number): Promise<{ count: number; isExact: boolean }> {
    const isLate = searchClock(mostMs)
    const ids = new Set<string>()
    let [looked, count] = [0, 0]
    for await (const { record } of this.#newestFirst(query.sinceMs)) {
      if (looked === lookedEntries || isLate()) return { count, isExact: false }
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

/** True when a record is what a query asks for; the Redis archive's search. */
function matches(record: ArchiveRecord, query: ArchiveQuery): boolean {
  const { sinceMs = -Infinity, untilMs = Infinity, args = [] } = query
  return (
    (query.class === undefined || record.class === query.class) &&
    (query.kind === undefined || record.kind === query.kind) &&
    (query.outcome === undefined || record.outcome === query.outcome) &&
    (query.queue === undefined || record.queue === query.queue) &&
    (query.cause === undefined || record.cause === query.cause) &&
    (query.runId === undefined || record.runId === query.runId) &&
    (query.node === undefined || record.details.node === query.node) &&
    record.endedAtMs >= sinceMs &&
    record.endedAtMs < untilMs &&
    (args.length === 0 || (record.args !== undefined && hasArgs(JSON.parse(record.args) as unknown[], args)))
  )
}

function hasArgs(given: readonly unknown[], wanted: readonly ArgMatch[]): boolean {
  return wanted.every((match) => {
    const values = possibleValues(match)
    const same = (value: unknown): boolean => values.some((meant) => isDeepStrictEqual(value, meant))
    if (/^\d+$/.test(match.name)) return same(given[Number(match.name)])
    return given.some(
      (arg) =>
        typeof arg === 'object' && arg !== null && Object.hasOwn(arg, match.name) && same((arg as never)[match.name]),
    )
  })
}

/** Statistics of records by class and kind. */
function statsOf(records: Iterable<ArchiveRecord>): ClassStats[] {
  const groups = new Map<string, ArchiveRecord[]>()
  for (const record of records) {
    const key = `${record.kind}\n${record.class}`
    const group = groups.get(key)
    if (group) group.push(record)
    else groups.set(key, [record])
  }
  const stats = [...groups.values()].map((group): ClassStats => {
    const [{ class: name, kind } = { class: '?', kind: 'job' as const }] = group
    return {
      class: name,
      kind,
      count: group.length,
      failed: group.filter(({ outcome }) => outcome === 'failed').length,
      wait: spread(group.map(({ waitMs }) => waitMs)),
      run: spread(group.map(({ runMs }) => runMs)),
      cpu: spread(group.map(({ cpuMs }) => cpuMs)),
      peakRssBytes: spread(group.map(({ peakRssBytes }) => peakRssBytes)),
    }
  })
  return stats.sort((a, b) => b.count - a.count || (a.class < b.class ? -1 : 1))
}

function spread(values: readonly (number | undefined)[]): Percentiles {
  const known = values.filter((value) => value !== undefined).sort((a, b) => a - b)
  // The nearest rank, as PostgreSQL's percentile_disc has it.
  const at = (share: number): number | undefined => known[Math.max(0, Math.ceil(share * known.length) - 1)]
  return { p50: at(0.5), p95: at(0.95) }
}

import type { ArchiveRecord, ArchiveOutcome, RecordDetails, RecordKind } from './record.ts'

/** Columns that a record is written to, with their PostgreSQL types as json_to_recordset needs them. */
export const columns = {
  id: 'text',
  kind: 'text',
  class: 'text',
  queue: 'text',
  outcome: 'text',
  cause: 'text',
  run_id: 'text',
  label: 'text',
  args: 'text',
  enqueued_at: 'bigint',
  started_at: 'bigint',
  ended_at: 'bigint',
  wait_ms: 'bigint',
  run_ms: 'bigint',
  cpu_ms: 'bigint',
  peak_rss_bytes: 'bigint',
  attempts: 'integer',
  details: 'json',
  args_search: 'text',
} as const

/** A record as a row's JSON text, times in ms since 1970. It is cleaned only where there is something to clean. */
export function rowText(record: ArchiveRecord): string {
  const text = JSON.stringify({
    id: record.id,
    kind: record.kind,
    class: record.class,
    queue: record.queue,
    outcome: record.outcome,
    cause: record.cause,
    run_id: record.runId,
    label: record.label,
    args: record.args,
    enqueued_at: record.enqueuedAtMs,
    started_at: record.startedAtMs,
    ended_at: record.endedAtMs,
    wait_ms: record.waitMs,
    run_ms: record.runMs,
    cpu_ms: record.cpuMs,
    peak_rss_bytes: record.peakRssBytes,
    attempts: record.attempts,
    details: record.details,
    args_search: searchable(record.args),
  })
  return unkeepable.test(text) ? JSON.stringify(clean(JSON.parse(text))) : text
}

/** The same row without what can be searched by. */
export function withoutSearch(text: string): string {
  return JSON.stringify({ ...(JSON.parse(text) as object), args_search: undefined })
}

/** Characters that PostgreSQL's text and jsonb cannot hold, as escapes in JSON. */
const unkeepable = /\\u(0000|d[89a-f][0-9a-f]{2})/i

/** The arguments to search by: the same text, except for characters that jsonb cannot hold. */
function searchable(args: string | undefined): string | undefined {
  if (args === undefined || !unkeepable.test(args)) return args
  return JSON.stringify(clean(JSON.parse(args)))
}

/** Without NULs and half characters in any text, which PostgreSQL refuses. */
function clean(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll('\0', '\u2400').replace(/\p{Surrogate}/gu, '\ufffd')
  if (Array.isArray(value)) return value.map(clean)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [clean(key), clean(member)]))
}

/** A row as it is read; PostgreSQL's bigint arrives as text. */
export interface ReadRow {
  id: string
  kind: string
  class: string
  queue: string | null
  outcome: string
  cause: string | null
  run_id: string | null
  label: string | null
  args: string | null
  enqueued_at: Date | null
  started_at: Date | null
  ended_at: Date
  wait_ms: string | null
  run_ms: string | null
  cpu_ms: string | null
  peak_rss_bytes: string | null
  attempts: number
  details: RecordDetails
}

/** The columns of {@link ReadRow}. */
export const readColumns = Object.keys(columns)
  .filter((name) => name !== 'args_search')
  .join(', ')

/** A row as a record. */
export function fromRow(row: ReadRow): ArchiveRecord {
  return {
    id: row.id,
    kind: row.kind as RecordKind,
    class: row.class,
    queue: row.queue ?? undefined,
    outcome: row.outcome as ArchiveOutcome,
    cause: row.cause ?? undefined,
    args: row.args ?? undefined,
    runId: row.run_id ?? undefined,
    label: row.label ?? undefined,
    enqueuedAtMs: row.enqueued_at?.getTime(),
    startedAtMs: row.started_at?.getTime(),
    endedAtMs: row.ended_at.getTime(),
    waitMs: numberOf(row.wait_ms),
    runMs: numberOf(row.run_ms),
    cpuMs: numberOf(row.cpu_ms),
    peakRssBytes: numberOf(row.peak_rss_bytes),
    attempts: row.attempts,
    details: row.details,
  }
}

/** A bigint or numeric column as a number. */
export const numberOf = (text: string | null): number | undefined => (text === null ? undefined : Number(text))

/** Most text of one statement that writes. */
const portionBytes = 4 * 1024 ** 2

/** Rows in statements of bounded size: one record may have a few hundred kilobytes. */
export function batches(rows: readonly string[]): string[][] {
  const found: string[][] = []
  let size = Infinity
  for (const row of rows) {
    if (size + row.length > portionBytes) {
      found.push([])
      size = 0
    }
    size += row.length
    found.at(-1)?.push(row)
  }
  return found
}

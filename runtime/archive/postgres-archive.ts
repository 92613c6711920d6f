import { cursorParts } from '../core/cursor.ts'
import type pg from 'pg'
import { possibleValues } from './archive.ts'
import type { Archive, ArchivePage, ArchiveQuery, ArgMatch, ClassStats } from './archive.ts'
import { checkSchema, explainPostgres, sqlState } from './postgres.ts'
import type { ArchiveRecord, RecordKind } from './record.ts'
import { columns, fromRow, numberOf, batches, readColumns, rowText, withoutSearch, type ReadRow } from './rows.ts'

const names = Object.keys(columns)
const moments = ['enqueued_at', 'started_at', 'ended_at']
const overwritten = names.filter((name) => name !== 'id').map((name) => `${name} = excluded.${name}`)
const selected = names.map((name) => {
  if (moments.includes(name)) return `to_timestamp(r.${name} / 1000.0)`
  return name === 'args_search' ? 'r.args_search::jsonb' : `r.${name}`
})

/** One statement for any number of records. Written twice, or by two archivers at once, a record stands once; the later end wins. */
const upsert = `
insert into runtime_archive.records (namespace, ${names.join(', ')})
select $1, ${selected.join(', ')}
from json_to_recordset($2::json) as r(${Object.entries(columns)
  .map(([name, type]) => `${name} ${type}`)
  .join(', ')})
order by r.id
on conflict (namespace, id) do update set ${overwritten.join(', ')}
where excluded.ended_at >= runtime_archive.records.ended_at`

/** Rows removed in one statement, so that a prune of millions blocks no other query. */
const pruneRows = 10_000

/** Counting stops there. */
const countedRows = 100_000

/** The archive in PostgreSQL: every namespace in one table. All values travel as parameters, never in the statement's text. */
export class PostgresArchive implements Archive {
  readonly keep = 'postgres'
  readonly #pool: pg.Pool
  readonly #namespace: string
  #checked = false

  constructor(pool: pg.Pool, namespace: string) {
    this.#pool = pool
    this.#namespace = namespace
  }

  /**
   * Writes records; those that are there already stay one.
   * @returns records that PostgreSQL refuses as they are; the others are written
   * @throws RuntimeError ERR_ARCHIVE when it cannot be reached, or its schema is another: nothing is lost, ask again
   */
  async write(records: readonly ArchiveRecord[]): Promise<{ refused: { id: string; why: string }[] }> {
    const latest = new Map<string, ArchiveRecord>()
    for (const record of records) {
      if (record.endedAtMs >= (latest.get(record.id)?.endedAtMs ?? 0)) latest.set(record.id, record)
    }
    const refused: { id: string; why: string }[] = []
    // Another process may migrate while this runs: this code does not know a newer schema.
    this.#checked = false
    for (const rows of batches([...latest.values()].map(rowText))) refused.push(...(await this.#writeRows(rows)))
    return { refused }
  }

  async search(query: ArchiveQuery, limit: number): Promise<ArchiveRecord[]> {
    return (await this.page(query, undefined, limit)).records
  }

  async page(query: ArchiveQuery, cursor: string | undefined, count: number): Promise<ArchivePage> {
    const { where, values } = this.#where(query)
    const [at, id] = cursor === undefined ? [] : cursorParts(cursor, /^(\d{1,16})~(.+)$/s)
    const after = `and (ended_at, $${values.length + 2}::text) < (to_timestamp($${values.length + 1}::float8 / 1000.0), id)`
    if (at !== undefined) values.push(Number(at), id)
    const { rows } = await this.#query<ReadRow>(
      `select ${readColumns} from runtime_archive.records where ${where} ${at === undefined ? '' : after}
      order by ended_at desc, id limit $${values.length + 1}`,
      [...values, count],
    )
    const records = rows.map(fromRow)
    const last = records.at(-1)
    return { records, next: last && records.length === count ? `${last.endedAtMs}~${last.id}` : undefined }
  }

  async counted(query: ArchiveQuery): Promise<{ count: number; isExact: boolean }> {
    const { where, values } = this.#where(query)
    const { rows } = await this.#query<{ count: string }>(
      `select count(*) as count from (select 1 from runtime_archive.records where ${where} limit ${countedRows + 1}) as found`,
      values,
    )
    const count = Number(rows[0]?.count ?? 0)
    return count > countedRows ? { count: countedRows, isExact: false } : { count, isExact: true }
  }

  async find(id: string): Promise<ArchiveRecord | undefined> {
    const { rows } = await this.#query<ReadRow>(
      `select ${readColumns} from runtime_archive.records where namespace = $1 and id = $2`,
      [this.#namespace, id],
    )
    return rows[0] && fromRow(rows[0])
  }

  async stats(query: ArchiveQuery): Promise<ClassStats[]> {
    const { where, values } = this.#where(query)
    const spread = (column: string, as: string): string =>
      `percentile_disc(array[0.5, 0.95]) within group (order by ${column}) as ${as}`
    const { rows } = await this.#query<StatsRow>(
      `select class, kind, count(*) as count, count(*) filter (where outcome = 'failed') as failed,
        ${spread('wait_ms', 'wait')}, ${spread('run_ms', 'run')}, ${spread('cpu_ms', 'cpu')}, ${spread('peak_rss_bytes', 'peak')}
      from runtime_archive.records where ${where} group by class, kind order by count(*) desc, class`,
      values,
    )
    return rows.map((row) => ({
      class: row.class,
      kind: row.kind as RecordKind,
      count: Number(row.count),
      failed: Number(row.failed),
      wait: spreadOf(row.wait),
      run: spreadOf(row.run),
      cpu: spreadOf(row.cpu),
      peakRssBytes: spreadOf(row.peak),
    }))
  }

  async prune(beforeMs: number): Promise<number> {
    let removed = 0
    for (;;) {
      const { rowCount } = await this.#query(
        `delete from runtime_archive.records where (namespace, id) in
          (select namespace, id from runtime_archive.records where namespace = $1 and ended_at < to_timestamp($2 / 1000.0) limit $3)`,
        [this.#namespace, beforeMs, pruneRows],
      )
      removed += rowCount ?? 0
      if ((rowCount ?? 0) < pruneRows) return removed
    }
  }

  async count(): Promise<number> {
    const { rows } = await this.#query<{ count: string }>(
      'select count(*) as count from runtime_archive.records where namespace = $1',
      [this.#namespace],
    )
    return Number(rows[0]?.count ?? 0)
  }

  async close(): Promise<void> {
    await this.#pool.end()
  }

  async #writeRows(rows: readonly string[]): Promise<{ id: string; why: string }[]> {
    try {
      await this.#insert(rows)
      return []
    } catch (error) {
      if (!isAboutData((error as Error).cause)) throw error
      return this.#writeSingly(rows)
    }
  }

  /** One bad record keeps none of the others. */
  async #writeSingly(rows: readonly string[]): Promise<{ id: string; why: string }[]> {
    const refused: { id: string; why: string }[] = []
    for (const row of rows) {
      try {
        await this.#insert([row])
      } catch (error) {
        if (!isAboutData((error as Error).cause)) throw error
        // Numbers that are out of range for jsonb, mostly: what can be searched by is given up first.
        await this.#insert([withoutSearch(row)]).catch((again: unknown) => {
          if (!isAboutData((again as Error).cause)) throw again
          refused.push({ id: (JSON.parse(row) as { id: string }).id, why: (again as Error).message })
        })
      }
    }
    return refused
  }

  async #insert(rows: readonly string[]): Promise<void> {
    await this.#query(upsert, [this.#namespace, `[${rows.join(',')}]`])
  }

  async #query<R extends pg.QueryResultRow>(text: string, values: unknown[]): Promise<pg.QueryResult<R>> {
    if (!this.#checked) {
      await checkSchema(this.#pool)
      this.#checked = true
    }
    try {
      return await this.#pool.query<R>(text, values)
    } catch (error) {
      this.#checked = false
      throw explainPostgres(error)
    }
  }

  #where(query: ArchiveQuery): { where: string; values: unknown[] } {
    const values: unknown[] = [this.#namespace]
    const place = (value: unknown): string => `$${values.push(value)}`
    const moment = (ms: number): string => `to_timestamp(${place(ms)}::float8 / 1000.0)`
    const same = {
      class: query.class,
      kind: query.kind,
      outcome: query.outcome,
      queue: query.queue,
      cause: query.cause,
      run_id: query.runId,
      "details->>'node'": query.node,
    }
    const parts = ['namespace = $1']
    for (const [column, value] of Object.entries(same)) {
      if (value !== undefined) parts.push(`${column} = ${place(value)}`)
    }
    if (query.sinceMs !== undefined) parts.push(`ended_at >= ${moment(query.sinceMs)}`)
    if (query.untilMs !== undefined) parts.push(`ended_at < ${moment(query.untilMs)}`)
    for (const match of query.args ?? []) parts.push(argCondition(match, place))
    return { where: parts.join(' and '), values }
  }
}

interface StatsRow {
  class: string
  kind: string
  count: string
  failed: string
  wait: (string | null)[] | null
  run: (string | null)[] | null
  cpu: (string | null)[] | null
  peak: (string | null)[] | null
}

const spreadOf = (pair: (string | null)[] | null): ClassStats['wait'] => ({
  p50: numberOf(pair?.[0] ?? null),
  p95: numberOf(pair?.[1] ?? null),
})

/** `@>` may use the index over the arguments; a place in the list narrows it down afterwards. */
function argCondition(match: ArgMatch, place: (value: unknown) => string): string {
  const isPlace = /^\d{1,9}$/.test(match.name)
  const anyOf = possibleValues(match).map((value) => {
    if (!isPlace) return `args_search @> ${place(JSON.stringify([{ [match.name]: value }]))}::jsonb`
    const contained = `args_search @> ${place(JSON.stringify([value]))}::jsonb`
    return `(${contained} and args_search -> ${place(Number(match.name))}::int = ${place(JSON.stringify(value))}::jsonb)`
  })
  return `(${anyOf.join(' or ')})`
}

/** A value that PostgreSQL cannot take (class 22), or a row that is too large for its index or page (54). */
const isAboutData = (cause: unknown): boolean => /^(22|54)/.test(sqlState(cause))

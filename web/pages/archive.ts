import { html } from 'hono/html'
import type { ArchiveQuery } from '../../runtime/archive/archive.ts'
import { outcomes, recordKinds, type ArchiveRecord } from '../../runtime/archive/record.ts'
import { duration } from '../../runtime/core/duration.ts'
import { archivePage as readArchive, withArchive } from '../../runtime/inspect/archive.ts'
import { readParts, searchMs } from '../deadline.ts'
import { MaskedJson } from '../view/masked-json.ts'
import {
  args,
  choice,
  code,
  field,
  filters,
  jobLink,
  lasting,
  runLink,
  section,
  state,
  table,
  time,
  type Cell,
} from '../view/parts.ts'
import { count } from '../view/text.ts'
import {
  address,
  BadInput,
  contextOf,
  type Download,
  type Html,
  type Page,
  type Query,
  type PageRequest,
} from '../request.ts'

const shownRecords = 100
const exportedRecords = 10_000
const filterNames = ['class', 'kind', 'outcome', 'queue', 'cause', 'run', 'since', 'until', 'arg'] as const

/** Everything that has ended, searched. */
export async function archivePage(request: PageRequest): Promise<Page> {
  const query = queryOf(request.query, request.nowMs)
  const after = request.query.text('after')
  const part = { count: shownRecords, mostMs: searchMs, cursor: after }
  const {
    found,
    state: kept,
    missing,
  } = await readParts({
    found: () => readArchive(contextOf(request), query, part),
    state: () => request.store.archive.state(),
  })
  const given = Object.fromEntries(filterNames.map((name) => [name, request.query.text(name)]))
  const text = (name: (typeof filterNames)[number], label: string, hint = '') => field(name, label, given[name], hint)
  const form = filters(
    'archive',
    [
      text('class', 'Class'),
      choice('kind', 'Kind', recordKinds, given.kind),
      choice('outcome', 'Outcome', outcomes, given.outcome),
      text('queue', 'Queue'),
      text('cause', 'Cause', 'timeout, memory, signal'),
      text('arg', 'Argument', 'user.id=7 or 0=u1'),
      text('since', 'Since', '1d or 2027-01-31'),
      text('until', 'Until', '1h'),
      text('run', 'Run'),
    ],
    Object.values(given).some((value) => value !== undefined),
  )
  const rows = (found?.records ?? []).map((record) => rowOf(record, request))
  const next = found?.next
  const body = html`${form}
    ${kept?.trouble ? html`<p class="problem" role="alert">PostgreSQL does not take records: ${kept.trouble}</p>` : ''}
    ${section(
      found === undefined ? 'Records' : `${found.total.isExact ? '' : 'More than '}${count(found.total.count)} match`,
      table(
        'Ended jobs, steps and runs',
        ['Ended', 'ID', 'Class', 'Outcome', 'Cause', 'Waited#', 'Ran#', 'Attempts#', 'Arguments'],
        rows,
        next === undefined ? 'No record matches.' : 'None of the records searched so far matches.',
      ),
      exportLinks(given),
    )}
    <nav class="pager" aria-label="Parts of the list">
      ${after === undefined ? '' : html`<a class="button" rel="prev" href="${address('archive', given)}">Newest</a>`}
      ${next === undefined ? '' : html`<a class="button" rel="next" href="${address('archive', { ...given, after: next })}">Older</a>`}
    </nav>`
  return { title: 'Archive', body, missing }
}

/** One record of the list. */
const rowOf = (record: ArchiveRecord, request: PageRequest): Cell[] => [
  time(record.endedAtMs, request.nowMs),
  record.kind === 'workflow' || record.kind === 'pipeline' ? runLink(record.id) : jobLink(record.id),
  code(record.class),
  state(record.outcome),
  record.cause ?? '',
  lasting(record.waitMs),
  lasting(record.runMs),
  record.attempts,
  record.args === undefined ? 'not kept' : args(record.args, request),
]

const exportLinks = (given: Record<string, string | undefined>): Html =>
  html`<a class="button" href="${address('archive-csv', given)}">CSV</a>
    <a class="button" href="${address('archive-json', given)}">JSON</a>`

function queryOf(query: Query, nowMs: number): ArchiveQuery {
  const arg = query.text('arg')
  const at = arg?.indexOf('=') ?? 0
  if (arg !== undefined && at < 1)
    throw new BadInput(`arg: expected name=value such as user=7, got ${JSON.stringify(arg)}`)
  return {
    class: query.text('class'),
    kind: query.oneOf('kind', recordKinds),
    outcome: query.oneOf('outcome', outcomes),
    queue: query.text('queue'),
    cause: query.text('cause'),
    runId: query.text('run'),
    sinceMs: moment(query.text('since'), 'since', nowMs),
    untilMs: moment(query.text('until'), 'until', nowMs),
    args: arg === undefined ? [] : [{ name: arg.slice(0, at), value: arg.slice(at + 1) }],
  }
}

/** `1d` is a day ago; else a date as ISO 8601 has it. @throws BadInput */
export function moment(text: string | undefined, name: string, nowMs: number): number | undefined {
  if (text === undefined) return undefined
  const date = /^\d{4}-\d{2}/.test(text) ? Date.parse(text) : NaN
  if (!Number.isNaN(date)) return date
  try {
    return nowMs - duration(/^\d+$/.test(text) ? NaN : text)
  } catch {
    throw new BadInput(
      `${name}: expected a length of time such as 1d or 90 minutes, or a date such as 2027-01-31T08:00Z, got ${JSON.stringify(text)}`,
    )
  }
}

/** What matches, as JSON lines; arguments are masked as on the page. */
export async function archiveJson(request: PageRequest): Promise<Download> {
  const found = await exported(request)
  const masked = new MaskedJson(request.settings.mask)
  const lines = found.map((record) => {
    const { args: own, ...rest } = record
    const members = JSON.stringify(rest)
    return masked.write(own === undefined ? members : `{"args":${own},${members.slice(1)}`)
  })
  return { type: 'application/x-ndjson', body: `${lines.join('\n')}\n`, fileName: 'archive.jsonl' }
}

const columns = [
  'endedAtMs',
  'id',
  'kind',
  'class',
  'queue',
  'outcome',
  'cause',
  'waitMs',
  'runMs',
  'attempts',
  'runId',
] as const

/** What matches, as CSV of RFC 4180. */
export async function archiveCsv(request: PageRequest): Promise<Download> {
  const masked = new MaskedJson(request.settings.mask)
  const lines = (await exported(request)).map((record) =>
    [
      new Date(record.endedAtMs).toISOString(),
      ...columns.slice(1).map((name) => String(record[name] ?? '')),
      record.args === undefined ? '' : masked.write(record.args),
    ].map(cell),
  )
  const head = ['ended', ...columns.slice(1), 'args']
  return {
    type: 'text/csv',
    body: [head, ...lines].map((row) => `${row.join(',')}\r\n`).join(''),
    fileName: 'archive.csv',
  }
}

/** A cell; one that a spreadsheet would take for a formula gets a quote before it. */
export function cell(written: string): string {
  const safe = /^[=+\-@\t\r]/.test(written) && !/^-?\d+(\.\d+)?$/.test(written) ? `'${written}` : written
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

const exported = (request: PageRequest): Promise<ArchiveRecord[]> =>
  withArchive(contextOf(request), (archive) => archive.search(queryOf(request.query, request.nowMs), exportedRecords))

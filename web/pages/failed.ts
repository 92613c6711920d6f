import { html } from 'hono/html'
import { rawMembers } from '../../runtime/core/json-text.ts'
import type { FailedEntry } from '../../runtime/store/queues/failures.ts'
import {
  failedClass,
  failedGroups,
  failedPage,
  failedStep,
  type FailedFilter,
  type FailedGroup,
  type FailedPage,
} from '../../runtime/inspect/failed.ts'
import { parseFailedAt } from '../../runtime/store/queues/resque-time.ts'
import { readParts, searchMs } from '../deadline.ts'
import {
  args,
  badge,
  code,
  field,
  filters,
  hidden,
  queueLink,
  section,
  short,
  table,
  time,
  type Cell,
} from '../view/parts.ts'
import { count, shown } from '../view/text.ts'
import { address, contextOf, type Html, type Page, type Query, type PageRequest } from '../request.ts'
import { moment } from './archive.ts'
import { plural } from '../../runtime/core/plural.ts'

const pageSize = 50
const shownGroups = 100

const filterNames = ['class', 'queue', 'cause', 'error', 'text', 'since', 'until'] as const
export type GivenFilter = Partial<Record<(typeof filterNames)[number], string>>

/** The filter of an address or a form, as it was given and as it is meant. @throws BadInput */
export function filterOf(
  query: Query,
  nowMs: number,
): { given: GivenFilter; filter: FailedFilter; isFiltered: boolean } {
  const given: GivenFilter = Object.fromEntries(
    filterNames.map((name) => [name, query.text(name, 300)]).filter(([, value]) => value !== undefined) as [
      string,
      string,
    ][],
  )
  const { since, until, error: exception, ...words } = given
  const filter = { ...words, exception, sinceMs: moment(since, 'since', nowMs), untilMs: moment(until, 'until', nowMs) }
  return { given, filter, isFiltered: Object.keys(given).length > 0 }
}

/** Failed jobs, newest first, one by one or in groups. */
export async function failuresPage(request: PageRequest): Promise<Page> {
  const { given, filter, isFiltered } = filterOf(request.query, request.nowMs)
  const isGrouped = request.query.oneOf('by', ['group'] as const) === 'group'
  const form = filters(
    'failed',
    [
      ...(isGrouped ? [html`<input type="hidden" name="by" value="group" />`] : []),
      field('class', 'Class', given.class),
      field('queue', 'Queue', given.queue),
      field('cause', 'Cause', given.cause, 'timeout'),
      field('error', 'Error', given.error, 'TypeError'),
      field('text', 'Text', given.text, 'contains'),
      field('since', 'Since', given.since, '1h, a date'),
      field('until', 'Until', given.until),
    ],
    isFiltered,
  )
  const views = html`<nav class="views" aria-label="View">
    <a href="${address('failed', given)}" ${isGrouped ? '' : html`aria-current="true"`}>Entries</a
    ><a href="${address('failed', { ...given, by: 'group' })}" ${isGrouped ? html`aria-current="true"` : ''}>Groups</a>
  </nav>`
  const { body, missing } = isGrouped ? await groups(request, filter, given) : await entries(request, filter, given)
  return { title: 'Failed jobs', body: html`${form}${views}${body}`, missing, refreshMs: 10_000 }
}

async function entries(
  request: PageRequest,
  filter: FailedFilter,
  given: GivenFilter,
): Promise<{ body: Html; missing: string[] }> {
  const below = request.query.text('below') === undefined ? undefined : request.query.whole('below', 0)
  const { page, total, missing } = await readParts({
    page: () => pageBelow(request, filter, below),
    total: () => request.store.failures.count(),
  })
  const isOperator = request.user.role === 'operator'
  const rows = (page?.entries ?? []).map((entry) => entryRow(request, entry))
  const head = [...(isOperator ? [''] : []), 'Failed', 'Class', 'Queue', 'Cause', 'Error', 'Arguments', '']
  const next =
    page?.next === undefined
      ? ''
      : html`<a class="button" rel="next" href="${address('failed', { ...given, below: Number(page.next) + 1 })}"
          >Older</a
        >`
  const looked =
    page && page.entries.length < pageSize && page.next !== undefined
      ? html`<span>Searched ${plural(page.looked, 'entry', 'entries')} so far; continue with Older.</span>`
      : ''
  const list = table(
    'Failed jobs',
    head,
    rows,
    total === 0 ? 'No job has failed.' : 'None of the entries searched so far matches.',
  )
  const body = section(
    total === undefined ? 'Failed jobs' : plural(total, 'failed job'),
    html`<form method="post" action="failed-chosen">
        ${hidden(request)}${list}
        ${
          isOperator && rows.length > 0
            ? html`<div class="actions">
                <label><input type="checkbox" data-all /> all on this page</label
                ><button name="do" value="retry">Retry selected</button
                ><button name="do" value="remove">Remove selected</button>
              </div>`
            : ''
        }
      </form>
      <nav class="pager" aria-label="Parts of the list">
        ${below === undefined ? '' : html`<a class="button" rel="prev" href="${address('failed', given)}">Newest</a>`}${looked}${next}
      </nav>`,
    total === 0 ? '' : bulkLinks(request, given),
  )
  return { body, missing }
}

/** Entries below an index, newest first; from the newest where none is given. */
async function pageBelow(request: PageRequest, filter: FailedFilter, below: number | undefined): Promise<FailedPage> {
  if (below === 0) return { total: 0, entries: [], next: undefined, looked: 0 }
  const from = below === undefined ? {} : { cursor: String(below - 1) }
  return failedPage(contextOf(request), filter, { ...from, count: pageSize, mostMs: searchMs })
}

function entryRow(request: PageRequest, entry: FailedEntry): Cell[] {
  const isOperator = request.user.role === 'operator'
  return [
    ...(isOperator
      ? [html`<input type="checkbox" name="id" value="${entry.index}:${entry.digest}" aria-label="Select" />`]
      : []),
    html`<a href="${failureAddress(entry)}">${time(parseFailedAt(entry.failed_at), request.nowMs)}</a>`,
    html`${code(failedClass(entry))}${failedStep(entry) ? html` <small>step</small>` : ''}`,
    queueLink(entry.queue || '?'),
    causeBadge(entry),
    html`<a class="plain" href="${failureAddress(entry)}"
      ><span class="clamp"><strong>${shown(entry.exception, 60)}</strong> ${short(entry.error, 120)}</span></a
    >`,
    args(argsOf(entry), request, 70),
    entry.retried_at === undefined ? '' : badge('retried', 'plain'),
  ]
}

/** To the pages that count what matches first. */
function bulkLinks({ user }: PageRequest, given: GivenFilter): Html | string {
  if (user.role !== 'operator') return ''
  return html`<a class="button" href="${address('bulk', { ...given, do: 'retry' })}">Retry all matching…</a>
    <a class="button" href="${address('bulk', { ...given, do: 'remove' })}">Remove all matching…</a>`
}

async function groups(
  request: PageRequest,
  filter: FailedFilter,
  given: GivenFilter,
): Promise<{ body: Html; missing: string[] }> {
  const { found, missing } = await readParts({ found: () => failedGroups(contextOf(request), filter, groupSearch) })
  const body = section(
    plural(found?.groups.length ?? 0, 'group'),
    html`${groupTable(request, (found?.groups ?? []).slice(0, shownGroups), 'No failed job matches.', given)}
    ${groupedOf(found)}`,
  )
  return { body, missing }
}

/** Entries that are grouped: a page with groups, too, comes back in less than 200 ms. */
export const groupSearch = { most: 2000, mostMs: searchMs }

/** Which entries are grouped, where it is not all of them. */
export const groupedOf = (found: { looked: number; total: number } | undefined): Html | string =>
  found && found.looked < found.total
    ? html`<p class="hint">Groups of the newest ${count(found.looked)} of ${count(found.total)} entries.</p>`
    : ''

/** Groups with a link to their jobs, and one to retry them all. */
export function groupTable(
  request: PageRequest,
  found: readonly FailedGroup[],
  none: string,
  given: GivenFilter = {},
): Html {
  return table(
    'Failed jobs by class, cause and error',
    ['Jobs#', 'Class', 'Cause', 'Error', 'First seen', 'Last seen', ''],
    found.map((group) => {
      const only = { ...given, class: group.class, cause: group.cause ?? 'exception', error: group.exception }
      return [
        html`<a href="${address('failed', only)}">${count(group.count)}</a>`,
        code(group.class),
        badge(String(group.cause ?? 'exception'), 'bad'),
        html`<span class="clamp"
          ><strong>${shown(String(group.exception), 60)}</strong> ${short(group.error, 120)}</span
        >`,
        time(group.firstSeenMs, request.nowMs),
        time(group.lastSeenMs, request.nowMs),
        request.user.role === 'operator'
          ? html`<a class="button" href="${address('bulk', { ...only, do: 'retry' })}">Retry…</a>`
          : '',
      ]
    }),
    none,
  )
}

const failureAddress = ({ index, digest }: FailedEntry): string => address('failure', { at: index, digest })

export const causeBadge = ({ cause }: FailedEntry): Html => badge(String(cause ?? 'exception'), 'bad')

/** The exact text of the arguments, or of the whole payload where it has none. */
export function argsOf({ payload }: FailedEntry): string {
  return payload.startsWith('{') ? (rawMembers(payload).get('args') ?? payload) : payload
}

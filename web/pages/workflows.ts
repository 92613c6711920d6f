import { html } from 'hono/html'
import { runPage, type RunFilter, type RunRow } from '../../runtime/inspect/runs.ts'
import { readParts } from '../deadline.ts'
import { bar, choice, code, field, filters, pager, runLink, section, state, table, time } from '../view/parts.ts'
import { count, span } from '../view/text.ts'
import { address, type Html, type Page, type Query, type PageRequest } from '../request.ts'
import { plural } from '../../runtime/core/plural.ts'

const statuses = ['pending', 'running', 'finished', 'failed', 'stopped'] as const
const pageSize = 50

/** The filter of an address or a form. @throws BadInput */
export function filterOf(query: Query): { class?: string; status?: (typeof statuses)[number] } {
  const [name, status] = [query.text('class'), query.oneOf('status', statuses)]
  return { ...(name === undefined ? {} : { class: name }), ...(status ? { status } : {}) }
}

/** Runs, newest first. */
export async function workflowsPage(request: PageRequest): Promise<Page> {
  const by = filterOf(request.query)
  const from = request.query.whole('from', 0)
  const { page, missing } = await readParts({ page: () => runPage(request, by, { from, count: pageSize }) })
  const rows = (page?.runs ?? []).map((run) => [
    runLink(run.id),
    code(run.class),
    state(run.status),
    progressOf(run),
    run.counts.failed ? html`<strong class="bad">${count(run.counts.failed)}</strong>` : 0,
    time(run.createdAt, request.nowMs),
    tookOf(run, request.nowMs),
  ])
  const form = filters(
    'workflows',
    [field('class', 'Class', by.class), choice('status', 'Status', statuses, by.status)],
    Object.keys(by).length > 0,
  )
  const total = page?.total
  const body = html`${form}
  ${section(
    total === undefined ? 'Runs' : `${total.isExact ? '' : 'More than '}${plural(total.count, 'run')}`,
    html`${table('Workflow runs', ['Run', 'Class', 'Status', 'Steps', 'Failed#', 'Created', 'Took#'], rows, 'No run matches.')}
    ${pager('workflows', by, { from, shown: rows.length, hasMore: rows.length === pageSize, size: pageSize })}`,
    total?.count === 0 ? '' : bulkLinks(request, by),
  )}`
  return { title: 'Workflows', body, missing, refreshMs: 5000 }
}

/** To the pages that count what matches first: what fits the status that is asked for. */
function bulkLinks({ user }: PageRequest, by: RunFilter): Html | string {
  if (user.role !== 'operator') return ''
  const verbs = [
    ...(['failed', 'stopped', undefined].includes(by.status) ? ['continue'] : []),
    ...(['pending', 'running', undefined].includes(by.status) ? ['stop'] : []),
    ...(by.status === 'running' ? [] : ['remove']),
  ]
  return html`${verbs.map((verb) => html`<a class="button" href="${address('bulk', { ...by, of: 'runs', do: verb })}">${verb.replace(/^./, (first) => first.toUpperCase())} all matching…</a> `)}`
}

/** How many steps are done of how many. */
export function progressOf({ counts, done, total }: RunRow): Html {
  return html`${bar(total === 0 ? 1 : done / total, counts.failed ? 'bad' : 'good')}
    <small>${count(done)} of ${count(total)}</small>`
}

export const tookOf = ({ startedAt, endedAt }: Pick<RunRow, 'startedAt' | 'endedAt'>, nowMs: number): string =>
  startedAt === undefined ? '–' : span(Math.max(0, (endedAt ?? nowMs) - startedAt))

import { html } from 'hono/html'
import type { RunRecord } from '../../runtime/store/runs/run-reader.ts'
import { gather } from '../gather.ts'
import { bar, choice, code, field, filters, pager, runLink, section, state, table, time } from '../view/parts.ts'
import { count, span } from '../view/text.ts'
import type { Html, Page, Visit } from '../visit.ts'

const statuses = ['pending', 'running', 'finished', 'failed', 'stopped'] as const
const pageSize = 50

/** Runs, newest first. */
export async function workflowsPage(visit: Visit): Promise<Page> {
  const [name, status, from] = [
    visit.query.text('class'),
    visit.query.oneOf('status', statuses),
    visit.query.whole('from', 0),
  ]
  const by = { ...(name === undefined ? {} : { class: name }), ...(status ? { status } : {}) }
  const { read } = visit.store.runs
  const { runs, counted, missing } = await gather({
    runs: () => read.list({ ...by, from, to: from + pageSize - 1, order: 'desc' }),
    counted: () => read.count(by),
  })
  const total = counted?.count
  const rows = (runs ?? []).map((run) => [
    runLink(run.id),
    code(run.class),
    state(run.status),
    progressOf(run),
    run.counts.failed ? html`<strong class="bad">${count(run.counts.failed)}</strong>` : 0,
    time(run.createdAt, visit.nowMs),
    tookOf(run, visit.nowMs),
  ])
  const body = html`${filters('workflows', [field('class', 'Class', name), choice('status', 'Status', statuses, status)], name !== undefined || status !== undefined)}
  ${section(
    total === undefined ? 'Runs' : `${count(total)} runs`,
    html`${table('Workflow runs', ['Run', 'Class', 'Status', 'Steps', 'Failed#', 'Created', 'Took#'], rows, 'No run matches.')}
    ${pager('workflows', { class: name, status }, { from, shown: rows.length, total, size: pageSize })}`,
  )}`
  return { title: 'Workflows', body, missing, refreshMs: 5000 }
}

/** How many steps are done of how many. */
export function progressOf({ counts, total }: RunRecord): Html {
  const done = (counts.finished ?? 0) + (counts.skipped ?? 0)
  return html`${bar(total === 0 ? 1 : done / total, counts.failed ? 'bad' : 'good')}
    <small>${count(done)} of ${count(total)}</small>`
}

export const tookOf = ({ startedAt, endedAt }: RunRecord, nowMs: number): string =>
  startedAt === undefined ? '–' : span(Math.max(0, (endedAt ?? nowMs) - startedAt))

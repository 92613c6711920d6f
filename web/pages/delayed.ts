import { html } from 'hono/html'
import {
  delayedName,
  delayedPage as readDelayed,
  findDelayed,
  type DelayedFilter,
} from '../../runtime/inspect/delayed.ts'
import { countDelayedJobs, type DelayedJob } from '../../runtime/store/queues/delayed-pages.ts'
import { readParts, searchMs, withinDeadline } from '../deadline.ts'
import { args, badge, code, field, filters, hidden, jobLink, queueLink, section, table, time } from '../view/parts.ts'
import {
  address,
  BadInput,
  contextOf,
  type Done,
  type Html,
  type Page,
  type Query,
  type PageRequest,
} from '../request.ts'
import { plural } from '../../runtime/core/plural.ts'

const pageSize = 100
/** Counting stops here. */
const mostCounted = 50_000
const lateMs = 10_000

const filterNames = ['class', 'queue', 'text'] as const

/** The filter of an address or a form. @throws BadInput */
export function filterOf(query: Query): { given: Record<string, string>; filter: DelayedFilter } {
  const given = Object.fromEntries(
    filterNames.map((name) => [name, query.text(name)] as const).filter(([, value]) => value !== undefined),
  ) as Record<string, string>
  return { given, filter: given }
}

/** Delayed jobs, the earliest first. */
export async function delayedPage(request: PageRequest): Promise<Page> {
  const { query, store, nowMs, user } = request
  const { given, filter } = filterOf(query)
  const after = query.text('after', 60)
  const { found, total, missing } = await readParts({
    found: () =>
      readDelayed(contextOf(request), filter, {
        count: pageSize,
        mostMs: searchMs,
        cursor: after,
      }),
    total: () => countDelayedJobs(store.connection, mostCounted),
  })
  const jobs = found?.jobs ?? []
  const rows = jobs.map((job) => [
    html`${time(job.dueMs, nowMs)} ${job.dueMs < nowMs - lateMs ? badge('overdue', 'bad') : ''}`,
    job.className === undefined ? '?' : code(job.className),
    job.queue === undefined ? '?' : queueLink(job.queue),
    args(job.className === undefined ? job.bytes : job.args, request, 100),
    job.id === undefined ? '' : jobLink(job.id),
    actions(request, job),
  ])
  const form = filters(
    'delayed',
    [
      field('class', 'Class', given['class']),
      field('queue', 'Queue', given['queue']),
      field('text', 'Text', given['text'], 'contains'),
    ],
    Object.keys(given).length > 0,
  )
  const all = (verb: string, name: string): Html =>
    html`<a class="button" href="${address('bulk', { ...given, of: 'delayed', do: verb })}">${name} all matching…</a>`
  const next = found?.next
  const body = html`${form}
  ${section(
    total === undefined ? 'Delayed' : `${total.isExact ? '' : 'More than '}${plural(total.count, 'delayed job')}`,
    html`${table('Delayed jobs', ['Due', 'Class', 'Queue', 'Arguments', 'Job', ''], rows, next === undefined ? 'No delayed job matches.' : 'None of the jobs searched so far matches.')}
      <nav class="pager" aria-label="Parts of the list">
        ${after === undefined ? '' : html`<a class="button" rel="prev" href="${address('delayed', given)}">Earliest</a>`}
        ${found && next !== undefined && jobs.length < pageSize ? html`<span>Searched ${plural(found.looked, 'job')} so far; continue with Later.</span>` : ''}
        ${next === undefined ? '' : html`<a class="button" rel="next" href="${address('delayed', { ...given, after: next })}">Later</a>`}
      </nav>`,
    user.role === 'operator' && total?.count !== 0 ? html`${all('run', 'Run')} ${all('remove', 'Remove')}` : '',
  )}`
  return { title: 'Delayed jobs', body, missing, refreshMs: 5000 }
}

function actions(request: PageRequest, job: DelayedJob): Html | string {
  if (request.user.role !== 'operator') return ''
  const fields = hidden(request, { id: delayedName(job) })
  return html`<form method="post" action="delayed-change" class="inline">
    ${fields}${job.queue === undefined ? '' : html`<button name="do" value="run">Run now</button> `}<button
      name="do"
      value="remove"
    >
      Remove
    </button>
  </form>`
}

/** Removes a delayed job, or moves it to its queue now. */
export async function changeDelayed(request: PageRequest, form: Query): Promise<Done> {
  const { store, nowMs, settings } = request
  const change = form.oneOf('do', ['run', 'remove'] as const)
  if (change === undefined) throw new BadInput('do: expected run or remove')
  const { limits } = settings.config
  const job = await withinDeadline(findDelayed(contextOf(request), form.needed('id', 100)))
  if (change === 'remove') {
    if ((await withinDeadline(store.delayed.removeOne(job, nowMs, limits.recordTtlMs))) === 0)
      throw new BadInput('This job is no longer delayed.')
    return { note: 'Removed the delayed job.' }
  }
  const { className, queue } = job
  if (className === undefined || queue === undefined)
    throw new BadInput('This job cannot run: its payload has no class or no queue.')
  const moved = await withinDeadline(store.delayed.runOne({ ...job, className, queue }, nowMs, limits.waitingTtlMs))
  if (moved === 0) throw new BadInput('This job is no longer delayed.')
  return {
    note: `Moved 1 delayed job of ${className} to queue ${queue}.`,
  }
}

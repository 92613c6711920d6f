import { html } from 'hono/html'
import { delayedPage as readDelayed, type DelayedFilter } from '../../runtime/inspect/delayed.ts'
import { countDelayedJobs, delayedJobs, type DelayedJob } from '../../runtime/store/queues/delayed-pages.ts'
import { gather, searchMs, within } from '../gather.ts'
import { args, badge, code, field, filters, hidden, jobLink, queueLink, section, table, time } from '../view/parts.ts'
import { count, many } from '../view/text.ts'
import { address, BadInput, contextOf, type Done, type Html, type Page, type Query, type Visit } from '../visit.ts'
import { digestOf } from './queues.ts'

const pageSize = 100
/** Counting stops here. */
const mostCounted = 50_000
/** Jobs due at the same moment among which one is looked for. */
const mostLooked = 5000
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
export async function delayedPage(visit: Visit): Promise<Page> {
  const { query, store, nowMs, user } = visit
  const { given, filter } = filterOf(query)
  const after = query.text('after', 60)
  const { found, total, missing } = await gather({
    found: () =>
      readDelayed(contextOf(visit), filter, {
        count: pageSize,
        mostMs: searchMs,
        ...(after === undefined ? {} : { cursor: after }),
      }),
    total: () => countDelayedJobs(store.connection, mostCounted),
  })
  const jobs = found?.jobs ?? []
  const rows = jobs.map((job) => [
    html`${time(job.dueMs, nowMs)} ${job.dueMs < nowMs - lateMs ? badge('overdue', 'bad') : ''}`,
    job.className === undefined ? '?' : code(job.className),
    job.queue === undefined ? '?' : queueLink(job.queue),
    args(job.className === undefined ? job.bytes : job.args, visit, 100),
    job.id === undefined ? '' : jobLink(job.id),
    actions(visit, job),
  ])
  const form = filters(
    'delayed',
    [
      field('class', 'Class', given['class']),
      field('queue', 'Queue', given['queue']),
      field('text', 'Text', given['text'], 'part of it'),
    ],
    Object.keys(given).length > 0,
  )
  const all = (verb: string, name: string): Html =>
    html`<a class="button" href="${address('bulk', { ...given, of: 'delayed', do: verb })}">${name} all that match…</a>`
  const next = found?.next
  const body = html`${form}
  ${section(
    total === undefined ? 'Delayed' : `${total.isExact ? '' : 'More than '}${many(total.count, 'delayed job')}`,
    html`${table('Delayed jobs', ['Due', 'Class', 'Queue', 'Arguments', 'Job', ''], rows, next === undefined ? 'No delayed job matches.' : 'No delayed job matches among those that were looked at.')}
      <nav class="pager" aria-label="Parts of the list">
        ${after === undefined ? '' : html`<a class="button" rel="prev" href="${address('delayed', given)}">Earliest</a>`}
        ${found && next !== undefined && jobs.length < pageSize ? html`<span>Looked at ${count(found.looked)} jobs; go on with Later.</span>` : ''}
        ${next === undefined ? '' : html`<a class="button" rel="next" href="${address('delayed', { ...given, after: next })}">Later</a>`}
      </nav>`,
    user.role === 'operator' && total?.count !== 0 ? html`${all('run', 'Run')} ${all('remove', 'Remove')}` : '',
  )}`
  return { title: 'Delayed jobs', body, missing, refreshMs: 5000 }
}

function actions(visit: Visit, { id, bytes, dueMs, queue }: DelayedJob): Html | string {
  if (visit.user.role !== 'operator') return ''
  const fields = hidden(visit, { id, digest: digestOf(bytes), due: dueMs })
  return html`<form method="post" action="delayed-change" class="inline">
    ${fields}${queue === undefined ? '' : html`<button name="do" value="run">Run now</button> `}<button
      name="do"
      value="remove"
    >
      Remove
    </button>
  </form>`
}

/** The job that a form names by its digest and when it is due. */
async function findDelayed({ store }: Visit, form: Query): Promise<DelayedJob> {
  const [digest, dueMs, id] = [form.needed('digest', 40), form.whole('due', 0, 8.64e15), form.text('id', 100)]
  const { jobs } = await within(delayedJobs(store.connection, { dueMs, inSet: 0, inBucket: 0 }, mostLooked))
  const found = jobs.find(
    (job) => job.dueMs === dueMs && (id === undefined || job.id === id) && digestOf(job.bytes) === digest,
  )
  if (found) return found
  throw new BadInput('This job is no longer delayed.')
}

/** Removes a delayed job, or moves it to its queue now. */
export async function changeDelayed(visit: Visit, form: Query): Promise<Done> {
  const { store, nowMs, settings } = visit
  const change = form.oneOf('do', ['run', 'remove'] as const)
  if (change === undefined) throw new BadInput('do: expected run or remove')
  const { limits } = settings.config
  const job = await findDelayed(visit, form)
  if (change === 'remove') {
    if ((await within(store.delayed.removeOne(job, nowMs, limits.recordTtlMs))) === 0)
      throw new BadInput('This job is no longer delayed.')
    return { note: 'Removed a delayed job.' }
  }
  const { className, queue } = job
  if (className === undefined || queue === undefined)
    throw new BadInput('This job cannot run: it names no class or no queue.')
  const moved = await within(store.delayed.runOne({ ...job, className, queue }, nowMs, limits.waitingTtlMs))
  if (moved === 0) throw new BadInput('This job is no longer delayed.')
  return {
    note: `Moved ${moved === 1 ? 'a delayed job' : `${moved} delayed jobs with the same arguments`} of ${className} to the queue.`,
  }
}

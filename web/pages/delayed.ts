import { html } from 'hono/html'
import type { DelayedJob } from '../../runtime/store/queues/delayed-forms.ts'
import { gather, within } from '../gather.ts'
import { args, code, field, filters, hidden, jobLink, queueLink, section, table, time } from '../view/parts.ts'
import { count } from '../view/text.ts'
import { digestOf } from './queues.ts'
import { BadInput, type Done, type Html, type Page, type Query, type Visit } from '../visit.ts'

const shownJobs = 100
/** Jobs that a filter looks at. */
const mostLooked = 5000

/** Delayed jobs, the earliest first. */
export async function delayedPage(visit: Visit): Promise<Page> {
  const [className, queue] = [visit.query.text('class'), visit.query.text('queue')]
  const { found, total, missing } = await gather({
    found: () => earliest(visit, className, queue),
    total: () => visit.store.delayed.count(),
  })
  const rows = (found ?? []).map((job) => [
    time(job.dueMs, visit.nowMs),
    job.className === undefined ? '?' : code(job.className),
    job.queue === undefined ? '?' : queueLink(job.queue),
    args(job.className === undefined ? job.bytes : job.args, visit, 100),
    job.id === undefined ? '' : jobLink(job.id),
    actions(visit, job),
  ])
  const body = html`${filters('delayed', [field('class', 'Class', className), field('queue', 'Queue', queue)], className !== undefined || queue !== undefined)}
  ${section(
    total === undefined ? 'Delayed' : `${count(total)} delayed jobs`,
    html`${table('Delayed jobs', ['Due', 'Class', 'Queue', 'Arguments', 'Job', ''], rows, 'No delayed job matches.')}
    ${rows.length === shownJobs ? html`<p class="hint">The first ${shownJobs}. A filter by class or queue shows others.</p>` : ''}`,
  )}`
  return { title: 'Delayed jobs', body, missing, refreshMs: 5000 }
}

/** Both places where delayed jobs lie, merged by time; each is read as far as the page needs. */
async function earliest({ store }: Visit, className?: string, queue?: string): Promise<DelayedJob[]> {
  const found: DelayedJob[] = []
  let looked = 0
  for await (const job of store.delayed.all()) {
    looked += 1
    if ((className === undefined || job.className === className) && (queue === undefined || job.queue === queue))
      found.push(job)
    if (found.length >= 2 * shownJobs || looked >= mostLooked) break
  }
  return found.sort((a, b) => a.dueMs - b.dueMs).slice(0, shownJobs)
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
  const [digest, dueMs] = [form.needed('digest', 40), form.whole('due', 0, Number.MAX_SAFE_INTEGER)]
  let looked = 0
  for await (const job of store.delayed.all()) {
    if (job.dueMs === dueMs && digestOf(job.bytes) === digest) return job
    if ((looked += 1) > mostLooked) break
  }
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
  const { className, args: own, queue } = job
  if (className === undefined || queue === undefined)
    throw new BadInput('This job cannot run: it names no class or no queue.')
  const item = `{"class":${JSON.stringify(className)},"args":${own}}`
  const moved = await store.delayed.enqueueNow({ className, item, queue }, nowMs, limits.waitingTtlMs)
  if (moved === 0) throw new BadInput('This job is no longer delayed.')
  return {
    note: `Moved ${moved === 1 ? 'a delayed job' : `${moved} delayed jobs with the same arguments`} of ${className} to the queue.`,
  }
}

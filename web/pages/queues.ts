import { html } from 'hono/html'
import { recentlyEnded } from '../../runtime/inspect/history.ts'
import * as changes from '../../runtime/inspect/changes/queues.ts'
import { queuePage as readQueue, queueRows, type WaitingJob } from '../../runtime/inspect/queues.ts'
import { readParts, withinDeadline } from '../deadline.ts'
import {
  args,
  badge,
  button,
  carefulButton,
  code,
  facts,
  field,
  lasting,
  pager,
  section,
  table,
} from '../view/parts.ts'
import { byAge, queueCells, queueColumns, targetsOf } from '../view/queue-rows.ts'
import { count } from '../view/text.ts'
import { NotFound, contextOf, type Done, type Html, type Page, type Query, type PageRequest } from '../request.ts'
import { plural } from '../../runtime/core/plural.ts'

const pageSize = 50

/** All queues, the oldest job first. */
export async function queuesPage(request: PageRequest): Promise<Page> {
  const place = contextOf(request)
  const { found, ended, missing } = await readParts({
    found: () => queueRows(place),
    ended: () => recentlyEnded(place, request.nowMs),
  })
  const targets = targetsOf(request)
  const rows = byAge(found?.queues ?? [])
  const body = html`${
    found?.pausedAll
      ? html`<p class="problem" role="alert">
          All workers are paused: the key <code>pause-all-workers</code> is set. To resume them, use the button below or
          <code>runtime queues resume --all</code>.
        </p>`
      : ''
  }
  ${section(
    plural(rows.length, 'queue'),
    table(
      'Queues',
      [...queueColumns, ''],
      rows.map((queue) => [...queueCells(queue, ended, targets), switchButton(request, queue.name, queue.paused)]),
      'No queue has had a job yet.',
    ),
    found === undefined
      ? ''
      : found.pausedAll
        ? button(request, 'all-resume', 'Resume all workers', {}, 'main')
        : carefulButton(
            request,
            'all-pause',
            'Pause all workers',
            'No worker starts a job until you resume them. Running jobs continue.',
          ),
  )}`
  return { title: 'Queues', body, missing, refreshMs: 5000 }
}

const switchButton = (request: PageRequest, name: string, isPaused: boolean): Html | string =>
  isPaused ? button(request, 'queue-resume', 'Resume', { name }) : button(request, 'queue-pause', 'Pause', { name })

/** One queue: what waits in it, head first. */
export async function queuePage(request: PageRequest): Promise<Page> {
  const name = request.query.needed('name')
  const from = request.query.whole('from', 0)
  const place = contextOf(request)
  const { all, page, missing } = await readParts({
    all: () => queueRows(place),
    page: () => readQueue(place, name, from, pageSize),
  })
  const queue = all?.queues.find((each) => each.name === name)
  if (all && !queue) throw new NotFound(`There is no queue ${name}.`)
  const jobs = page?.jobs ?? []
  const rows = jobs.map((job) => [
    count(job.at),
    ...itemCells(request, job),
    // Named by its place and its digest: the payload itself, secrets and all, is in no form.
    button(request, 'queue-remove', 'Remove', { name, at: job.at, digest: job.digest }),
  ])
  const { size, oldestMs, paused = false, workers } = queue ?? {}
  const buttons = html`${queue ? (paused ? badge('paused', 'warn') : badge('open', 'good')) : badge('unknown')}
  ${switchButton(request, name, paused)}
  ${carefulButton(request, 'queue-clear', 'Clear', `${size === undefined ? 'All waiting jobs' : plural(size, 'waiting job')} will be cancelled, and queue ${name} removed.`, { name })}`
  const body = section(
    size === undefined ? 'Waiting' : `${count(size)} waiting`,
    html`${facts([
      ['Oldest job waits', size === 0 ? 'no job waits' : oldestMs === undefined ? 'unknown' : lasting(oldestMs)],
      ['Workers', workers === 0 ? html`<strong class="bad">no worker serves it</strong>` : workers],
    ])}
    ${table(`Jobs in ${name}`, ['Position#', 'Class', 'Arguments', ''], rows, 'This queue is empty.')}
    ${pager('queue', { name }, { from, shown: rows.length, total: page?.total, hasMore: page?.next !== undefined, size: pageSize })}
    ${removeForm(request, name)}`,
    buttons,
  )
  return { title: `Queue ${name}`, body, missing, refreshMs: 5000 }
}

/** To the page that counts what matches first. */
function removeForm({ user }: PageRequest, name: string): Html | string {
  if (user.role !== 'operator') return ''
  return html`<form method="get" action="bulk" class="filters">
    <input type="hidden" name="of" value="queue" /><input type="hidden" name="do" value="remove" /><input
      type="hidden"
      name="name"
      value="${name}"
    />${field('class', 'Class', undefined)}${field('text', 'Text', undefined, 'contains')}<button>
      Remove all matching…
    </button>
  </form>`
}

function itemCells(request: PageRequest, { className, args: text }: WaitingJob): [Html, Html] {
  return [className === undefined ? badge('unreadable', 'bad') : code(className), args(text, request)]
}

/** Pauses a queue on all workers. */
export async function pauseQueue(request: PageRequest, form: Query): Promise<Done> {
  const name = form.needed('name')
  await withinDeadline(changes.pauseQueue(contextOf(request), name))
  return { note: `Paused queue ${name}.` }
}

/** Resumes a paused queue. */
export async function resumeQueue(request: PageRequest, form: Query): Promise<Done> {
  const name = form.needed('name')
  await withinDeadline(changes.resumeQueue(contextOf(request), name))
  return { note: `Resumed queue ${name}.` }
}

/** Pauses all workers, those of Ruby included. */
export async function pauseAll(request: PageRequest): Promise<Done> {
  await withinDeadline(changes.setAllPaused(contextOf(request), true))
  return { note: 'Paused all workers.' }
}

/** Lets all workers take jobs again. */
export async function resumeAll(request: PageRequest): Promise<Done> {
  await withinDeadline(changes.setAllPaused(contextOf(request), false))
  return { note: 'Resumed all workers.' }
}

/** Removes a queue; its jobs end as cancelled. */
export async function clearQueue(request: PageRequest, form: Query): Promise<Done> {
  const name = form.needed('name')
  const cancelled = await changes.clearQueue(contextOf(request), name)
  return { note: `Cleared queue ${name} and cancelled ${plural(cancelled, 'job')}.`, to: 'queues' }
}

/** Removes one waiting job. */
export async function removeItem(request: PageRequest, form: Query): Promise<Done> {
  const [name, digest, at] = [form.needed('name'), form.needed('digest', 40), form.whole('at', 0)]
  const removed = await withinDeadline(changes.removeWaitingJob(contextOf(request), name, { at, digest }))
  return { note: `Removed ${plural(removed, 'job')} from queue ${name}.` }
}

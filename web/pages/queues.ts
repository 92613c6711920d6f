import { createHash } from 'node:crypto'
import { html } from 'hono/html'
import { recentlyEnded } from '../../runtime/inspect/history.ts'
import { queuePage as readQueue, queueRows, type WaitingJob } from '../../runtime/inspect/queues.ts'
import { gather, within } from '../gather.ts'
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
import { count, many } from '../view/text.ts'
import { BadInput, Gone, contextOf, type Done, type Html, type Page, type Query, type Visit } from '../visit.ts'

const pageSize = 50
/** Jobs before a job's place among which it is looked for. */
const lookedBefore = 1000

/** All queues, the oldest job first. */
export async function queuesPage(visit: Visit): Promise<Page> {
  const place = contextOf(visit)
  const { found, ended, missing } = await gather({
    found: () => queueRows(place),
    ended: () => recentlyEnded(place, visit.nowMs),
  })
  const targets = targetsOf(visit)
  const rows = byAge(found?.queues ?? [])
  const body = html`${
    found?.pausedAll
      ? html`<p class="problem" role="alert">
          All workers are paused: <code>pause-all-workers</code> is set. <code>runtime queues resume --all</code> lifts
          it.
        </p>`
      : ''
  }
  ${section(
    many(rows.length, 'queue'),
    table(
      'Queues',
      [...queueColumns, ''],
      rows.map((queue) => [...queueCells(queue, ended, targets), switchButton(visit, queue.name, queue.paused)]),
      'No job was ever put on a queue here.',
    ),
    found === undefined
      ? ''
      : found.pausedAll
        ? button(visit, 'all-resume', 'Resume all workers', {}, 'main')
        : carefulButton(
            visit,
            'all-pause',
            'Pause all workers',
            'No worker takes a job until you resume them. Jobs that run go on.',
          ),
  )}`
  return { title: 'Queues', body, missing, refreshMs: 5000 }
}

const switchButton = (visit: Visit, name: string, isPaused: boolean): Html | string =>
  isPaused ? button(visit, 'queue-resume', 'Resume', { name }) : button(visit, 'queue-pause', 'Pause', { name })

/** One queue: what waits in it, head first. */
export async function queuePage(visit: Visit): Promise<Page> {
  const name = visit.query.needed('name')
  const from = visit.query.whole('from', 0)
  const place = contextOf(visit)
  const { all, page, missing } = await gather({
    all: () => queueRows(place),
    page: () => readQueue(place, name, from, pageSize),
  })
  const queue = all?.queues.find((each) => each.name === name)
  if (all && !queue) throw new Gone(`There is no queue ${name}.`)
  const jobs = page?.jobs ?? []
  const rows = jobs.map((job) => [
    count(job.at),
    ...itemCells(visit, job),
    // Named by its place and its digest: the payload itself, secrets and all, is in no form.
    button(visit, 'queue-remove', 'Remove', { name, at: job.at, digest: job.digest }),
  ])
  const { size, oldestMs, paused = false, workers } = queue ?? {}
  const buttons = html`${queue ? (paused ? badge('paused', 'warn') : badge('open', 'good')) : badge('unknown')}
  ${switchButton(visit, name, paused)}
  ${carefulButton(visit, 'queue-clear', 'Clear', `Cancel the ${size === undefined ? '' : count(size)} jobs that wait in ${name}, and remove the queue?`, { name })}`
  const body = section(
    size === undefined ? 'Waiting' : `${count(size)} waiting`,
    html`${facts([
      ['Oldest waits', size === 0 ? 'nothing waits' : oldestMs === undefined ? 'unknown' : lasting(oldestMs)],
      ['Workers', workers === 0 ? html`<strong class="bad">none serves it</strong>` : workers],
    ])}
    ${table(`Jobs in ${name}`, ['Place#', 'Class', 'Arguments', ''], rows, 'Nothing waits here.')}
    ${pager('queue', { name }, { from, shown: rows.length, total: page?.total, hasMore: page?.next !== undefined, size: pageSize })}
    ${removeForm(visit, name)}`,
    buttons,
  )
  return { title: `Queue ${name}`, body, missing, refreshMs: 5000 }
}

/** To the page that counts what matches first. */
function removeForm({ user }: Visit, name: string): Html | string {
  if (user.role !== 'operator') return ''
  return html`<form method="get" action="bulk" class="filters">
    <input type="hidden" name="of" value="queue" /><input type="hidden" name="do" value="remove" /><input
      type="hidden"
      name="name"
      value="${name}"
    />${field('class', 'Class', undefined)}${field('text', 'Text', undefined, 'part of it')}<button>
      Remove all that match…
    </button>
  </form>`
}

function itemCells(visit: Visit, { className, args: text }: WaitingJob): [Html, Html] {
  return [className === undefined ? badge('unreadable', 'bad') : code(className), args(text, visit)]
}

export const digestOf = (item: string): string => createHash('sha1').update(item).digest('hex')

/** Pauses a queue on all workers. */
export async function pauseQueue({ store }: Visit, form: Query): Promise<Done> {
  const name = form.needed('name')
  await within(store.queues.setPaused(name, true))
  return { note: `Paused queue ${name}.` }
}

/** Resumes a paused queue. */
export async function resumeQueue({ store }: Visit, form: Query): Promise<Done> {
  const name = form.needed('name')
  await within(store.queues.setPaused(name, false))
  return { note: `Resumed queue ${name}.` }
}

/** Pauses all workers, those of Ruby included. */
export async function pauseAll({ store }: Visit): Promise<Done> {
  await within(store.queues.setPausedAll(true))
  return { note: 'Paused all workers.' }
}

/** Lets all workers take jobs again. */
export async function resumeAll({ store }: Visit): Promise<Done> {
  await within(store.queues.setPausedAll(false))
  return { note: 'Resumed all workers.' }
}

/** Removes a queue; its jobs end as cancelled. */
export async function clearQueue({ store, nowMs, settings }: Visit, form: Query): Promise<Done> {
  const name = form.needed('name')
  const removed = await store.queues.remove(name, nowMs, settings.config.limits.recordTtlMs)
  return { note: `Cleared queue ${name}: ${count(removed)} jobs were cancelled.`, to: 'queues' }
}

/** Removes one waiting job. It is looked for at its place and before it, where it moves as workers take others. */
export async function removeItem({ store, nowMs, settings }: Visit, form: Query): Promise<Done> {
  const [name, digest, at] = [form.needed('name'), form.needed('digest', 40), form.whole('at', 0)]
  const from = Math.max(0, at - lookedBefore)
  const items = await within(store.queues.peek(name, from, at - from + 1))
  const item = items.reverse().find((each) => digestOf(each) === digest)
  const removed =
    item === undefined ? 0 : await store.queues.removeItem(name, item, nowMs, settings.config.limits.recordTtlMs)
  if (removed === 0) throw new BadInput(`This job no longer waits in ${name}: a worker has taken it.`)
  return { note: `Removed ${removed === 1 ? 'a job' : `${removed} jobs with these arguments`} from queue ${name}.` }
}

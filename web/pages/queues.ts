import { createHash } from 'node:crypto'
import { html } from 'hono/html'
import { decodeItem } from '../../runtime/core/codec.ts'
import { gather, within } from '../gather.ts'
import { args, badge, button, carefulButton, code, pager, queueLink, section, table } from '../view/parts.ts'
import { count } from '../view/text.ts'
import { BadInput, Gone, type Done, type Html, type Page, type Query, type Visit } from '../visit.ts'

const pageSize = 50
/** Jobs before a job's place among which it is looked for. */
const lookedBefore = 1000

/** All queues, the longest first. */
export async function queuesPage(visit: Visit): Promise<Page> {
  const { queues } = visit.store
  const { sizes, paused, missing } = await gather({ sizes: () => queues.sizes(), paused: () => queues.paused() })
  const rows = [...(sizes ?? [])].sort(([, a], [, b]) => b - a)
  const body = section(
    `${count(rows.length)} queues`,
    table(
      'Queues',
      ['Queue', 'Waiting#', 'State', ''],
      rows.map(([name, size]) => [
        queueLink(name),
        count(size),
        stateOf(name, paused),
        switchButton(visit, name, paused),
      ]),
      'No job was ever put on a queue here.',
    ),
  )
  return { title: 'Queues', body, missing, refreshMs: 5000 }
}

const stateOf = (name: string, paused: readonly string[] | undefined): Html | string =>
  paused === undefined ? 'unknown' : paused.includes(name) ? badge('paused', 'warn') : badge('open', 'good')

const switchButton = (visit: Visit, name: string, paused: readonly string[] = []): Html | string =>
  paused.includes(name)
    ? button(visit, 'queue-resume', 'Resume', { name })
    : button(visit, 'queue-pause', 'Pause', { name })

/** One queue: what waits in it, head first. */
export async function queuePage(visit: Visit): Promise<Page> {
  const name = visit.query.needed('name')
  const from = visit.query.whole('from', 0)
  const { queues } = visit.store
  const { sizes, paused, items, missing } = await gather({
    sizes: () => queues.sizes(),
    paused: () => queues.paused(),
    items: () => queues.peek(name, from, pageSize),
  })
  if (sizes && !sizes.has(name) && !paused?.includes(name)) throw new Gone(`There is no queue ${name}.`)
  const size = sizes?.get(name)
  const rows = (items ?? []).map((item, i) => [
    count(from + i),
    ...itemCells(visit, item),
    removeButton(visit, name, item, from + i),
  ])
  const buttons = html`${stateOf(name, paused)} ${switchButton(visit, name, paused)}
  ${carefulButton(visit, 'queue-clear', 'Clear', `Cancel the ${size === undefined ? '' : count(size)} jobs that wait in ${name}, and remove the queue?`, { name })}`
  const body = section(
    size === undefined ? 'Waiting' : `${count(size)} waiting`,
    html`${table(`Jobs in ${name}`, ['Place#', 'Class', 'Arguments', ''], rows, 'Nothing waits here.')}
    ${pager('queue', { name }, { from, shown: rows.length, total: size, size: pageSize })}`,
    buttons,
  )
  return { title: `Queue ${name}`, body, missing, refreshMs: 5000 }
}

function itemCells(visit: Visit, item: string): [Html, Html] {
  const read = decodeItem(item)
  return 'garbage' in read
    ? [badge('unreadable', 'bad'), args(item, visit)]
    : [code(read.className), args(read.args, visit)]
}

/** The job is named by its place and its digest: the payload itself, secrets and all, is in no form. */
const removeButton = (visit: Visit, name: string, item: string, place: number): Html | string =>
  button(visit, 'queue-remove', 'Remove', { name, at: place, digest: digestOf(item) })

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

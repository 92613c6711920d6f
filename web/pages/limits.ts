import { html } from 'hono/html'
import {
  limitRows,
  lockPage,
  releaseLock,
  type LimitedJob,
  type LimitRow,
  type LockRow,
} from '../../runtime/inspect/limits.ts'
import { gather, within } from '../gather.ts'
import { badge, carefulButton, code, jobLink, section, state, table, time, type Cell } from '../view/parts.ts'
import { count, many, span } from '../view/text.ts'
import { address, contextOf, type Done, type Html, type Page, type Query, type Visit } from '../visit.ts'

const shownJobs = 5

/** Concurrency and rate limits, and unique locks: who holds them, and who waits. */
export async function limitsPage(visit: Visit): Promise<Page> {
  const cursor = visit.query.text('locks', 30)
  const place = contextOf(visit)
  const { limits, locks, missing } = await gather({
    limits: () => limitRows(place),
    locks: () => lockPage(place, cursor === undefined ? {} : { cursor }),
  })
  const total = limits?.total
  const body = html`${section(
    total === undefined ? 'Limits' : `${total.isExact ? '' : 'More than '}${many(total.count, 'limit')}`,
    table(
      'Limits',
      ['Limit', 'Kind', 'At most', 'Held#', 'Held by', 'Waiting#', 'Next in the line'],
      (limits?.limits ?? []).map((limit) => limitCells(limit, visit.nowMs)),
      'No job holds a concurrency slot, counts in a rate window, or waits for one.',
    ),
  )}
  ${section(
    'Unique locks',
    html`${table(
      'Unique locks',
      ['Lock', 'Held by', 'State', ''],
      (locks?.locks ?? []).map((lock) => lockCells(visit, lock)),
      'No job holds a unique lock.',
    )}
    ${locks?.next === undefined ? '' : html`<nav class="pager" aria-label="Parts of the list"><a class="button" rel="next" href="${address('limits', { locks: locks.next })}">More</a></nav>`}`,
  )}`
  return { title: 'Limits', body, missing, refreshMs: 5000 }
}

function limitCells({ kind, key, limit, perMs, holders, held, line, waiting }: LimitRow, nowMs: number): Cell[] {
  return [
    code(key),
    kind,
    limit === undefined ? 'unknown' : `${count(limit)}${perMs === undefined ? ' at a time' : ` in ${span(perMs)}`}`,
    count(held),
    jobs(holders, held, nowMs),
    count(waiting),
    jobs(line, waiting, nowMs),
  ]
}

const jobs = (some: readonly LimitedJob[], all: number, nowMs: number): Html | string =>
  some.length === 0
    ? 'no job'
    : html`${some
        .slice(0, shownJobs)
        .map(
          ({ id, class: name, sinceMs }) =>
            html`<div>
              ${name === undefined ? '' : code(name)} ${jobLink(id)}
              ${sinceMs === undefined ? '' : html`<small>${time(sinceMs, nowMs)}</small>`}
            </div>`,
        )}${all > shownJobs ? html`<small>and ${count(all - shownJobs)} more</small>` : ''}`

function lockCells(visit: Visit, { lock, holder, isStale }: LockRow): Cell[] {
  return [
    code(lock),
    html`${holder.class === undefined ? '' : code(holder.class)} ${jobLink(holder.id)}`,
    isStale ? badge('its job is gone', 'warn') : holder.state === undefined ? badge('unknown') : state(holder.state),
    // A lock whose job is there stays: a second job like it would run beside it.
    isStale
      ? carefulButton(
          visit,
          'lock-release',
          'Let go',
          'Its job is gone. The next job with this key can then be enqueued.',
          { lock },
        )
      : '',
  ]
}

/** Gives up a unique lock whose job is gone. */
export async function releaseLockOf(visit: Visit, form: Query): Promise<Done> {
  const lock = form.needed('lock')
  const job = await within(releaseLock(contextOf(visit), lock))
  return { note: `Let go the unique lock ${lock} of job ${job}, which is gone.` }
}

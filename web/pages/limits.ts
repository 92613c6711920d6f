import { html } from 'hono/html'
import {
  limitRows,
  lockPage,
  releaseLock,
  type LimitedJob,
  type LimitRow,
  type LockRow,
} from '../../runtime/inspect/limits.ts'
import { readParts, withinDeadline } from '../deadline.ts'
import { badge, carefulButton, code, jobLink, section, state, table, time, type Cell } from '../view/parts.ts'
import { count, span } from '../view/text.ts'
import { address, contextOf, type Done, type Html, type Page, type Query, type PageRequest } from '../request.ts'
import { plural } from '../../runtime/core/plural.ts'

const shownJobs = 5

/** Concurrency and rate limits, and unique locks: who holds them, and who waits. */
export async function limitsPage(request: PageRequest): Promise<Page> {
  const cursor = request.query.text('locks', 30)
  const place = contextOf(request)
  const { limits, locks, missing } = await readParts({
    limits: () => limitRows(place),
    locks: () => lockPage(place, { cursor }),
  })
  const total = limits?.total
  const body = html`${section(
    total === undefined ? 'Limits' : `${total.isExact ? '' : 'More than '}${plural(total.count, 'limit')}`,
    table(
      'Limits',
      ['Limit', 'Kind', 'At most', 'Held#', 'Held by', 'Waiting#', 'Next in line'],
      (limits?.limits ?? []).map((limit) => limitCells(limit, request.nowMs)),
      'No job holds a concurrency slot, counts towards a rate limit, or waits for one.',
    ),
  )}
  ${section(
    'Unique locks',
    html`${table(
      'Unique locks',
      ['Lock', 'Held by', 'State', ''],
      (locks?.locks ?? []).map((lock) => lockCells(request, lock)),
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

function lockCells(request: PageRequest, { lock, holder, isStale }: LockRow): Cell[] {
  return [
    code(lock),
    html`${holder.class === undefined ? '' : code(holder.class)} ${jobLink(holder.id)}`,
    isStale
      ? badge('its job no longer exists', 'warn')
      : holder.state === undefined
        ? badge('unknown')
        : state(holder.state),
    // A lock whose job is there stays: a second job like it would run beside it.
    isStale
      ? carefulButton(
          request,
          'lock-release',
          'Release',
          'Its job no longer exists. After the release, another job with this key can be enqueued.',
          { lock },
        )
      : '',
  ]
}

/** Gives up a unique lock whose job is gone. */
export async function releaseLockOf(request: PageRequest, form: Query): Promise<Done> {
  const lock = form.needed('lock')
  const job = await withinDeadline(releaseLock(contextOf(request), lock))
  return { note: `Released the unique lock ${lock} of job ${job}, which no longer exists.` }
}

import { html } from 'hono/html'
import { countFailed } from '../../runtime/inspect/failed-change.ts'
import { Bulks, failedVerbs, type Bulk, type FailedVerb } from '../failed-bulk.ts'
import { gather, within } from '../gather.ts'
import type { Settings } from '../settings.ts'
import { badge, bar, button, facts, hidden, section, table, time } from '../view/parts.ts'
import { count, shown, span } from '../view/text.ts'
import { address, BadInput, Gone, placeOf, type Done, type Html, type Page, type Query, type Visit } from '../visit.ts'
import { filterOf } from './failed.ts'

/** Counting stops here; the page then says "at least". */
const longestCountMs = 900

/** One for each dashboard of this process. */
const all = new WeakMap<Settings, Bulks>()

function bulksOf(visit: Visit): Bulks {
  const known = all.get(visit.settings) ?? new Bulks(placeOf(visit))
  all.set(visit.settings, known)
  return known
}

const past: Record<FailedVerb, string> = { retry: 'retried', remove: 'removed' }
const filterText = (given: object): string =>
  Object.entries(given)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(', ') || 'all failed jobs'

/** Counts what a change would touch and asks; or shows how far one is. */
export async function bulkPage(visit: Visit): Promise<Page> {
  const id = visit.query.text('id', 100)
  if (id !== undefined) return progressPage(visit, id)
  const change = visit.query.oneOf('do', failedVerbs)
  if (change === undefined) return listPage(visit)
  const { given, filter } = filterOf(visit.query, visit.nowMs)
  const { found, missing } = await gather({
    found: () => countFailed(placeOf(visit), filter, { signal: AbortSignal.timeout(longestCountMs) }),
  })
  const number =
    found === undefined ? 'an unknown number of' : `${found.isStopped ? 'at least ' : ''}${count(found.count)}`
  const verb = change === 'retry' ? 'Retry' : 'Remove'
  const body = section(
    `${verb} ${number} failed jobs`,
    html`<p>The filter: <strong>${shown(filterText(given), 500)}</strong>.</p>
      <p>
        ${change === 'retry' ? 'Each job goes back to its queue, and its entry leaves the list in the same step.' : 'The entries are removed. The jobs do not run again.'}
        Jobs that fail from now on are not touched. The change runs on the server; it can be stopped.
      </p>
      ${found?.count === 0 ? html`<p class="none">Nothing matches.</p>` : html`<form method="post" action="bulk-start" class="inline">${hidden(visit, { ...given, do: change })}<button class="${change === 'retry' ? 'main' : 'bad'}">${verb} ${number}</button></form>`}
      <a class="button" href="${address('failed', given)}">Back</a>`,
  )
  return { title: `${verb} all that match`, body, missing }
}

function listPage(visit: Visit): Page {
  const body = section(
    'Changes of many',
    table(
      'Bulk changes',
      ['Begun', 'What', 'By', 'Done#', 'State'],
      bulksOf(visit)
        .list()
        .map((bulk) => [
          html`<a href="${address('bulk', { id: bulk.id })}">${time(bulk.startedMs, visit.nowMs)}</a>`,
          bulk.verb,
          shown(bulk.by, 60),
          count(bulk.soFar.done),
          stateOf(bulk),
        ]),
      'None was begun since this dashboard started.',
    ),
  )
  return { title: 'Changes of many', body }
}

const stateOf = (bulk: Bulk): Html =>
  bulk.endedMs === undefined
    ? badge('running', 'busy')
    : bulk.trouble
      ? badge('broken off', 'bad')
      : bulk.soFar.isStopped
        ? badge('stopped', 'warn')
        : badge('done', 'good')

function progressPage(visit: Visit, id: string): Page {
  const bulk = bulksOf(visit).find(id)
  if (!bulk)
    throw new Gone('Nothing is known of this change. It ran in another process, or the dashboard was restarted since.')
  const { total, soFar, endedMs, startedMs } = bulk
  const { looked, done, skipped } = soFar
  const body = section(
    `${count(done)} ${past[bulk.verb]}`,
    html`<p>${bar(total === 0 ? 1 : looked / total)} ${count(looked)} of ${count(total)} entries were looked at.</p>
      ${facts([
        ['Filter', shown(filterText(givenOf(bulk)), 500)],
        ['Begun', html`${time(startedMs, visit.nowMs)} by ${shown(bulk.by, 60)}`],
        ['Took', span((endedMs ?? visit.nowMs) - startedMs)],
        ['Skipped', count(skippedOf(bulk))],
        ['Trouble', bulk.trouble],
      ])}
      ${
        skipped.length === 0
          ? ''
          : table(
              'Why entries were skipped',
              ['Entries#', 'Reason'],
              skipped.map((each) => [count(each.count), shown(each.reason, 400)]),
              '',
            )
      }`,
    html`${stateOf(bulk)}
      ${endedMs === undefined && !soFar.isStopped ? button(visit, 'bulk-stop', 'Stop', { id }, 'bad') : ''}
      <a class="button" href="failed">Failed jobs</a>`,
  )
  return {
    title: bulk.verb === 'retry' ? 'Retrying' : 'Removing',
    body,
    ...(endedMs === undefined ? { refreshMs: 1000 } : {}),
  }
}

const skippedOf = ({ soFar: { skipped } }: Bulk): number => skipped.reduce((sum, { count: number }) => sum + number, 0)

const givenOf = ({ filter: { sinceMs, untilMs: _, ...words } }: Bulk): object => ({
  ...words,
  ...(sinceMs === undefined ? {} : { since: new Date(sinceMs).toISOString() }),
})

/** Begins a change of all that match. */
export async function startBulk(visit: Visit, form: Query): Promise<Done> {
  const change = form.oneOf('do', failedVerbs)
  if (change === undefined) throw new BadInput(`do: expected ${failedVerbs.join(' or ')}`)
  const { given, filter } = filterOf(form, visit.nowMs)
  const { settings, store, user } = visit
  const bulk = await within(
    bulksOf(visit).start(change, filter, user.name, (ended) => {
      const note = `Bulk ${change} of ${filterText(given)}: ${ended.soFar.done} ${past[change]}, ${skippedOf(ended)} skipped${ended.trouble ? `; broken off: ${ended.trouble}` : ''}.`
      settings.log.info(`dashboard: ${user.name}: ${note}`)
      void store.audit.add({ atMs: Date.now(), user: user.name, action: 'bulk-end', note }).catch(() => undefined)
    }),
  )
  return { note: `Began to ${change}: ${filterText(given)}.`, to: address('bulk', { id: bulk.id }) }
}

/** Stops one after the step in hand. */
export async function stopBulk(visit: Visit, form: Query): Promise<Done> {
  const bulk = bulksOf(visit).find(form.needed('id', 100))
  if (!bulk) throw new Gone('Nothing is known of this change.')
  if (bulk.endedMs !== undefined) throw new BadInput('This change has ended already.')
  bulksOf(visit).stop(bulk.id)
  return { note: `Stopped the change after ${count(bulk.soFar.done)} jobs.`, to: address('bulk', { id: bulk.id }) }
}

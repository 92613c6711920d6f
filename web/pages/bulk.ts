import { html } from 'hono/html'
import { BulkChanges, type BulkChange, type Plan } from '../bulk-changes.ts'
import { subjects, type Subject, type Verb } from '../bulk-subjects.ts'
import { readParts, withinDeadline } from '../deadline.ts'
import type { Settings } from '../settings.ts'
import { badge, bar, button, facts, hidden, section, table, time } from '../view/parts.ts'
import { count, shown, span } from '../view/text.ts'
import {
  address,
  BadInput,
  NotFound,
  type Done,
  type Html,
  type Page,
  type Query,
  type PageRequest,
} from '../request.ts'
import { plural } from '../../runtime/core/plural.ts'

/** Counting stops here; the page then says "at least". */
const longestCountMs = 700

/** One for each dashboard of this process. */
const all = new WeakMap<Settings, BulkChanges>()

function bulksOf({ settings }: PageRequest): BulkChanges {
  const known = all.get(settings) ?? new BulkChanges()
  all.set(settings, known)
  return known
}

const filterText = (given: Plan['given'], { noun }: Subject): string =>
  Object.entries(given)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(', ') || `all ${noun}s`

/** The list and the verb that an address or a form names. @throws BadInput */
function asked(query: Query): { of: string; verb: string; subject: Subject; how: Verb } {
  const of = query.oneOf('of', Object.keys(subjects)) ?? 'failed'
  const subject = subjects[of] as Subject
  const verb = query.oneOf('do', Object.keys(subject.verbs)) ?? ''
  const how = subject.verbs[verb]
  if (!how) throw new BadInput(`do: expected one of ${Object.keys(subject.verbs).join(', ')}, got none`)
  return { of, verb, subject, how }
}

/** Counts what a change would touch and asks; or shows how far one is. */
export async function bulkPage(request: PageRequest): Promise<Page> {
  const id = request.query.text('id', 100)
  if (id !== undefined) return progressPage(request, id)
  if (request.query.text('do') === undefined) return listPage(request)
  const { of, verb, subject, how } = asked(request.query)
  const plan = subject.plan(request, request.query, verb)
  const { found, missing } = await readParts({ found: () => plan.count(AbortSignal.timeout(longestCountMs)) })
  const number = found && `${found.isStopped ? 'at least ' : ''}${count(found.count)}`
  const what =
    found === undefined
      ? `an unknown number of ${subject.noun}s`
      : `${found.isStopped ? 'at least ' : ''}${plural(found.count, subject.noun)}`
  const body = section(
    `${how.name} ${what}`,
    html`<p>Filter: <strong>${shown(filterText(plan.given, subject), 500)}</strong>.</p>
      <p>${how.says} The change runs on the server, in steps. You can stop it.</p>
      ${found?.count === 0 && !found.isStopped ? html`<p class="none">Nothing matches.</p>` : html`<form method="post" action="bulk-start" class="inline">${hidden(request, { ...plan.given, of, do: verb })}<button class="${how.isBad ? 'bad' : 'main'}">${how.name}${number === undefined ? '' : ` ${number}`}</button></form>`}
      <a class="button" href="${address(subject.page, plan.given)}">Back</a>`,
  )
  return { title: `${how.name} all matching`, body, missing }
}

function listPage(request: PageRequest): Page {
  const body = section(
    'Bulk changes',
    table(
      'Bulk changes',
      ['Started', 'What', 'By', 'Done#', 'State'],
      bulksOf(request)
        .list()
        .map((bulk) => [
          html`<a href="${address('bulk', { id: bulk.id })}">${time(bulk.startedMs, request.nowMs)}</a>`,
          `${bulk.verb} ${subjects[bulk.of]?.noun ?? bulk.of}s`,
          shown(bulk.by, 60),
          count(bulk.soFar.done),
          stateOf(bulk),
        ]),
      'No bulk change since this dashboard started.',
    ),
  )
  return { title: 'Bulk changes', body }
}

const stateOf = (bulk: BulkChange): Html =>
  bulk.endedMs === undefined
    ? badge('running', 'busy')
    : bulk.trouble
      ? badge('failed', 'bad')
      : bulk.soFar.isStopped
        ? badge('stopped', 'warn')
        : badge('done', 'good')

function progressPage(request: PageRequest, id: string): Page {
  const bulk = bulksOf(request).find(id)
  if (!bulk) throw new NotFound('This change is unknown. It ran in another process, or the dashboard was restarted.')
  const subject = subjects[bulk.of] as Subject
  const { total, soFar, endedMs, startedMs } = bulk
  const { looked, matched, done, skipped } = soFar
  const body = section(
    `${count(done)} ${subject.verbs[bulk.verb]?.past ?? 'done'}`,
    html`<p>
        ${bar(endedMs !== undefined && !soFar.isStopped && !bulk.trouble ? 1 : looked / (total || 1))} ${count(looked)}
        of ${plural(total, subject.noun)} checked, ${count(matched)} matched.
      </p>
      ${facts([
        ['Filter', shown(filterText(bulk.given, subject), 500)],
        ['Started', html`${time(startedMs, request.nowMs)} by ${shown(bulk.by, 60)}`],
        ['Took', span((endedMs ?? request.nowMs) - startedMs)],
        ['Skipped', count(skippedOf(bulk))],
        ['Error', bulk.trouble],
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
    html`${stateOf(bulk)} ${endedMs === undefined ? button(request, 'bulk-stop', 'Stop', { id }, 'bad') : ''}
      <a class="button" href="${address(subject.page, bulk.given)}">Back to the list</a>`,
  )
  return {
    title: `${subject.verbs[bulk.verb]?.name ?? ''} ${subject.noun}s`,
    body,
    ...(endedMs === undefined ? { refreshMs: 1000 } : {}),
  }
}

const skippedOf = ({ soFar: { skipped } }: BulkChange): number =>
  skipped.reduce((sum, { count: number }) => sum + number, 0)

/** Begins a change of all that match. */
export async function startBulk(request: PageRequest, form: Query): Promise<Done> {
  const { of, verb, subject, how } = asked(form)
  const plan = subject.plan(request, form, verb)
  const { settings, store, user } = request
  const what = `${how.name} ${subject.noun}s (${filterText(plan.given, subject)})`
  const bulk = await withinDeadline(
    bulksOf(request).start({ of, verb, by: user.name }, plan, (ended) => {
      const { soFar, trouble } = ended
      const note = `${what}: ${soFar.done} ${how.past}, ${skippedOf(ended)} skipped${soFar.isStopped ? '; stopped' : ''}${trouble ? `; failed: ${trouble}` : ''}.`
      settings.log.info(`dashboard: ${user.name}: ${note}`)
      void store.audit.add({ atMs: Date.now(), user: user.name, action: 'bulk-end', note }).catch(() => undefined)
    }),
  )
  return { note: `Started: ${what}.`, to: address('bulk', { id: bulk.id }) }
}

/** Stops one after the step in hand. */
export async function stopBulk(request: PageRequest, form: Query): Promise<Done> {
  const bulk = bulksOf(request).find(form.needed('id', 100))
  if (!bulk) throw new NotFound('This change is unknown.')
  if (bulk.endedMs !== undefined) throw new BadInput('This change has ended already.')
  bulksOf(request).stop(bulk.id)
  return {
    note: `Stopped the change after ${plural(bulk.soFar.done, subjects[bulk.of]?.noun ?? 'entry')}.`,
    to: address('bulk', { id: bulk.id }),
  }
}

import { html } from 'hono/html'
import { Bulks, type Bulk, type Plan } from '../bulks.ts'
import { subjects, type Subject, type Verb } from '../bulk-subjects.ts'
import { gather, within } from '../gather.ts'
import type { Settings } from '../settings.ts'
import { badge, bar, button, facts, hidden, section, table, time } from '../view/parts.ts'
import { count, shown, span } from '../view/text.ts'
import { address, BadInput, Gone, type Done, type Html, type Page, type Query, type Visit } from '../visit.ts'

/** Counting stops here; the page then says "at least". */
const longestCountMs = 700

/** One for each dashboard of this process. */
const all = new WeakMap<Settings, Bulks>()

function bulksOf({ settings }: Visit): Bulks {
  const known = all.get(settings) ?? new Bulks()
  all.set(settings, known)
  return known
}

const filterText = (given: Plan['given'], { noun }: Subject): string =>
  Object.entries(given)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(', ') || `all ${noun}`

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
export async function bulkPage(visit: Visit): Promise<Page> {
  const id = visit.query.text('id', 100)
  if (id !== undefined) return progressPage(visit, id)
  if (visit.query.text('do') === undefined) return listPage(visit)
  const { of, verb, subject, how } = asked(visit.query)
  const plan = subject.plan(visit, visit.query, verb)
  const { found, missing } = await gather({ found: () => plan.count(AbortSignal.timeout(longestCountMs)) })
  const number =
    found === undefined ? 'an unknown number of' : `${found.isStopped ? 'at least ' : ''}${count(found.count)}`
  const noun = number === '1' ? subject.noun.replace(/s$/, '') : subject.noun
  const body = section(
    `${how.name} ${number} ${noun}`,
    html`<p>The filter: <strong>${shown(filterText(plan.given, subject), 500)}</strong>.</p>
      <p>${how.says} The change runs on the server, in steps; it can be stopped.</p>
      ${found?.count === 0 && !found.isStopped ? html`<p class="none">Nothing matches.</p>` : html`<form method="post" action="bulk-start" class="inline">${hidden(visit, { ...plan.given, of, do: verb })}<button class="${how.isBad ? 'bad' : 'main'}">${how.name} ${number}</button></form>`}
      <a class="button" href="${address(subject.page, plan.given)}">Back</a>`,
  )
  return { title: `${how.name} all that match`, body, missing }
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
          `${bulk.verb} ${subjects[bulk.of]?.noun ?? bulk.of}`,
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
  const subject = subjects[bulk.of] as Subject
  const { total, soFar, endedMs, startedMs } = bulk
  const { looked, matched, done, skipped } = soFar
  const body = section(
    `${count(done)} ${subject.verbs[bulk.verb]?.past ?? 'done'}`,
    html`<p>
        ${bar(endedMs !== undefined && !soFar.isStopped && !bulk.trouble ? 1 : looked / (total || 1))} ${count(looked)}
        of ${count(total)} ${subject.noun} were looked at, ${count(matched)} matched.
      </p>
      ${facts([
        ['Filter', shown(filterText(bulk.given, subject), 500)],
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
    html`${stateOf(bulk)} ${endedMs === undefined ? button(visit, 'bulk-stop', 'Stop', { id }, 'bad') : ''}
      <a class="button" href="${address(subject.page, bulk.given)}">Back to the list</a>`,
  )
  return {
    title: `${subject.verbs[bulk.verb]?.name ?? ''} ${subject.noun}`,
    body,
    ...(endedMs === undefined ? { refreshMs: 1000 } : {}),
  }
}

const skippedOf = ({ soFar: { skipped } }: Bulk): number => skipped.reduce((sum, { count: number }) => sum + number, 0)

/** Begins a change of all that match. */
export async function startBulk(visit: Visit, form: Query): Promise<Done> {
  const { of, verb, subject, how } = asked(form)
  const plan = subject.plan(visit, form, verb)
  const { settings, store, user } = visit
  const what = `${how.name} ${subject.noun} (${filterText(plan.given, subject)})`
  const bulk = await within(
    bulksOf(visit).start({ of, verb, by: user.name }, plan, (ended) => {
      const { soFar, trouble } = ended
      const note = `${what}: ${soFar.done} ${how.past}, ${skippedOf(ended)} skipped${soFar.isStopped ? '; stopped' : ''}${trouble ? `; broken off: ${trouble}` : ''}.`
      settings.log.info(`dashboard: ${user.name}: ${note}`)
      void store.audit.add({ atMs: Date.now(), user: user.name, action: 'bulk-end', note }).catch(() => undefined)
    }),
  )
  return { note: `Began: ${what}.`, to: address('bulk', { id: bulk.id }) }
}

/** Stops one after the step in hand. */
export async function stopBulk(visit: Visit, form: Query): Promise<Done> {
  const bulk = bulksOf(visit).find(form.needed('id', 100))
  if (!bulk) throw new Gone('Nothing is known of this change.')
  if (bulk.endedMs !== undefined) throw new BadInput('This change has ended already.')
  bulksOf(visit).stop(bulk.id)
  return { note: `Stopped the change after ${count(bulk.soFar.done)} jobs.`, to: address('bulk', { id: bulk.id }) }
}

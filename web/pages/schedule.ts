import { html } from 'hono/html'
import { isLoaded, scheduleView, type EntryRow } from '../../runtime/inspect/schedule.ts'
import type { MissedFiring } from '../../runtime/store/schedules/schedules.ts'
import { gather, within } from '../gather.ts'
import { badge, button, code, lasting, section, short, table, time, type Cell } from '../view/parts.ts'
import { count, many, shown, span } from '../view/text.ts'
import { Gone, contextOf, type Done, type Html, type Page, type Query, type Visit } from '../visit.ts'

/** Later firings are on their way: a leader looks every few seconds. */
const lateMs = 10_000
const shownNext = 5
const shownMissed = 20

/** Recurring entries: when they fired and will fire, how late, what was missed. */
export async function schedulePage(visit: Visit): Promise<Page> {
  const { view, missing } = await gather({ view: () => scheduleView(contextOf(visit), shownNext) })
  const noLeader = html`<p class="problem" role="alert">
    No scheduler leads: nothing fires, and no delayed job moves. Start one: <code>runtime scheduler</code>
  </p>`
  const body = html`${view && view.leader === undefined ? noLeader : ''}
  ${section(
    many(view?.total ?? 0, 'entry', 'entries'),
    table(
      'Schedule entries',
      ['Entry', 'When', 'Runs', 'Last', 'Late#', 'Next', 'Missed#', 'State', ''],
      (view?.entries ?? []).map((entry) => entryRow(visit, entry)),
      'No entry is loaded. Entries are in schedule.yml; a scheduler loads them.',
    ),
    view?.leader === undefined ? '' : html`<small>${code(view.leader)} leads</small>`,
  )}
  ${section('Missed firings', missedTable((view?.missed ?? []).slice(0, shownMissed), visit.nowMs))}`
  return { title: 'Schedule', body, missing, refreshMs: 5000 }
}

function entryRow(visit: Visit, entry: EntryRow): Cell[] {
  const { name, about, state, status } = entry
  const isPaused = status === 'paused'
  return [
    html`<strong>${shown(name, 80)}</strong
      >${about.description === undefined ? '' : html`<br /><small>${short(about.description, 120)}</small>`}`,
    html`${shown(about.reads, 120)}${about.zone === undefined ? '' : html`<br /><small>${shown(about.zone, 60)}</small>`}`,
    html`${about.kind === 'job' ? '' : `${shown(about.kind, 40)} `}${code(about.target)}`,
    state?.firedAtMs === undefined ? 'never' : time(state.firedAtMs, visit.nowMs),
    lasting(state?.lateMs),
    nextCell(entry, visit.nowMs),
    html`${state?.missed ?? 0}${state?.missedReason === undefined ? '' : html`<br /><small>${short(state.missedReason, 60)}</small>`}`,
    isPaused ? badge('paused', 'warn') : status === 'on' ? badge('on', 'good') : badge('off', 'warn'),
    html`${button(visit, 'schedule-run', 'Run now', { name })}
    ${isPaused ? button(visit, 'schedule-resume', 'Resume', { name }) : button(visit, 'schedule-pause', 'Pause', { name })}`,
  ]
}

/** The next firings: the clock of the entry's zone, and of the reader's, which `dashboard.js` writes. */
function nextCell({ next, overdueMs = 0, status }: EntryRow, nowMs: number): Html | string {
  const late = overdueMs > lateMs ? html`${badge(`overdue for ${span(overdueMs)}`, 'bad')} ` : ''
  const [first] = next
  if (!first) return html`${late}${status === 'on' ? 'by hand' : '–'}`
  return html`${late}${time(first.atMs, nowMs)}
    <details>
      <summary>next ${next.length}</summary>
      <ul class="times">
        ${next.map(({ atMs, local }) => html`<li>${shown(local, 60)} <small data-reader="${new Date(atMs).toISOString()}"></small></li>`)}
      </ul>
    </details>`
}

function missedTable(missed: readonly MissedFiring[], nowMs: number): Html {
  return table(
    'Missed firings',
    ['Entry', 'Firings#', 'From', 'To', 'Reason'],
    missed.map((each) => [
      code(each.entry),
      `${count(each.count)}${each.more ? '+' : ''}`,
      time(each.fromMs, nowMs),
      time(each.toMs, nowMs),
      short(each.reason, 160),
    ]),
    'None was missed.',
  )
}

async function entryOf(visit: Visit, form: Query): Promise<string> {
  const name = form.needed('name')
  if (!(await within(isLoaded(contextOf(visit), name)))) throw new Gone(`There is no schedule entry ${name}.`)
  return name
}

/** Asks the leader to fire an entry now. */
export async function runEntry(visit: Visit, form: Query): Promise<Done> {
  const name = await entryOf(visit, form)
  await within(visit.store.schedules.askFor(name, visit.nowMs))
  return { note: `Asked the scheduler to fire ${name} now.` }
}

/** Keeps an entry from firing. */
export async function pauseEntry(visit: Visit, form: Query): Promise<Done> {
  const name = await entryOf(visit, form)
  await within(visit.store.schedules.switch(name, { paused: true }, visit.nowMs))
  return { note: `Paused schedule entry ${name}.` }
}

/** Lets it fire again. */
export async function resumeEntry(visit: Visit, form: Query): Promise<Done> {
  const name = await entryOf(visit, form)
  await within(visit.store.schedules.switch(name, { paused: false }, visit.nowMs))
  return { note: `Resumed schedule entry ${name}.` }
}

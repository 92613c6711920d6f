import { html } from 'hono/html'
import { isLoaded, scheduleView, type EntryRow } from '../../runtime/inspect/schedule.ts'
import type { MissedFiring } from '../../runtime/store/schedules/schedules.ts'
import { readParts, withinDeadline } from '../deadline.ts'
import { badge, button, code, lasting, section, short, table, time, type Cell } from '../view/parts.ts'
import { count, shown, span } from '../view/text.ts'
import { NotFound, contextOf, type Done, type Html, type Page, type Query, type PageRequest } from '../request.ts'
import { plural } from '../../runtime/core/plural.ts'

/** Later firings are on their way: a leader looks every few seconds. */
const lateMs = 10_000
const shownNext = 5
const shownMissed = 20

/** Recurring entries: when they fired and will fire, how late, what was missed. */
export async function schedulePage(request: PageRequest): Promise<Page> {
  const { view, missing } = await readParts({ view: () => scheduleView(contextOf(request), shownNext) })
  const noLeader = html`<p class="problem" role="alert">
    No scheduler leads: no entry fires, and no delayed job goes to its queue. Start one: <code>runtime scheduler</code>
  </p>`
  const body = html`${view && view.leader === undefined ? noLeader : ''}
  ${section(
    plural(view?.total ?? 0, 'entry', 'entries'),
    table(
      'Schedule entries',
      ['Entry', 'When', 'Runs', 'Last', 'Late#', 'Next', 'Missed#', 'State', ''],
      (view?.entries ?? []).map((entry) => entryRow(request, entry)),
      'No entry is loaded. Entries are in schedule.yml; a scheduler loads them.',
    ),
    view?.leader === undefined ? '' : html`<small>${code(view.leader)} leads</small>`,
  )}
  ${section('Missed firings', missedTable((view?.missed ?? []).slice(0, shownMissed), request.nowMs))}`
  return { title: 'Schedule', body, missing, refreshMs: 5000 }
}

function entryRow(request: PageRequest, entry: EntryRow): Cell[] {
  const { name, about, state, status } = entry
  const isPaused = status === 'paused'
  return [
    html`<strong>${shown(name, 80)}</strong
      >${about.description === undefined ? '' : html`<br /><small>${short(about.description, 120)}</small>`}`,
    html`${shown(about.reads, 120)}${about.zone === undefined ? '' : html`<br /><small>${shown(about.zone, 60)}</small>`}`,
    html`${about.kind === 'job' ? '' : `${shown(about.kind, 40)} `}${code(about.target)}`,
    state?.firedAtMs === undefined ? 'never' : time(state.firedAtMs, request.nowMs),
    lasting(state?.lateMs),
    nextCell(entry, request.nowMs),
    html`${state?.missed ?? 0}${state?.missedReason === undefined ? '' : html`<br /><small>${short(state.missedReason, 60)}</small>`}`,
    isPaused ? badge('paused', 'warn') : status === 'on' ? badge('on', 'good') : badge('off', 'warn'),
    html`${button(request, 'schedule-run', 'Run now', { name })}
    ${isPaused ? button(request, 'schedule-resume', 'Resume', { name }) : button(request, 'schedule-pause', 'Pause', { name })}`,
  ]
}

/** The next firings: the clock of the entry's zone, and of the reader's, which `dashboard.js` writes. */
function nextCell({ next, overdueMs = 0, status }: EntryRow, nowMs: number): Html | string {
  const late = overdueMs > lateMs ? html`${badge(`overdue for ${span(overdueMs)}`, 'bad')} ` : ''
  const [first] = next
  if (!first) return html`${late}${status === 'on' ? 'manual' : '–'}`
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
    'No firing was missed.',
  )
}

async function entryOf(request: PageRequest, form: Query): Promise<string> {
  const name = form.needed('name')
  if (!(await withinDeadline(isLoaded(contextOf(request), name))))
    throw new NotFound(`There is no schedule entry ${name}.`)
  return name
}

/** Asks the leader to fire an entry now. */
export async function runEntry(request: PageRequest, form: Query): Promise<Done> {
  const name = await entryOf(request, form)
  await withinDeadline(request.store.schedules.askFor(name, request.nowMs))
  return { note: `Asked the scheduler to fire ${name} now.` }
}

/** Keeps an entry from firing. */
export async function pauseEntry(request: PageRequest, form: Query): Promise<Done> {
  const name = await entryOf(request, form)
  await withinDeadline(request.store.schedules.switch(name, { paused: true }, request.nowMs))
  return { note: `Paused schedule entry ${name}.` }
}

/** Lets it fire again. */
export async function resumeEntry(request: PageRequest, form: Query): Promise<Done> {
  const name = await entryOf(request, form)
  await withinDeadline(request.store.schedules.switch(name, { paused: false }, request.nowMs))
  return { note: `Resumed schedule entry ${name}.` }
}

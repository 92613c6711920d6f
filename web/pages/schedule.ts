import { html } from 'hono/html'
import type { EntryState, MissedFiring } from '../../runtime/store/schedules/schedules.ts'
import { gather, within } from '../gather.ts'
import { badge, button, code, lasting, section, short, table, time, type Cell } from '../view/parts.ts'
import { count, shown } from '../view/text.ts'
import { Gone, type Done, type Html, type Page, type Query, type Visit } from '../visit.ts'

/** What the leader has written of an entry it loaded (describeEntry of scheduler/entries/entry.ts). */
interface Described {
  kind: string
  target: string
  queue?: string
  reads: string
  zone?: string
  description?: string
  enabled: boolean
  next?: number
  /** Fire times after `next`, where the leader has written some. */
  upcoming?: number[]
}
interface Entry {
  name: string
  about: Described
  state: EntryState | undefined
}

const shownMissed = 20

/** Recurring entries: when they fired and will fire, how late, what was missed. */
export async function schedulePage(visit: Visit): Promise<Page> {
  const { store, nowMs, settings } = visit
  const { lockPrefix } = settings.config.scheduler
  const { entries, leader, missed, missing } = await gather({
    entries: () => readEntries(visit),
    leader: () => store.health.leader(lockPrefix === undefined ? '' : `${lockPrefix}:`),
    missed: () => store.schedules.missed(shownMissed),
  })
  const isLeaderKnown = !missing.some((each) => each.startsWith('leader'))
  const body = html`${!isLeaderKnown || leader ? '' : html`<p class="problem" role="alert">No scheduler leads: nothing fires, and no delayed job moves. Start one: <code>runtime scheduler</code></p>`}
  ${section(
    `${count(entries?.length ?? 0)} entries`,
    table(
      'Schedule entries',
      ['Entry', 'When', 'Runs', 'Last', 'Late#', 'Next', 'Missed#', 'State', ''],
      (entries ?? []).map((entry) => entryRow(visit, entry)),
      'No entry is loaded. Entries are in schedule.yml; a scheduler loads them.',
    ),
    leader ? html`<small>${code(leader.owner)} leads</small>` : '',
  )}
  ${section('Missed firings', missedTable(missed ?? [], nowMs))}`
  return { title: 'Schedule', body, missing, refreshMs: 5000 }
}

async function readEntries({ store }: Visit): Promise<Entry[]> {
  const described = await store.schedules.described()
  return Promise.all(
    Object.entries(described)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .slice(0, 1000)
      .map(async ([name, text]) => ({
        name,
        about: JSON.parse(text) as Described,
        state: await store.schedules.find(name),
      })),
  )
}

function entryRow(visit: Visit, { name, about, state }: Entry): Cell[] {
  const { nowMs } = visit
  const isPaused = state?.paused === true
  const isEnabled = state?.enabled ?? about.enabled
  const next = state?.nextMs ?? about.next
  return [
    html`<strong>${shown(name, 80)}</strong
      >${about.description === undefined ? '' : html`<br /><small>${short(about.description, 120)}</small>`}`,
    html`${shown(about.reads, 120)}${about.zone === undefined ? '' : html`<br /><small>${shown(about.zone, 60)}</small>`}`,
    html`${about.kind === 'job' ? '' : `${shown(about.kind, 40)} `}${code(about.target)}`,
    state?.firedAtMs === undefined ? 'never' : time(state.firedAtMs, nowMs),
    lasting(state?.lateMs),
    nextCell(next, about, nowMs),
    state?.missed ?? 0,
    isPaused ? badge('paused', 'warn') : isEnabled ? badge('on', 'good') : badge('off', 'warn'),
    html`${button(visit, 'schedule-run', 'Run now', { name })}
    ${isPaused ? button(visit, 'schedule-resume', 'Resume', { name }) : button(visit, 'schedule-pause', 'Pause', { name })}`,
  ]
}

/** The next firing, and those after it in the entry's own zone. */
function nextCell(next: number | undefined, { zone, upcoming = [] }: Described, nowMs: number): Html | string {
  if (next === undefined) return 'by hand'
  const more = upcoming.filter((ms) => ms > next).slice(0, 4)
  const late = next < nowMs - 10_000 ? badge('overdue', 'bad') : ''
  return html`${time(next, nowMs)}
  ${late}${
    more.length === 0
      ? ''
      : html`<details>
          <summary>next ${more.length + 1}</summary>
          <ul>
            ${[next, ...more].map((ms) => html`<li>${time(ms, nowMs)} <small>${zone === undefined ? '' : inZone(ms, zone)}</small></li>`)}
          </ul>
        </details>`
  }`
}

function inZone(ms: number, zone: string): string {
  try {
    return new Date(ms).toLocaleString('en-GB', { timeZone: zone, timeZoneName: 'short' })
  } catch {
    return ''
  }
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

async function entryOf({ store }: Visit, form: Query): Promise<string> {
  const name = form.needed('name')
  if (!((await within(store.schedules.described()))[name] !== undefined))
    throw new Gone(`There is no schedule entry ${name}.`)
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

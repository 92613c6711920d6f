import { Cron } from '../cron/cron.ts'
import { nextFireTime, type Origin, type Timing } from '../cron/timing.ts'
import { localZone, zoneOf, type Zone } from '../cron/zone.ts'
import type { EntryDescription, EntryState, MissedFiring } from '../store/schedules/schedules.ts'
import { lockPrefixOf, type InspectContext } from './context.ts'

/** One fire time; `local` is the clock in the entry's zone, with its offset. */
export interface FireTime {
  atMs: number
  local: string
}

/** An entry of the schedule, as a list shows it. */
export interface EntryRow {
  name: string
  about: EntryDescription
  /** What Redis remembers: last firing, lateness, missed firings. Undefined when no scheduler has seen the entry. */
  state: EntryState | undefined
  status: 'on' | 'paused' | 'disabled'
  /** The next fire times; none for an entry that is off, fires by hand only, or never fires again. */
  next: FireTime[]
  /** Since when a firing is due that has not come, in ms; undefined when none is. */
  overdueMs: number | undefined
}

/** The whole schedule. */
export interface ScheduleView {
  /** `host:pid` of the scheduler that fires entries; undefined when none leads. */
  leader: string | undefined
  /** By name; at most {@link mostEntries} of `total`. */
  entries: EntryRow[]
  total: number
  /** Newest first. */
  missed: MissedFiring[]
}

/** Entries that one read shows. */
const mostEntries = 1000
const shownMissed = 100

/** Everything about the entries that the leading scheduler has loaded, with the next `count` fire times of each. */
export async function scheduleView(place: InspectContext, count = 5): Promise<ScheduleView> {
  const { health, schedules } = place.store
  const [leader, described, missed] = await Promise.all([
    health.leader(lockPrefixOf(place)),
    schedules.described(),
    missedFirings(place),
  ])
  const loaded = Object.entries(described).sort(([a], [b]) => (a < b ? -1 : 1))
  const entries = await entryRows(place, loaded.slice(0, mostEntries), count)
  return { leader: leader?.owner, entries, total: loaded.length, missed }
}

/** Firings that were missed, newest first. */
export async function missedFirings(
  { store }: Pick<InspectContext, 'store'>,
  count = shownMissed,
): Promise<MissedFiring[]> {
  return store.schedules.missed(count)
}

/** True for an entry that a scheduler has loaded. */
export async function isLoaded({ store }: Pick<InspectContext, 'store'>, name: string): Promise<boolean> {
  return Object.hasOwn(await store.schedules.described(), name)
}

/** The same of entries that may not be loaded yet, such as those of a file. */
export async function entryRows(
  { store }: Pick<InspectContext, 'store'>,
  entries: readonly (readonly [name: string, about: EntryDescription])[],
  count = 5,
): Promise<EntryRow[]> {
  const states = await store.schedules.findAll(entries.map(([name]) => name))
  const nowMs = Date.now()
  return entries.map(([name, about]) => entryRow({ name, about, state: states.get(name) }, nowMs, count))
}

function entryRow(entry: Pick<EntryRow, 'name' | 'about' | 'state'>, nowMs: number, count: number): EntryRow {
  const { about, state } = entry
  const status = state?.paused ? 'paused' : (state?.enabled ?? about.enabled) ? 'on' : 'disabled'
  const dueMs = state?.nextMs ?? about.next
  const isDue = status === 'on' && dueMs !== undefined && dueMs < nowMs
  return {
    ...entry,
    status,
    next: status === 'on' ? nextFireTimes(about, state, nowMs, count) : [],
    overdueMs: isDue ? nowMs - dueMs : undefined,
  }
}

function nextFireTimes(
  about: EntryDescription,
  state: EntryState | undefined,
  nowMs: number,
  count: number,
): FireTime[] {
  const timing = timingOf(about)
  const knownMs = state?.nextMs ?? about.next
  if (!timing)
    return knownMs !== undefined && knownMs >= nowMs ? [{ atMs: knownMs, local: localZoneOf().format(knownMs) }] : []
  const zone = timing.kind === 'cron' ? timing.cron.zone : localZoneOf()
  // An entry that no scheduler has seen yet counts from now.
  const origin: Origin = { sinceMs: state?.sinceMs ?? nowMs, lastSlotMs: state?.fireTimeMs, fired: state?.fired ?? 0 }
  const found: FireTime[] = []
  let at = nextFireTime(timing, origin, Math.max(nowMs, state?.cursorMs ?? 0))
  while (at !== undefined && found.length < count) {
    found.push({ atMs: at, local: zone.format(at) })
    at = nextFireTime(timing, { ...origin, fired: origin.fired + found.length }, at)
  }
  return found
}

const localZoneOf = (): Zone => zoneOf(localZone())

/** Undefined for an entry that fires by hand only, and for one that a scheduler of another version has described otherwise. */
function timingOf({ timing, zone, everyMs, bounds = {} }: EntryDescription): Timing | undefined {
  if (everyMs !== undefined) return { kind: 'every', everyMs, bounds }
  if (zone === undefined) return undefined
  try {
    return { kind: 'cron', cron: Cron.parse(timing, undefined, zone), bounds }
  } catch {
    return undefined
  }
}

import { formatDuration, longestMs } from '../core/duration.ts'
import type { Cron } from './cron.ts'
import { readDuration } from '../../config/units.ts'
import { RuntimeError } from '../core/errors.ts'

/** What Redis remembers of an entry's firings, as far as its next fire time depends on it. */
export interface Origin {
  /** When a scheduler first saw the entry. */
  sinceMs: number
  /** The fire time (not the moment of firing) of the last firing. */
  lastSlotMs?: number
  /** How often it has fired. */
  fired: number
}

/** The second element of `every: ['30m', { first_in: '1m' }]`, times as milliseconds. */
export interface Bounds {
  firstInMs?: number
  firstAtMs?: number
  lastInMs?: number
  lastAtMs?: number
  times?: number
}

/** When an entry fires: by a cron line, or every so often. */
export type Timing = { kind: 'cron'; cron: Cron; bounds: Bounds } | { kind: 'every'; everyMs: number; bounds: Bounds }

/** No fire time comes before this instant. */
function opensAt(timing: Timing, origin: Origin): number {
  const { firstAtMs, firstInMs } = timing.bounds
  if (firstAtMs !== undefined) return firstAtMs
  if (firstInMs !== undefined) return origin.sinceMs + firstInMs
  return timing.kind === 'every' ? origin.sinceMs + timing.everyMs : origin.sinceMs
}

function closesAt({ bounds }: Timing, origin: Origin): number {
  return Math.min(
    bounds.lastAtMs ?? Infinity,
    bounds.lastInMs === undefined ? Infinity : origin.sinceMs + bounds.lastInMs,
  )
}

/**
 * The first fire time after an instant. `every` counts from the last recorded firing, else from when the entry was
 * first seen: a restart or a deploy changes neither.
 */
export function nextFireTime(timing: Timing, origin: Origin, afterMs: number): number | undefined {
  if (timing.bounds.times !== undefined && origin.fired >= timing.bounds.times) return undefined
  const opens = opensAt(timing, origin)
  const slot =
    timing.kind === 'cron'
      ? timing.cron.next(Math.max(afterMs, opens - 1))
      : nextEvery(timing.everyMs, origin.lastSlotMs ?? opens, origin, afterMs)
  return slot === undefined || slot > closesAt(timing, origin) ? undefined : slot
}

function nextEvery(everyMs: number, anchorMs: number, origin: Origin, afterMs: number): number {
  const passed = Math.floor((afterMs - anchorMs) / everyMs) + 1
  return anchorMs + Math.max(passed, origin.lastSlotMs === undefined ? 0 : 1) * everyMs
}

/** Fire times after `afterMs` and up to `untilMs`, oldest first, at most `limit`; `more` when there are others. */
export function fireTimesBetween(
  timing: Timing,
  origin: Origin,
  afterMs: number,
  untilMs: number,
  limit: number,
): { slots: number[]; more: boolean } {
  const slots: number[] = []
  let at = nextFireTime(timing, origin, afterMs)
  while (at !== undefined && at <= untilMs) {
    if (slots.length === limit) return { slots, more: true }
    slots.push(at)
    at = nextFireTime(timing, { ...origin, fired: origin.fired + slots.length }, at)
  }
  return { slots, more: false }
}

/** The last fire time at or before an instant, where bounds allow it. */
export function lastFireTime(timing: Timing, origin: Origin, atMs: number): number | undefined {
  const anchor = origin.lastSlotMs ?? opensAt(timing, origin)
  const last =
    timing.kind === 'cron'
      ? timing.cron.previous(atMs)
      : anchor + Math.floor((atMs - anchor) / timing.everyMs) * timing.everyMs
  return last !== undefined && nextFireTime(timing, origin, last - 1) === last ? last : undefined
}

/**
 * Up to `limit` fire times after `afterMs` and up to `untilMs`: the last ones, oldest first. Found by steps forward from ever
 * further back, since a step forward costs a tenth of one back.
 */
export function lastFireTimesBetween(
  timing: Timing,
  origin: Origin,
  afterMs: number,
  untilMs: number,
  limit: number,
): number[] {
  const last = lastFireTime(timing, origin, Math.min(untilMs, closesAt(timing, origin)))
  if (last === undefined || last <= afterMs || limit < 1) return []
  for (let spanMs = 1000 * limit; ;) {
    const fromMs = Math.max(afterMs, last - spanMs)
    const slots: number[] = []
    let at = nextFireTime(timing, origin, fromMs)
    for (; at !== undefined && at <= last; at = nextFireTime(timing, origin, at)) slots.push(at)
    if (slots.length >= limit || fromMs === afterMs) return slots.slice(-limit)
    spanMs *= Math.min(Math.max((1.1 * limit) / slots.length, 2), 64)
  }
}

/**
 * The same text for the same timing, and no other: an entry's record keeps it, to see whether it was changed. The machine's
 * own zone is not in it: at a take-over by a machine in another zone the entry is still the same one.
 */
export function timingMark(timing: Timing | undefined, text: string): string {
  if (!timing) return 'none'
  const when =
    timing.kind === 'every'
      ? [timing.everyMs]
      : [text.replace(/\s+/g, ' '), timing.cron.isZoneGiven ? timing.cron.zone.name : '']
  return JSON.stringify([timing.kind, ...when, Object.entries(timing.bounds).sort()])
}

/** The timing in words, for people. */
export function describeTiming(timing: Timing | undefined): string {
  if (!timing) return 'by hand only'
  return timing.kind === 'cron'
    ? `${timing.cron.describe()} (${timing.cron.zone.name})`
    : `Every ${formatDuration(timing.everyMs, Infinity)}`
}

/**
 * Milliseconds of an interval of a schedule: what `enqueueIn` takes as text, and two forms that rufus-scheduler reads:
 * a number without a unit is in seconds, and `1M` is a month.
 * @param what names the value in the error
 * @throws RuntimeError ERR_SCHEDULE, also for a number, nothing at all (`0s`), and more than 100 years
 */
export function parseEvery(value: unknown, what: string): number {
  const reading = typeof value === 'string' ? readDuration(value, { bareMs: 1000, capitalMonth: true }) : { advice: '' }
  const ms = 'ms' in reading ? Math.round(reading.ms) : 0
  if (ms >= 1 && ms <= longestMs) return ms
  throw new RuntimeError(
    'ERR_SCHEDULE',
    `${what}: expected a length of time as text, such as '30s', '1h30m' or 'PT5M', more than nothing and up to 100 years, got ${JSON.stringify(value)}${'advice' in reading ? reading.advice : ''}`,
  )
}

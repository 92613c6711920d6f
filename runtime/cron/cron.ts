import { RuntimeError } from '../core/errors.ts'
import { type CronFields, isFugitLine, parseCronFields } from './cron-fields.ts'
import { isZone, localZone, type Zone, zoneOf } from './zone.ts'

const dayMs = 86_400_000
/** A Monday: the first day of the weeks that `mon%2` counts, as in et-orbi 1.4. */
const firstWeekMs = Date.UTC(2018, 11, 31)
/** The end of a line that is meant as a zone, also when there is none of that name. */
const looksLikeZone = /^([A-Za-z_]+\/[A-Za-z]|[+-]\d\d:?\d\d$)/
/** A line that has no fire time in so many years has none at all: 29 February on a Monday comes after 40 at the latest. */
const horizonYears = 50

/**
 * A cron line in its zone. Fire times are named by the clock on the wall:
 * one that does not exist, since clocks went forward over it, comes once, at the end of the gap (several in one gap: once);
 * one that exists twice, since clocks went back, comes once, the first time.
 * Lines whose hour field allows every hour count hours as they pass instead: they go on through both, and make up none.
 */
export class Cron {
  /** The line as given, without its zone. */
  readonly text: string
  readonly zone: Zone
  /** False when the zone is only that of this machine: another scheduler may have another. */
  readonly isZoneGiven: boolean
  readonly #fields: CronFields
  readonly #everyHour: boolean

  private constructor(text: string, zone: string | undefined, fields: CronFields) {
    this.text = text
    this.zone = zoneOf(zone ?? localZone())
    this.isZoneGiven = zone !== undefined
    this.#fields = fields
    this.#everyHour = fields.hours.length === 24
  }

  /**
   * @param text five or six fields, or `@daily` and the like, with an optional zone at the end
   * @param zone the entry's own `zone:`, which must not contradict the text
   * @param fallback the zone when neither names one; the machine's own by default
   * @throws RuntimeError ERR_SCHEDULE that names what is wrong with which field, also when the line can never fire
   */
  static parse(text: string, zone?: string, fallback?: string): Cron {
    if (/^(CRON_)?TZ=/i.test(text.trim()))
      throw new RuntimeError(
        'ERR_SCHEDULE',
        `cron: expected the zone at the end of the line, got ${JSON.stringify(text)}`,
      )
    const tokens = text.trim().split(/\s+/)
    const last = tokens.at(-1) ?? ''
    const shortest = text.trim().startsWith('@') ? 1 : 5
    const trailing = tokens.length > shortest && (looksLikeZone.test(last) || isZone(last)) ? last : undefined
    if (trailing !== undefined && zone !== undefined && trailing !== zone) {
      throw new RuntimeError(
        'ERR_SCHEDULE',
        `cron: expected one zone, got ${trailing} in the line and ${zone} in zone:`,
      )
    }
    const line = trailing === undefined ? tokens.join(' ') : tokens.slice(0, -1).join(' ')
    const cron = new Cron(line, trailing ?? zone ?? fallback, parseCronFields(line))
    if (cron.#nextWall(Date.UTC(2024, 0)) === undefined) {
      throw new RuntimeError(
        'ERR_SCHEDULE',
        `cron: expected a date that exists, got ${JSON.stringify(line)}, which never comes`,
      )
    }
    return cron
  }

  /** The first fire time after an instant, whole seconds in milliseconds; undefined when there is none in 50 years. */
  next(afterMs: number): number | undefined {
    return this.#everyHour ? this.#nextElapsed(afterMs) : this.#nextNamed(afterMs)
  }

  /** The last fire time at or before an instant. */
  previous(atMs: number): number | undefined {
    let low: number | undefined
    for (let span = 60_000; low === undefined && span < horizonYears * 366 * dayMs; span *= 8) {
      const first = this.next(atMs - span)
      if (first !== undefined && first <= atMs) low = first
    }
    if (low === undefined) return undefined
    let high = atMs
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      const next = this.next(middle - 1)
      if (next !== undefined && next <= atMs) low = next
      else high = middle - 1
    }
    return low
  }

  /** True when Ruby's scheduler reads the line; one that it cannot read ends it. */
  get isReadByRuby(): boolean {
    return isFugitLine(this.text, this.#fields)
  }

  /** The line in words: `At 08:00, only on Monday`; the line itself where words could differ from what fires. */
  describe(): string {
    return describeFields(this.#fields) ?? this.text
  }

  #nextNamed(afterMs: number): number | undefined {
    let wall = this.#nextWall(this.zone.wallAt(afterMs))
    while (wall !== undefined) {
      const instant = this.zone.instantOf(wall)
      if (instant > afterMs) return instant
      wall = this.#nextWall(wall + 1000)
    }
    return undefined
  }

  /** Walks from one change of offset to the next: between them wall and elapsed time are the same. */
  #nextElapsed(afterMs: number): number | undefined {
    let from = Math.floor(afterMs / 1000) * 1000 + 1000
    for (let changes = 0; changes < 4 * horizonYears; changes += 1) {
      const offset = this.zone.offsetAt(from)
      const end = this.zone.changeAfter(from)?.atMs ?? from + 300 * dayMs
      const wall = this.#nextWall(from + offset)
      if (wall === undefined) return undefined
      if (wall - offset < end) return wall - offset
      from = end
    }
    return undefined
  }

  /** The first wall time at or after `wallMs` that the fields allow. */
  #nextWall(wallMs: number): number | undefined {
    const fields = this.#fields
    const start = new Date(Math.ceil(wallMs / 1000) * 1000)
    const lastYear = start.getUTCFullYear() + horizonYears
    let day = Date.UTC(start.getUTCFullYear(), start.getUTCMonth(), start.getUTCDate())
    let time = timeAtOrAfter(fields, (start.getTime() - day) / 1000)
    for (;;) {
      const date = new Date(day)
      if (date.getUTCFullYear() > lastYear) return undefined
      if (!fields.months.includes(date.getUTCMonth() + 1)) {
        day = Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1)
        time = timeAtOrAfter(fields, 0)
        continue
      }
      if (time !== undefined && allowsDay(fields, date)) return day + time * 1000
      day += dayMs
      time = timeAtOrAfter(fields, 0)
    }
  }
}

function allowsDay(fields: CronFields, date: Date): boolean {
  const daysInMonth = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate()
  const day = date.getUTCDate()
  const byMonthDay = (): boolean => fields.monthDays.includes(day) || fields.monthDays.includes(day - daysInMonth - 1)
  const byWeekday = (): boolean =>
    fields.weekdays.some(({ day: wanted, nth, every }) => {
      if (wanted !== date.getUTCDay()) return false
      if (every) return (((weekOf(date) - every[1]) % every[0]) + every[0]) % every[0] === 0
      if (nth === undefined) return true
      return nth > 0 ? Math.ceil(day / 7) === nth : Math.ceil((daysInMonth - day + 1) / 7) === -nth
    })
  if (fields.monthDayGiven && fields.weekdayGiven)
    return fields.both ? byMonthDay() && byWeekday() : byMonthDay() || byWeekday()
  if (fields.monthDayGiven) return byMonthDay()
  return fields.weekdayGiven ? byWeekday() : true
}

const weekOf = (date: Date): number => Math.floor((date.getTime() - firstWeekMs) / (7 * dayMs))

/** Seconds since midnight of the first allowed time at or after a second of the day; undefined when the day has none. */
function timeAtOrAfter(fields: CronFields, secondOfDay: number): number | undefined {
  const at = { h: Math.floor(secondOfDay / 3600), m: Math.floor(secondOfDay / 60) % 60, s: secondOfDay % 60 }
  for (const h of fields.hours) {
    if (h < at.h) continue
    if (h > at.h) return h * 3600 + first(fields.minutes) * 60 + first(fields.seconds)
    for (const m of fields.minutes) {
      if (m < at.m) continue
      const s = m > at.m ? first(fields.seconds) : fields.seconds.find((each) => each >= at.s)
      if (s !== undefined) return h * 3600 + m * 60 + s
    }
  }
  return undefined
}

const first = (numbers: number[]): number => numbers[0] ?? 0

import cronstrue from 'cronstrue'

/** A field with more values than this is not written as a list. */
const listMax = 12

/**
 * The fields of a cron line in words; undefined where cronstrue has none that say just what fires. It gets a line that
 * is made of the fields: it reads some lines otherwise than they fire (every seventh minute, day or weekday, a step of 61).
 */
function describeFields(fields: CronFields): string | undefined {
  const { seconds, minutes, hours, months, monthDayGiven, weekdayGiven } = fields
  const monthDays = monthDayGiven ? monthDayField(fields) : '*'
  const weekdays = weekdayGiven ? weekdayField(fields) : '*'
  const parts = [
    ...(seconds.length === 1 && seconds[0] === 0 ? [] : [field(seconds, 0, 59)]),
    ...[field(minutes, 0, 59), field(hours, 0, 23), monthDays, field(months, 1, 12), weekdays],
  ]
  if (parts.includes(undefined) || (monthDayGiven && weekdayGiven)) return undefined
  return cronstrue.toString(parts.join(' '), { use24HourTimeFormat: true, monthStartIndexZero: false })
}

/** The shortest field with just these values, which are in order; undefined when it is a long list. */
function field(values: readonly number[], min: number, max: number): string | undefined {
  const [first = min, second = first] = values
  const step = second - first
  const size = max - min + 1
  const isEven = values.length > 2 && values.every((value, i) => value === first + i * step)
  if (values.length === size) return '*'
  if (isEven && step === 1) return `${first}-${first + values.length - 1}`
  if (isEven && first === min && values.length * step === size) return `*/${step}`
  return values.length <= listMax ? values.join(',') : undefined
}

function monthDayField({ monthDays }: CronFields): string | undefined {
  if (monthDays.length === 1 && monthDays[0] === -1) return 'L'
  const [first = 1] = monthDays
  // Months differ in length, so a step has no whole number of them.
  return first > 0 ? field(monthDays, 1, Infinity) : undefined
}

function weekdayField({ weekdays }: CronFields): string | undefined {
  const [first] = weekdays
  if (weekdays.length === 1 && first?.nth !== undefined) {
    if (first.nth > 0) return `${first.day}#${first.nth}`
    return first.nth === -1 ? `${first.day}L` : undefined
  }
  if (weekdays.some(({ nth, every }) => nth !== undefined || every !== undefined)) return undefined
  const days = [...new Set(weekdays.map(({ day }) => day))].sort((a, b) => a - b)
  return days.length === 7 ? '*' : field(days, 0, Infinity)
}

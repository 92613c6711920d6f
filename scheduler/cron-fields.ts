import { RuntimeError } from '../runtime/core/errors.ts'

/** A weekday of a cron line: 0 is Sunday; `nth` counts from the month's start, or from its end when negative. */
export interface Weekday {
  day: number
  nth?: number
}

/** The values each field allows. Days of the month below zero count from the month's end: -1 is the last day. */
export interface CronFields {
  seconds: number[]
  minutes: number[]
  hours: number[]
  monthDays: number[]
  months: number[]
  weekdays: Weekday[]
  /** False for `*`: when both are restricted a day that suits either of them counts, as in Vixie cron. */
  monthDayGiven: boolean
  weekdayGiven: boolean
}

const shorthands = new Map(
  Object.entries({
    '@yearly': '0 0 1 1 *',
    '@annually': '0 0 1 1 *',
    '@monthly': '0 0 1 * *',
    '@weekly': '0 0 * * 0',
    '@daily': '0 0 * * *',
    '@midnight': '0 0 * * *',
    '@noon': '0 12 * * *',
    '@hourly': '0 * * * *',
  }),
)
const monthNames = [
  'january',
  'february',
  'march',
  'april',
  'may',
  'june',
  'july',
  'august',
  'september',
  'october',
  'november',
  'december',
]
const dayNames = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday']

interface Field {
  name: string
  min: number
  max: number
  /** Names that stand for min, min + 1, … */
  names?: string[]
}

const second: Field = { name: 'second', min: 0, max: 59 }
const minute: Field = { name: 'minute', min: 0, max: 59 }
const hour: Field = { name: 'hour', min: 0, max: 23 }
const monthDay: Field = { name: 'day of month', min: 1, max: 31 }
const month: Field = { name: 'month', min: 1, max: 12, names: monthNames }
const weekday: Field = { name: 'weekday', min: 0, max: 6, names: dayNames }

function refuse(field: Field, expected: string, got: string): never {
  throw new RuntimeError('ERR_SCHEDULE', `cron: ${field.name}: expected ${expected}, got ${JSON.stringify(got)}`)
}

/**
 * Reads the five or six fields of a cron line (seconds first when six), or an `@daily` kind of word.
 * @throws RuntimeError ERR_SCHEDULE that names the field
 */
export function parseCronFields(text: string): CronFields {
  const tokens = (shorthands.get(text.trim().toLowerCase()) ?? text).trim().split(/\s+/)
  if (tokens.length !== 5 && tokens.length !== 6) {
    throw new RuntimeError(
      'ERR_SCHEDULE',
      `cron: expected five fields (minute hour day month weekday), six (seconds first), or a word such as @daily, got ${JSON.stringify(text)}`,
    )
  }
  const [s = '0', m = '', h = '', dom = '', mon = '', dow = ''] = tokens.length === 5 ? ['0', ...tokens] : tokens
  return {
    seconds: values(second, s),
    minutes: values(minute, m),
    hours: values(hour, h),
    monthDays: sorted(parts(monthDay, dom).flatMap(monthDaysOf)),
    months: values(month, mon),
    weekdays: parts(weekday, dow).flatMap(weekdaysOf),
    monthDayGiven: !/^[*?]$/.test(dom),
    weekdayGiven: !/^[*?]$/.test(dow),
  }
}

const sorted = (numbers: number[]): number[] => [...new Set(numbers)].sort((a, b) => a - b)
const values = (field: Field, text: string): number[] =>
  sorted(parts(field, text).flatMap((part) => rangeOf(field, part)))

function parts(field: Field, text: string): string[] {
  const list = text.split(',')
  if (list.some((part) => part === '')) refuse(field, 'values between commas', text)
  return list
}

function monthDaysOf(part: string): number[] {
  const fromEnd = /^L(?:-(\d+))?$/i.exec(part)
  if (fromEnd) {
    const back = Number(fromEnd[1] ?? 0)
    return back <= 30 ? [-1 - back] : refuse(monthDay, 'L-0 to L-30', part)
  }
  if (/^-\d+$/.test(part))
    return Number(part) >= -31 && Number(part) < 0 ? [Number(part)] : refuse(monthDay, '-31 to -1', part)
  if (/w/i.test(part)) refuse(monthDay, 'days, ranges, steps or L (W, the nearest working day, is not supported)', part)
  return rangeOf(monthDay, part)
}

function weekdaysOf(part: string): Weekday[] {
  const nth = /^([^#]+)#(-?[1-5]|L)$/i.exec(part) ?? /^([0-7])(L)$/i.exec(part)
  if (nth) {
    const which = /L/i.test(nth[2] ?? '') ? -1 : Number(nth[2])
    return [{ day: number(weekday, nth[1] ?? ''), nth: which }]
  }
  if (part.includes('#')) refuse(weekday, 'a day and 1 to 5 or L, such as mon#2', part)
  if (/^L$/i.test(part)) return [{ day: 6 }]
  return rangeOf(weekday, part).map((day) => ({ day }))
}

/** `5`, `1-5`, `22-2` (over the top), the star for all, and each with a step: `10/20`, `8-18/2`. */
function rangeOf(field: Field, part: string): number[] {
  const [body = '', stepText, ...more] = part.split('/')
  const step = stepText === undefined ? 1 : Number(stepText)
  if (more.length > 0 || !/^\d+$/.test(stepText ?? '1') || step < 1)
    refuse(field, 'a step of one or more after /', part)
  const [from, to] = boundsOf(field, body, stepText !== undefined, part)
  const size = field.max - field.min + 1
  const count = to >= from ? to - from + 1 : to - from + 1 + size
  const result: number[] = []
  for (let i = 0; i < count; i += step) result.push(field.min + ((from - field.min + i) % size))
  return result
}

function boundsOf(field: Field, body: string, stepped: boolean, part: string): [number, number] {
  if (body === '*' || body === '?') return [field.min, field.max]
  const [fromText = '', toText, ...more] = body.split('-')
  if (more.length > 0) refuse(field, 'a range such as 1-5', part)
  // `sun-sat` and `0-7` are whole weeks, and `5-7` ends on a Sunday that has the number 0.
  const from = number(field, fromText)
  if (toText === undefined) return [from, stepped ? field.max : from]
  const to = number(field, toText)
  return field === weekday && fromText === '0' && toText === '7' ? [0, 6] : [from, to]
}

function number(field: Field, text: string): number {
  const lower = text.toLowerCase()
  const named = lower.length < 3 ? -1 : (field.names ?? []).findIndex((name) => name.startsWith(lower))
  if (named >= 0) return field.min + named
  const value = /^\d{1,2}$/.test(text) ? Number(text) : NaN
  if (field === weekday && value === 7) return 0
  if (field === hour && value === 24) return 0
  if (value >= field.min && value <= field.max) return value
  return refuse(
    field,
    `${field.min} to ${field.max}${field.names ? ` or ${(field.names[1] ?? '').slice(0, 3)} …` : ''}`,
    text,
  )
}

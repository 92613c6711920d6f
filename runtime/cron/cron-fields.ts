import { RuntimeError } from '../core/errors.ts'

/**
 * A weekday of a cron line: 0 is Sunday. `nth` counts from the month's start, or from its end when negative.
 * `every: [2, 1]` is each second week whose number, divided by two, leaves one.
 */
export interface Weekday {
  day: number
  nth?: number
  every?: [weeks: number, rest: number]
}

/** The values each field allows. Days of the month below zero count from the month's end: -1 is the last day. */
export interface CronFields {
  seconds: number[]
  minutes: number[]
  hours: number[]
  monthDays: number[]
  months: number[]
  weekdays: Weekday[]
  /** False for a field that allows all days. When both are given a day that suits either of them counts, as in Vixie cron. */
  monthDayGiven: boolean
  weekdayGiven: boolean
  /** fugit's `&`: a day must suit both fields. */
  both: boolean
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
const monthNames = 'january february march april may june july august september october november december'.split(' ')
const dayNames = 'sunday monday tuesday wednesday thursday friday saturday'.split(' ')

interface Field {
  name: string
  min: number
  max: number
  /** Names that stand for min, min + 1, … */
  names?: string[]
  /** The number beside the range that stands for its smallest: hour 24, weekday 7. */
  over?: number
}

const second: Field = { name: 'second', min: 0, max: 59 }
const minute: Field = { name: 'minute', min: 0, max: 59 }
const hour: Field = { name: 'hour', min: 0, max: 23, over: 24 }
const monthDay: Field = { name: 'day of month', min: 1, max: 31 }
const month: Field = { name: 'month', min: 1, max: 12, names: monthNames }
const weekday: Field = { name: 'weekday', min: 0, max: 6, names: dayNames, over: 7 }

function refuse(field: Field, expected: string, got: string): never {
  throw new RuntimeError('ERR_SCHEDULE', `cron: ${field.name}: expected ${expected}, got ${JSON.stringify(got)}`)
}

/**
 * Reads the five or six fields of a cron line (seconds first when six), or an `@daily` kind of name. Fields mean what they
 * mean to fugit, the parser of resque-scheduler; docs/scheduler.md has what either does not read.
 * @throws RuntimeError ERR_SCHEDULE that names the field
 */
export function parseCronFields(text: string): CronFields {
  const tokens = (shorthands.get(text.trim().toLowerCase()) ?? text).trim().split(/\s+/)
  if (tokens.length !== 5 && tokens.length !== 6) refuseLine(text, tokens.length)
  const [s = '0', m = '', h = '', dom = '', mon = '', dow = ''] = tokens.length === 5 ? ['0', ...tokens] : tokens
  const domParts = parts(monthDay, dom.replace(/&$/, ''))
  // A star beside other weekdays adds none, as in fugit.
  const dowParts = parts(weekday, dow.replace(/&$/, '')).filter((part) => !/^[*?]$/.test(part))
  return {
    seconds: values(second, s),
    minutes: values(minute, m),
    hours: values(hour, h),
    monthDays: sorted(domParts.flatMap(monthDaysOf)),
    months: values(month, mon),
    weekdays: dowParts.flatMap(weekdaysOf),
    monthDayGiven: !domParts.some((part) => /^([*?]|1-31)?(\/0?1)?$/.test(part)),
    weekdayGiven: dowParts.length > 0,
    both: dom.endsWith('&') || dow.endsWith('&'),
  }
}

function refuseLine(text: string, count: number): never {
  const cure = /^@reboot/i.test(text)
    ? '; @reboot is not supported: enqueue the job when your application starts'
    : /^@every/i.test(text)
      ? '; write every: in place of cron:'
      : count === 7
        ? '; a field of years is not supported'
        : ''
  throw new RuntimeError(
    'ERR_SCHEDULE',
    `cron: expected five fields (minute hour day month weekday), six (seconds first), or a name such as @daily, got ${JSON.stringify(text)}${cure}`,
  )
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
  if (/w/i.test(part)) refuse(monthDay, 'days, ranges, steps or L (W, the nearest working day, is not supported)', part)
  const before = /^L-(\d+)$/i.exec(part)
  if (before) return Number(before[1]) <= 30 ? [-1 - Number(before[1])] : refuse(monthDay, 'L-0 to L-30', part)
  const [range = '', stepText] = part.split('/')
  const ends = (/^(-?\d+|last|L)(?:-(-?\d+|last|L))?$/i.exec(range) ?? []).slice(1).filter((end) => end !== undefined)
  const [from = 0, to = from] = ends.map((end) => (/^l/i.test(end) ? -1 : Number(end)))
  if (from >= 0 && to >= 0) return rangeOf(monthDay, part)
  // `15-L` ends on whichever day is the last; days from the end are a range of their own.
  if (from > 0) return rangeOf(monthDay, [`${from}-31`, ...(stepText === undefined ? [] : [stepText])].join('/'))
  if (from < -31 || to < from || to > -1 || (stepText !== undefined && ends.length < 2))
    refuse(monthDay, '-31 to -1 in order, such as -3--1', part)
  const step = stepOf(monthDay, stepText, part)
  return Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, i) => from + i * step)
}

function weekdaysOf(part: string): Weekday[] {
  const nth = /^([^#]+)#(-?[1-5]|L|last)$/i.exec(part) ?? /^([0-7]|[a-z]{3,})(L)$/i.exec(part)
  if (nth) {
    const which = /L/i.test(nth[2] ?? '') ? -1 : Number(nth[2])
    return [{ day: number(weekday, nth[1] ?? ''), nth: which }]
  }
  if (part.includes('#')) refuse(weekday, 'a day and 1 to 5 or L, such as mon#2', part)
  const every = /^([^%]+)%(\d{1,3})(?:\+(\d{1,3}))?$/.exec(part)
  if (every && Number(every[2]) > 0) {
    const weeks = Number(every[2])
    return [{ day: number(weekday, every[1] ?? ''), every: [weeks, Number(every[3] ?? 0) % weeks] }]
  }
  if (part.includes('%')) refuse(weekday, 'a day and a number of weeks, such as mon%2 or mon%2+1', part)
  if (/^L$/i.test(part)) return [{ day: 6 }]
  return rangeOf(weekday, part).map((day) => ({ day }))
}

function stepOf(field: Field, stepText: string | undefined, part: string): number {
  if (stepText === undefined) return 1
  return /^\d{1,3}$/.test(stepText) && Number(stepText) > 0
    ? Number(stepText)
    : refuse(field, 'a step of one or more after /', part)
}

/** `5`, `1-5`, `22-2` (over the top), the star for all, and each with a step: `10/20`, `8-18/2`, `/15`. */
function rangeOf(field: Field, part: string): number[] {
  const [body = '', stepText, ...more] = part.split('/')
  if (more.length > 0) refuse(field, 'a step of one or more after /', part)
  if (body.includes('~'))
    refuse(field, 'values, ranges or steps (~, a random value, is not supported; use jitter:)', part)
  const step = stepOf(field, stepText, part)
  const [from, to] = boundsOf(field, body, stepText !== undefined, part)
  const result: number[] = []
  for (let value = from; value <= to; value += step)
    result.push(field.min + ((value - field.min) % (field.max - field.min + 1)))
  return result
}

/** First and last value; the last lies beyond the field's where the range goes over the top. */
function boundsOf(field: Field, body: string, stepped: boolean, part: string): [number, number] {
  if (body === '*' || body === '?' || (body === '' && stepped)) return [field.min, field.max]
  const [fromText = '', toText, ...more] = body.split('-')
  if (more.length > 0) refuse(field, 'a range such as 1-5', part)
  const from = number(field, fromText)
  // A weekday with a step is that day alone: so fugit reads it, and Ruby's scheduler fires.
  if (toText === undefined) return [from, stepped && field !== weekday ? field.max : from]
  const to = Number(toText) === field.over && Number(fromText) !== field.over ? field.over : number(field, toText)
  return [from, to < from ? to + field.max - field.min + 1 : to]
}

function number(field: Field, text: string): number {
  const lower = text.toLowerCase()
  const named = lower.length < 3 ? -1 : (field.names ?? []).findIndex((name) => name.startsWith(lower))
  if (named >= 0) return field.min + named
  const value = /^\d{1,2}$/.test(text) ? Number(text) : NaN
  if (value === field.over) return field.min
  if (value >= field.min && value <= field.max) return value
  return refuse(
    field,
    `${field.min} to ${field.over ?? field.max}${field.names ? ` or ${(field.names[1] ?? '').slice(0, 3)} …` : ''}`,
    text,
  )
}

const fugit = {
  hour: '(2[0-4]|[01]?\\d)',
  minute: '[0-5]?\\d',
  monthDay: '(-?(3[01]|[12]\\d|0?[1-9])|last|l)',
  month: '(1[0-2]|0?[1-9]|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)',
  weekday: '([0-7]|sun|mon|tue|wed|thu|fri|sat)',
}
const list = (value: string, more = ''): string => {
  const element = `(\\/\\d\\d?|(\\*|${value}(-${value})?)(\\/\\d\\d?)?${more})`
  return `${element}(,${element})*`
}
const fugitLine = new RegExp(
  `^(${list(fugit.minute)} )?${list(fugit.minute)} ${list(fugit.hour)} ${list(fugit.monthDay)} ${list(fugit.month)} ` +
    `${list(fugit.weekday, `|${fugit.weekday}(#(-?[1-5]|last|l)|%\\d+(\\+\\d+)?)`)}$`,
  'i',
)

/**
 * True when every version of fugit reads a line (without its zone). Ruby's scheduler ends when it meets another line.
 * `&` and days that are in none of the months are refused by some versions; `L-2` raises an ArgumentError.
 */
export function isFugitLine(text: string, { monthDays, months }: CronFields): boolean {
  const line = text.trim().split(/\s+/).join(' ')
  if (shorthands.has(line)) return true
  const isIn = (day: number): boolean => months.some((each) => day <= new Date(Date.UTC(2024, each, 0)).getUTCDate())
  return fugitLine.test(line) && !/(^|[ ,])(l|last|-\d+)-\d/i.test(line) && monthDays.some(isIn)
}

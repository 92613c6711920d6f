import { inspect } from 'node:util'
import { clip } from '../../config/clip.ts'
import { readDuration } from '../../config/units.ts'
import { RuntimeError } from './errors.ts'

/**
 * A length of time: a number of milliseconds, or text with units, such as `'5 days'`, `'10s'`, `'1h30m'`, `'1.5 hours'`
 * or `'PT5M'`. A month is 30 days, a year 365.
 * @example
 * ```ts
 * const delays: Duration[] = ['5 days', '1h30m', 'PT5M', 90_000]
 * ```
 */
export type Duration = number | string

/**
 * A length of time as a parameter: `enqueueIn('5 fortnights', …)` does not compile. A literal is checked as
 * {@link duration} checks it when it is called; a `string`, or a template such as `${n} days`, is taken.
 * @example
 * ```ts
 * const remindIn = <D extends string>(delay: DurationOf<D>) => enqueueIn(delay, ReminderJob, 'u1')
 * await remindIn('2h')
 * ```
 */
export type DurationOf<D extends string> = number | CheckedText<D>

/** Distributes over a union of literals. */
type CheckedText<D extends string> = D extends string
  ? Record<never, never> extends Record<D, unknown>
    ? D
    : IsDuration<Trimmed<D>> extends true
      ? D
      : "a length of time such as '10s', '1h30m', '5 days' or 'PT5M'"
  : never

type IsDuration<S extends string> =
  Uppercase<S> extends `P${string}${'Y' | 'M' | 'W' | 'D' | 'H' | 'S'}`
    ? true
    : S extends `${Digit | `.${Digit}`}${string}`
      ? Word<Trimmed<AfterCount<S>>> extends [infer W extends string, infer Rest extends string]
        ? W extends 'M'
          ? false
          : Lowercase<W> extends Unit
            ? Rest extends ''
              ? true
              : IsDuration<AfterSeparator<Rest>>
            : false
        : false
      : false

type Digit = '0' | '1' | '2' | '3' | '4' | '5' | '6' | '7' | '8' | '9'
type LongUnit = 'year' | 'month' | 'week' | 'day' | 'hour' | 'minute' | 'second' | 'millisecond'
type ShortUnit = 'y' | 'mo' | 'mon' | 'w' | 'd' | 'h' | 'm' | 's' | 'ms' | 'millis'
/** The units of config/units.ts, in lower case. */
type Unit = ShortUnit | `${LongUnit | 'yr' | 'hr' | 'min' | 'sec' | 'msec'}${'' | 's'}`

/** The text behind its number. */
type AfterCount<S extends string> = S extends `${Digit | '.'}${infer Rest}` ? AfterCount<Rest> : S
/** The letters that a text begins with, and what follows them. */
type Word<S extends string, Begun extends string = ''> = S extends `${infer C}${infer Rest}`
  ? Uppercase<C> extends Lowercase<C>
    ? [Begun, S]
    : Word<Rest, `${Begun}${C}`>
  : [Begun, '']
type AfterSeparator<S extends string> = S extends `${' ' | ',' | 'and '}${infer Rest}` ? AfterSeparator<Rest> : S
type Trimmed<S extends string> = S extends ` ${infer Rest}` | `${infer Rest} ` ? Trimmed<Rest> : S

const dayMs = 86_400_000
/** The longest length of time that is taken: a hundred years. */
export const longestMs = 100 * 365 * dayMs
/** A number this large (31 years) is taken for a point in time, such as `Date.now()`, passed where a duration belongs. */
const firstMomentMs = Date.UTC(2001, 0)

/**
 * Milliseconds of a {@link Duration}; whole, zero or more, at most a hundred years.
 * @param what names the value in the error, such as `timeout of ReminderJob`
 * @throws RuntimeError ERR_ARGUMENT, also for text without a unit, for `'1M'`, and for a number that is a moment
 */
export function duration(value: Duration, what = 'duration'): number {
  const given: unknown = value
  const reading =
    typeof given === 'number' ? numberOf(given) : typeof given === 'string' ? readDuration(given) : { advice: '' }
  if ('ms' in reading && reading.ms >= 0 && reading.ms <= longestMs) return Math.round(reading.ms)
  const advice = 'advice' in reading ? reading.advice : ''
  // A flag is text, whatever it says.
  const numbers = what.startsWith('--') ? '' : 'milliseconds or '
  throw new RuntimeError(
    'ERR_ARGUMENT',
    `${what}: expected ${numbers}text like '10s', '1h30m' or '5 days', up to 100 years, got ${shown(given)}${advice}`,
  )
}

/**
 * How long something is kept: like {@link duration}, and -1 keeps it for ever, as in Gush.
 * @returns milliseconds, 0 for ever
 * @throws RuntimeError ERR_ARGUMENT
 */
export function keptMs(value: Duration, what: string): number {
  return String(value).trim() === '-1' ? 0 : duration(value, `${what} (-1 keeps it for ever)`)
}

function numberOf(ms: number): ReturnType<typeof readDuration> {
  if (!(ms >= firstMomentMs && ms <= longestMs)) return { ms }
  return { advice: `; that is the moment ${new Date(ms).toISOString()}: subtract Date.now(), or use enqueueAt` }
}

/**
 * Milliseconds since 1970 of a moment from 2001 to a hundred years from now.
 * @param what names the value in the error, such as `enqueueAt ReminderJob`
 * @throws RuntimeError ERR_ARGUMENT, with the likely mistake: seconds, microseconds or a delay in place of milliseconds
 */
export function moment(at: Date | number, what: string, nowMs: number): number {
  const given: unknown = at
  const ms = given instanceof Date ? given.getTime() : typeof given === 'number' ? given : NaN
  if (ms >= firstMomentMs && ms <= nowMs + longestMs) return ms
  throw new RuntimeError(
    'ERR_ARGUMENT',
    `${what}: expected a Date or milliseconds since 1970, from 2001 to 100 years from now, got ${shown(given)}${likelyCure(given, ms, nowMs)}`,
  )
}

function likelyCure(given: unknown, ms: number, nowMs: number): string {
  const isMoment = (each: number): boolean => each >= firstMomentMs && each <= nowMs + longestMs
  if (typeof given === 'string' && !Number.isNaN(Date.parse(given))) return `; write new Date(${JSON.stringify(given)})`
  if (isMoment(ms * 1000)) return '; that looks like seconds: multiply by 1000'
  if (isMoment(ms / 1000)) return '; that looks like microseconds: divide by 1000'
  if (isMoment(ms / 1e6)) return '; that looks like nanoseconds: divide by 1000000'
  return typeof given === 'number' && ms >= 0 && ms < firstMomentMs ? '; that looks like a delay: use enqueueIn' : ''
}

/** A value as a message shows it: text in quotes, at most 100 characters; NaN, a BigInt or an object by what it is. */
export const shown = (value: unknown): string =>
  typeof value === 'string' ? JSON.stringify(clip(value, 100)) : inspect(value, { depth: 0, breakLength: Infinity })

/**
 * `days(5)` is five days in milliseconds.
 * @example
 * ```ts
 * await enqueueIn(days(5), ReminderJob, 'u1')
 * ```
 */
export const days = (n: number): number => n * dayMs
/**
 * `hours(5)` is five hours in milliseconds.
 * @example
 * ```ts
 * await enqueueIn(hours(2), ReminderJob, 'u1')
 * ```
 */
export const hours = (n: number): number => n * 3_600_000
/**
 * `minutes(5)` is five minutes in milliseconds.
 * @example
 * ```ts
 * await enqueueIn(minutes(90), ReminderJob, 'u1')
 * ```
 */
export const minutes = (n: number): number => n * 60_000
/**
 * `seconds(5)` is five seconds in milliseconds.
 * @example
 * ```ts
 * await enqueueIn(seconds(30), ReminderJob, 'u1')
 * ```
 */
export const seconds = (n: number): number => n * 1000

/**
 * Short text for people: `350ms`, `1.2s`, `1h30m`, `2d`.
 * @param parts the most units from a minute on; the rest is dropped. `Infinity` drops nothing, down to the millisecond
 */
export function formatDuration(valueMs: number, parts = 2): string {
  if (valueMs < 1000) return `${Math.round(valueMs)}ms`
  if (valueMs < 60_000 && parts !== Infinity) return `${(valueMs / 1000).toFixed(1)}s`
  let restMs = Math.round(valueMs)
  const pieces: string[] = []
  for (const [word, unitMs] of Object.entries({ d: dayMs, h: 3_600_000, m: 60_000, s: 1000, ms: 1 })) {
    if (restMs >= unitMs) pieces.push(`${Math.floor(restMs / unitMs)}${word}`)
    restMs %= unitMs
  }
  return pieces.slice(0, parts).join('')
}

/** `3s ago`, `in 5m`: a moment as people say it. */
export function relative(atMs: number, nowMs: number): string {
  const distance = Math.abs(atMs - nowMs)
  const text =
    distance < 60_000
      ? `${Math.round(distance / 1000)}s`
      : distance < 3_600_000
        ? `${Math.round(distance / 60_000)}m`
        : distance < 172_800_000
          ? `${Math.round(distance / 3_600_000)}h`
          : `${Math.round(distance / 86_400_000)}d`
  return atMs > nowMs ? `in ${text}` : `${text} ago`
}

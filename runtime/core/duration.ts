import ms from 'ms'
import { RuntimeError } from './errors.ts'

/** A span of time: milliseconds, or text such as `'5 days'`, `'10s'`, `'1.5h'` (the `ms` package's forms). */
export type Duration = number | string

const longestMs = 100 * 365 * 86_400_000

/**
 * Milliseconds of a {@link Duration}; whole, zero or more, at most a hundred years.
 * @param what names the value in the error, such as `timeout of ReminderJob`
 * @throws RuntimeError ERR_ARGUMENT
 */
export function duration(value: Duration, what = 'duration'): number {
  const result = typeof value === 'number' ? value : parse(value)
  if (typeof result === 'number' && result >= 0 && result <= longestMs) return Math.round(result)
  throw new RuntimeError(
    'ERR_ARGUMENT',
    `${what}: expected milliseconds or text like '5 days' or '10s' (0 to 100 years), got ${JSON.stringify(value)}`,
  )
}

function parse(text: unknown): number | undefined {
  if (typeof text !== 'string' || text.trim() === '' || text.length > 100) return undefined
  return ms(text.trim() as ms.StringValue)
}

/** `days(5)` is five days in milliseconds. */
export const days = (n: number): number => n * 86_400_000
/** `hours(5)` is five hours in milliseconds. */
export const hours = (n: number): number => n * 3_600_000
/** `minutes(5)` is five minutes in milliseconds. */
export const minutes = (n: number): number => n * 60_000
/** `seconds(5)` is five seconds in milliseconds. */
export const seconds = (n: number): number => n * 1000

/** Short text for people: `1.2s`, `350ms`, `2d`. */
export function formatDuration(valueMs: number): string {
  if (valueMs >= 1000 && valueMs < 60_000) return `${(valueMs / 1000).toFixed(1)}s`
  return ms(Math.round(valueMs))
}

import { readDuration } from '../../config/units.ts'
import { longestMs } from '../../runtime/core/duration.ts'
import { RuntimeError } from '../../runtime/core/errors.ts'

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

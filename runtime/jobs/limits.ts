import { givenArgs } from '../core/codec.ts'
import { duration, type Duration } from '../core/duration.ts'
import { RuntimeError } from '../core/errors.ts'
import { jsonText } from '../core/json-text.ts'
import type { UniqueLock } from '../store/queues/new-job.ts'
import type { LimitRequest } from '../messages.ts'
import { period, refuse, wholeNumber } from './option-values.ts'

/** Which jobs share one limit: the arguments give the key; without `by` all jobs of the class share one. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the arguments are the job's own; a narrower type would refuse every function a user writes
export type KeyOf = (...args: any[]) => string | number

/** Options that make jobs wait for each other. */
export interface LimitOptions {
  /**
   * At most one such job waits or runs. The lock lasts until the job has ended, however late (`until: 'end'`), or until it
   * starts. Only where it cannot be seen whether the job still waits (a queue of more than 50,000) does it end `for` after
   * the job was due, an hour by default.
   */
  unique?:
    | boolean
    | {
        /** How long the lock lasts after the job was due, where nothing else ends it: an hour by default. */
        for?: Duration
        /** The key of the lock; by default all arguments together. */
        by?: KeyOf
        /** What releases the lock; `end` by default. */
        until?: 'start' | 'end'
      }
  /** At most `limit` of these run at once, across all workers. */
  concurrency?:
    | number
    | {
        /** 1 to 1,000,000 jobs. */
        limit: number
        /** Jobs with the same key share the limit; without it all of the class. */
        by?: KeyOf
      }
  /** At most `limit` of these start within `per`. */
  rateLimit?: {
    /** 1 to 1,000,000 jobs. */
    limit: number
    /** The length of a window, `'1m'` or milliseconds. */
    per: Duration
    /** Jobs with the same key share the limit; without it all of the class. */
    by?: KeyOf
  }
}

type Given<Name extends keyof LimitOptions> = NonNullable<LimitOptions[Name]>

/** Checks the option `unique`. @throws RuntimeError ERR_ARGUMENT */
export function checkUnique(given: Given<'unique'>, of: string): void {
  if (typeof given === 'boolean') return
  checkShape(given, 'unique', of, 'true, false or { for, by, until }', ['for', 'by', 'until'])
  const { for: lasts, until = 'end' } = given
  if (lasts !== undefined) period(lasts, of, 'unique.for')
  if (!['start', 'end'].includes(until)) refuse(of, 'unique.until', 'start or end', until)
}

/** Checks the option `concurrency`. @throws RuntimeError ERR_ARGUMENT */
export function checkConcurrency(given: Given<'concurrency'>, of: string): void {
  if (typeof given !== 'number')
    checkShape(given, 'concurrency', of, 'a whole number or { limit, by }', ['limit', 'by'])
  mostJobs(typeof given === 'number' ? given : given.limit, of, 'concurrency')
}

/** Checks the option `rateLimit`. @throws RuntimeError ERR_ARGUMENT */
export function checkRateLimit(given: Given<'rateLimit'>, of: string): void {
  checkShape(given, 'rateLimit', of, '{ limit, per, by }', ['limit', 'per', 'by'])
  mostJobs(given.limit, of, 'rateLimit.limit')
  period(given.per, of, 'rateLimit.per')
}

const mostJobs = wholeNumber(1, 1_000_000)

function checkShape(value: unknown, name: string, of: string, expected: string, keys: readonly string[]): void {
  if (typeof value !== 'object' || value === null) refuse(of, name, expected, value)
  for (const key of Object.keys(value))
    if (!keys.includes(key)) refuse(of, `${name}.${key}`, `one of ${keys.join(', ')}`, key)
  const { by } = value as { by?: unknown }
  if (by !== undefined && typeof by !== 'function') refuse(of, `${name}.by`, 'a function of the arguments', by)
}

/** The limits that a job must pass, from its options and arguments; none for most. Keys begin with the class name. */
export function limitsOf(
  name: string,
  { concurrency, rateLimit }: LimitOptions,
  args: readonly unknown[],
): LimitRequest[] {
  const limits: LimitRequest[] = []
  if (concurrency !== undefined) {
    const { limit, by } = typeof concurrency === 'number' ? { limit: concurrency } : concurrency
    limits.push({ kind: 'concurrency', key: keyFor(name, 'concurrency', by, args), limit })
  }
  if (rateLimit)
    limits.push({
      kind: 'rate',
      key: keyFor(name, 'rateLimit', rateLimit.by, args),
      limit: rateLimit.limit,
      perMs: duration(rateLimit.per),
    })
  return limits
}

/** The unique lock a job takes when it is enqueued, or undefined. All arguments, as they are written, make the key unless `by` says otherwise. */
export function uniqueOf(name: string, { unique }: LimitOptions, args: readonly unknown[]): UniqueLock | undefined {
  if (unique === undefined || unique === false) return undefined
  const { by, for: lasts = '1h', until = 'end' } = unique === true ? {} : unique
  return {
    key: by ? keyFor(name, 'unique', by, args) : `${name}:${jsonText(givenArgs(args))}`,
    forMs: duration(lasts),
    ...(until === 'start' ? { until } : {}),
  }
}

/** An object as text is the same for all objects, and nothing is the same as nothing: jobs would share a limit unawares. */
function keyFor(name: string, option: string, by: KeyOf | undefined, args: readonly unknown[]): string {
  if (!by) return name
  const key: unknown = by(...args)
  if (typeof key === 'string' || typeof key === 'number') return `${name}:${key}`
  throw new RuntimeError(
    'ERR_ARGUMENT',
    `${option}.by of ${name}: expected text or a number for the key, got ${JSON.stringify(key) ?? typeof key}`,
  )
}

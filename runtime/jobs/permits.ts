import { givenArgs } from '../core/codec.ts'
import { jsonText } from '../core/json-text.ts'
import { duration } from '../core/duration.ts'
import { RuntimeError } from '../core/errors.ts'
import type { UniqueLock } from '../store/queues/queues.ts'
import type { JobOptions, KeyOf } from './options.ts'

/** A permit that a job needs before it performs; the same shape as the worker protocol's PermitRequest. */
export interface Permit {
  kind: 'concurrency' | 'rate'
  key: string
  limit: number
  /** Rate only: the window in which at most `limit` may start. */
  perMs?: number
}

/** The permits a job needs, from its options and arguments; none for most. Keys begin with the class name. */
export function permitsOf(name: string, options: JobOptions, args: readonly unknown[]): Permit[] {
  const { concurrency, rateLimit } = options
  const permits: Permit[] = []
  if (concurrency !== undefined) {
    const { limit, by } = typeof concurrency === 'number' ? { limit: concurrency } : concurrency
    permits.push({ kind: 'concurrency', key: keyFor(name, 'concurrency', by, args), limit })
  }
  if (rateLimit)
    permits.push({
      kind: 'rate',
      key: keyFor(name, 'rateLimit', rateLimit.by, args),
      limit: rateLimit.limit,
      perMs: duration(rateLimit.per),
    })
  return permits
}

/** The unique lock a job takes when it is enqueued, or undefined. All arguments, as they are written, make the key unless `by` says otherwise. */
export function uniqueOf(name: string, options: JobOptions, args: readonly unknown[]): UniqueLock | undefined {
  const { unique } = options
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

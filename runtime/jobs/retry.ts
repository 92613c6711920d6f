import { didYouMean } from '../../config/did-you-mean.ts'
import { duration, shown, type Duration } from '../core/duration.ts'
import { RuntimeError } from '../core/errors.ts'
import type { RetryPolicy } from '../messages.ts'

/** An error class, or its name. */
export type ErrorKind = string | (abstract new (...args: never[]) => Error)

/**
 * When to run a failed job again.
 * @example
 * ```ts
 * const patient: RetryOptions = { limit: 8, delay: '30s', maxDelay: '1h', not: ['TypeError'] }
 * await enqueue.with({ retry: patient })(ReminderJob, 'u1')
 * ```
 */
export interface RetryOptions {
  /** How many times after the first. */
  limit: number
  /** Before the first retry; 15 s by default. */
  delay?: Duration
  /** `fixed` d d d, `linear` d 2d 3d, `exponential` d 2d 4d (the default), or a function of the attempt just failed. */
  backoff?: 'fixed' | 'linear' | 'exponential' | ((attempt: number, error: Error) => Duration)
  /** No delay is longer; a day by default. */
  maxDelay?: Duration
  /** 0 to 1: the share of the delay that is drawn at random, so that a herd of failures spreads; 0.1 by default. */
  jitter?: number
  /** Only these errors; all by default. Deaths are named TimeoutError, MemoryLimitError and DirtyExit. */
  on?: ErrorKind[]
  /** Never these errors. */
  not?: ErrorKind[]
}

/** A `backoff` of the application's own. */
type Backoff = Extract<RetryOptions['backoff'], (...args: never[]) => unknown>

/**
 * Checks retry options and fills in what they leave out.
 * @throws RuntimeError ERR_ARGUMENT naming the option and the class
 */
export function retryPolicy(options: number | RetryOptions, of: string): RetryPolicy {
  checkShape(options, of)
  const given = typeof options === 'number' ? { limit: options } : options
  const { limit, delay = '15s', backoff = 'exponential', maxDelay = '1d', jitter = 0.1, on = [], not = [] } = given
  if (!Number.isInteger(limit) || limit < 0 || limit > 1000) {
    throw new RuntimeError(
      'ERR_ARGUMENT',
      `retry.limit of ${of}: expected a whole number from 0 to 1000, got ${shown(limit)}`,
    )
  }
  if (typeof backoff !== 'function' && !['fixed', 'linear', 'exponential'].includes(backoff)) {
    throw new RuntimeError(
      'ERR_ARGUMENT',
      `retry.backoff of ${of}: expected fixed, linear, exponential or a function, got ${shown(backoff)}`,
    )
  }
  if (!(jitter >= 0 && jitter <= 1)) {
    throw new RuntimeError('ERR_ARGUMENT', `retry.jitter of ${of}: expected 0 to 1, got ${shown(jitter)}`)
  }
  return {
    limit,
    delayMs: duration(delay, `retry.delay of ${of}`),
    backoff: typeof backoff === 'function' ? 'exponential' : backoff,
    maxDelayMs: duration(maxDelay, `retry.maxDelay of ${of}`),
    jitter,
    on: on.map(kindName),
    not: not.map(kindName),
  }
}

/** The function that computes the delays, where the options have one. */
export function backoffOf(options: number | RetryOptions): Backoff | undefined {
  return typeof options === 'object' && typeof options.backoff === 'function' ? options.backoff : undefined
}

const retryKeys = ['limit', 'delay', 'backoff', 'maxDelay', 'jitter', 'on', 'not']

function checkShape(options: unknown, of: string): void {
  if (typeof options === 'number') return
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw new RuntimeError(
      'ERR_ARGUMENT',
      `retry of ${of}: expected a whole number or { ${retryKeys.join(', ')} }, got ${shown(options)}`,
    )
  const unknown = Object.keys(options).find((key) => !retryKeys.includes(key))
  if (unknown !== undefined)
    throw new RuntimeError(
      'ERR_ARGUMENT',
      `retry.${unknown} of ${of}: expected one of ${retryKeys.join(', ')}, got ${shown(unknown)}${didYouMean(unknown, retryKeys)}`,
    )
  for (const name of ['on', 'not'] as const) checkKinds(name, (options as Record<string, unknown>)[name], of)
}

function checkKinds(name: string, kinds: unknown, of: string): void {
  const isKind = (kind: unknown): boolean => (typeof kind === 'string' && kind !== '') || typeof kind === 'function'
  if (kinds === undefined || (Array.isArray(kinds) && kinds.every(isKind))) return
  throw new RuntimeError(
    'ERR_ARGUMENT',
    `retry.${name} of ${of}: expected a list of error classes or their names, got ${shown(kinds)}`,
  )
}

/**
 * How long to wait before the next attempt, or undefined when there is none. Pure but for `backoff`.
 * @param attempt the one that just failed, from 1
 * @param names the error's class name and those of its ancestors, nearest first
 * @param random 0…1
 * @param backoff computes the delay in place of the policy's curve
 */
export function retryDelayMs(
  policy: RetryPolicy,
  attempt: number,
  names: readonly string[],
  random: number,
  backoff?: (attempt: number) => Duration,
): number | undefined {
  const among = (kinds: readonly string[]): boolean => kinds.some((kind) => names.includes(kind))
  if (attempt > policy.limit || among(policy.not) || (policy.on.length > 0 && !among(policy.on))) return undefined
  const factor = { fixed: 1, linear: attempt, exponential: 2 ** Math.min(attempt - 1, 40) }[policy.backoff]
  const plannedMs = backoff ? duration(backoff(attempt), 'retry.backoff()') : policy.delayMs * factor
  return Math.round(Math.min(plannedMs, policy.maxDelayMs) * (1 - policy.jitter * random))
}

/** Class names of an error and its ancestors, nearest first; those that can be read: a property may be a getter that throws. */
export function errorNames(error: Error): string[] {
  const names = new Set<string>()
  const readable = (read: () => void): void => {
    try {
      read()
    } catch {
      // the names so far count
    }
  }
  readable(() => typeof error.name === 'string' && names.add(error.name))
  readable(() => {
    for (let type: unknown = error.constructor; isNamed(type); type = Object.getPrototypeOf(type))
      if (type.name !== '') names.add(type.name)
  })
  return [...names]
}

const isNamed = (type: unknown): type is { name: string } => typeof type === 'function' && type !== Function.prototype

function kindName(kind: ErrorKind): string {
  return typeof kind === 'string' ? kind : kind.name
}

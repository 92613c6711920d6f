import { didYouMean, nearest } from '../../config/did-you-mean.ts'
import { duration, shown, type Duration } from '../core/duration.ts'
import { RuntimeError } from '../core/errors.ts'
import { bytes } from '../core/size.ts'
import { permitsOf, type Permit } from './permits.ts'
import { retryPolicy, type RetryOptions, type RetryPolicy } from './retry.ts'

/** Which jobs share one limit: the arguments give the key; without `by` all jobs of the class share one. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the arguments are the job's own; a narrower type would refuse every function a user writes
export type KeyOf = (...args: any[]) => string | number

/** Options of a job: static on its class, or per call with `enqueue.with(options)`. */
export interface JobOptions {
  queue?: string
  /** None by default, as in Resque. A number is the limit. */
  retry?: number | RetryOptions
  /** The process is told to stop (TERM), then killed. */
  timeout?: Duration
  /** Resident set of the job's process tree, `'512mb'`. */
  memoryLimit?: number | string
  /** When the job is ended for its `memoryLimit`, write a heap snapshot first (`worker.heapSnapshots`). */
  memoryReport?: boolean
  /** Seconds of processor time, from the kernel (RLIMIT_CPU). */
  cpuLimit?: Duration
  /** Open files, from the kernel (RLIMIT_NOFILE). */
  openFiles?: number
  /** 0 to 19: how far it steps back for others. */
  niceness?: number
  /** How long to keep what `perform` returns; without it the value is dropped. */
  keepResult?: Duration
  /**
   * At most one such job waits or runs. The lock lasts until the job has ended, however late (`until: 'end'`), or until it
   * starts. Only where it cannot be seen whether the job still waits (a queue of more than 50,000) does it end `for` after
   * the job was due, an hour by default.
   */
  unique?: boolean | { for?: Duration; by?: KeyOf; until?: 'start' | 'end' }
  /** At most `limit` of these run at once, across all workers. */
  concurrency?: number | { limit: number; by?: KeyOf }
  /** At most `limit` of these start within `per`. */
  rateLimit?: { limit: number; per: Duration; by?: KeyOf }
  isolation?: 'fork' | 'spawn' | 'inline'
  /** `at-most-once`: never run again after its process or worker died, as in Resque. */
  delivery?: 'at-least-once' | 'at-most-once'
}

const names: readonly (keyof JobOptions)[] = [
  'queue',
  'retry',
  'timeout',
  'memoryLimit',
  'memoryReport',
  'cpuLimit',
  'openFiles',
  'niceness',
  'keepResult',
  'unique',
  'concurrency',
  'rateLimit',
  'isolation',
  'delivery',
]

/** Less than a process needs to start: `'1'` is a byte, and meant otherwise. */
const leastMemoryBytes = 1024 ** 2

/** What else a class or function of ours may have as its own: not options, and no misspelt ones. */
const otherStatics: readonly string[] = [
  'wireName',
  'input',
  'output',
  'name',
  'length',
  'prototype',
  'caller',
  'arguments',
]

/**
 * Refuses statics that are nearly the name of an option: `static timout` is no limit at all. A static whose name is not
 * near one is the user's own, and so is a method.
 * @throws RuntimeError ERR_ARGUMENT
 */
export function checkStatics(definition: object, of: string): void {
  const known = [...names, ...otherStatics]
  for (const [name, value] of Object.entries(definition)) {
    if (known.includes(name) || typeof value === 'function') continue
    const guess = misspelt(name)
    if (guess !== undefined)
      throw new RuntimeError(
        'ERR_ARGUMENT',
        `${name} of ${of}: expected no static of this name, since it is nearly the option ${guess}; did you mean ${guess}? If it is yours, give it another name`,
      )
  }
}

/** The option whose name this nearly is: two letters off at most, or one in a short name. */
function misspelt(name: string): string | undefined {
  const guess = nearest(name, names)
  if (guess === undefined || Math.abs(guess.length - name.length) > 1) return undefined
  return name.charAt(0).toLowerCase() === guess.charAt(0) ? guess : undefined
}

/** The options that stand on a class or function, taken along its prototype chain. */
export function optionsOn(definition: object): JobOptions {
  const found = names.map((name) => [name, (definition as Record<string, unknown>)[name]] as const)
  return Object.fromEntries(found.filter(([, value]) => value !== undefined))
}

/**
 * Checks options and says what is wrong by name.
 * @throws RuntimeError ERR_ARGUMENT
 */
export function checkOptions(options: JobOptions, of: string): JobOptions {
  for (const name of Object.keys(options)) {
    if (!names.includes(name as keyof JobOptions))
      refuse(of, name, `one of ${names.join(', ')}`, name, didYouMean(name, names))
  }
  const { queue, niceness, openFiles, isolation, delivery } = options
  if (queue !== undefined && (typeof queue !== 'string' || queue === '')) refuse(of, 'queue', 'a name', queue)
  if (options.retry !== undefined) retryPolicy(options.retry, of)
  for (const name of ['timeout', 'cpuLimit'] as const) {
    const given = options[name]
    if (given !== undefined && duration(given, `${name} of ${of}`) < 1)
      refuse(of, name, 'a millisecond or more; leave it out for no limit', given)
  }
  if (options.keepResult !== undefined) duration(options.keepResult, `keepResult of ${of}`)
  if (options.memoryLimit !== undefined && bytes(options.memoryLimit, `memoryLimit of ${of}`) < leastMemoryBytes)
    refuse(of, 'memoryLimit', "1mb or more, with a unit, such as '512mb'", options.memoryLimit)
  if (options.memoryReport !== undefined && typeof options.memoryReport !== 'boolean')
    refuse(of, 'memoryReport', 'true or false', options.memoryReport)
  if (niceness !== undefined) whole(of, 'niceness', niceness, 0, 19)
  if (openFiles !== undefined) whole(of, 'openFiles', openFiles, 16, 1_000_000)
  if (isolation !== undefined && !['fork', 'spawn', 'inline'].includes(isolation))
    refuse(of, 'isolation', 'fork, spawn or inline', isolation)
  if (delivery !== undefined && !['at-least-once', 'at-most-once'].includes(delivery)) {
    refuse(of, 'delivery', 'at-least-once or at-most-once', delivery)
  }
  checkLimits(options, of)
  return options
}

const limitShapes = {
  unique: { keys: ['for', 'by', 'until'], plain: 'boolean', expected: 'true, false or { for, by, until }' },
  concurrency: { keys: ['limit', 'by'], plain: 'number', expected: 'a whole number or { limit, by }' },
  rateLimit: { keys: ['limit', 'per', 'by'], plain: undefined, expected: '{ limit, per, by }' },
} as const

function checkLimits(options: JobOptions, of: string): void {
  for (const name of ['unique', 'concurrency', 'rateLimit'] as const) checkLimitShape(name, options[name], of)
  const { concurrency, rateLimit, unique } = options
  if (concurrency !== undefined)
    whole(of, 'concurrency', typeof concurrency === 'number' ? concurrency : concurrency.limit, 1, 1_000_000)
  if (rateLimit !== undefined) {
    whole(of, 'rateLimit.limit', rateLimit.limit, 1, 1_000_000)
    if (duration(rateLimit.per, `rateLimit.per of ${of}`) < 1)
      refuse(of, 'rateLimit.per', 'a millisecond or more', rateLimit.per)
  }
  if (typeof unique !== 'object') return
  const { for: lasts, until = 'end' } = unique
  if (lasts !== undefined && duration(lasts, `unique.for of ${of}`) < 1)
    refuse(of, 'unique.for', 'a millisecond or more', lasts)
  if (!['start', 'end'].includes(until)) refuse(of, 'unique.until', 'start or end', until)
}

function checkLimitShape(name: keyof typeof limitShapes, value: unknown, of: string): void {
  const { keys, plain, expected } = limitShapes[name]
  if (value === undefined || typeof value === plain) return
  if (typeof value !== 'object' || value === null) refuse(of, name, expected, value)
  for (const key of Object.keys(value)) {
    if (!(keys as readonly string[]).includes(key)) refuse(of, `${name}.${key}`, `one of ${keys.join(', ')}`, key)
  }
  const { by } = value as { by?: unknown }
  if (by !== undefined && typeof by !== 'function') refuse(of, `${name}.by`, 'a function of the arguments', by)
}

function whole(of: string, name: string, value: unknown, least: number, most: number): void {
  if (!Number.isInteger(value) || (value as number) < least || (value as number) > most) {
    refuse(of, name, `a whole number from ${least} to ${most}`, value)
  }
}

function refuse(of: string, name: string, expected: string, got: unknown, advice = ''): never {
  throw new RuntimeError('ERR_ARGUMENT', `${name} of ${of}: expected ${expected}, got ${shown(got)}${advice}`)
}

/** Per-call options as the record keeps them; the same fields as the manifest's, plus permits whose keys are known. */
export interface CallOptions {
  retry?: Omit<RetryPolicy, 'custom'>
  timeoutMs?: number
  memoryLimitBytes?: number
  memoryReport?: boolean
  cpuLimitSeconds?: number
  openFilesLimit?: number
  niceness?: number
  keepResultMs?: number
  isolation?: JobOptions['isolation']
  delivery?: JobOptions['delivery']
  permits?: Permit[]
}

/** Options as plain data, for a manifest or a record; functions stay behind. */
export function dataOptions(
  options: JobOptions,
  of: string,
): Omit<CallOptions, 'permits' | 'retry'> & { retry?: RetryPolicy } {
  const { retry, timeout, memoryLimit, memoryReport, cpuLimit, openFiles, niceness, keepResult, isolation, delivery } =
    options
  return {
    ...(retry === undefined ? {} : { retry: retryPolicy(retry, of) }),
    ...(timeout === undefined ? {} : { timeoutMs: duration(timeout) }),
    ...(memoryLimit === undefined ? {} : { memoryLimitBytes: bytes(memoryLimit) }),
    ...(memoryReport === undefined ? {} : { memoryReport }),
    ...(cpuLimit === undefined ? {} : { cpuLimitSeconds: Math.max(1, Math.ceil(duration(cpuLimit) / 1000)) }),
    ...(openFiles === undefined ? {} : { openFilesLimit: openFiles }),
    ...(niceness === undefined ? {} : { niceness }),
    ...(keepResult === undefined ? {} : { keepResultMs: duration(keepResult) }),
    ...(isolation === undefined ? {} : { isolation }),
    ...(delivery === undefined ? {} : { delivery }),
  }
}

/**
 * JSON of per-call options for the job's record; undefined when there is nothing to keep. Permits are kept whole: where one
 * limit is given, the other one of the class stands beside it.
 * @param own the class's options
 * @throws RuntimeError ERR_ARGUMENT for a backoff function, which cannot travel
 */
export function callOptions(
  name: string,
  given: JobOptions,
  args: readonly unknown[],
  own: JobOptions = {},
): string | undefined {
  const data = dataOptions(given, name)
  if (data.retry?.custom) {
    throw new RuntimeError(
      'ERR_ARGUMENT',
      `retry.backoff of ${name}: expected fixed, linear or exponential in a per-call option, got a function; put it on the class`,
    )
  }
  const { concurrency = own.concurrency, rateLimit = own.rateLimit } = given
  const permits = (given.concurrency ?? given.rateLimit) ? permitsOf(name, { concurrency, rateLimit }, args) : []
  const call: CallOptions = { ...data, ...(permits.length > 0 ? { permits } : {}) }
  return Object.keys(call).length === 0 ? undefined : JSON.stringify(call)
}

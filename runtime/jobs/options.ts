import { didYouMean, nearest } from '../../config/did-you-mean.ts'
import { ISOLATIONS, type Isolation } from '../../config/isolations.ts'
import { duration, type Duration } from '../core/duration.ts'
import { RuntimeError } from '../core/errors.ts'
import type { JobSettings, ProcessSettings } from '../messages.ts'
import { checkConcurrency, checkRateLimit, checkUnique, limitsOf, type LimitOptions } from './limits.ts'
import { limitMs, memory, oneOf, queueName, refuse, trueOrFalse, wholeNumber } from './option-values.ts'
import { backoffOf, retryPolicy, type RetryOptions } from './retry.ts'

/**
 * Options of a job: static on its class, or per call with `enqueue.with(options)`.
 * @example
 * ```ts
 * const slow: JobOptions = { queue: 'slow', timeout: '2h', memoryLimit: '1gb', concurrency: { limit: 2 } }
 * const rebuild = job(slow, async function rebuild() {})
 * ```
 */
export interface JobOptions extends LimitOptions {
  /** The queue to which the job goes; a class needs one, here or in each call. */
  queue?: string
  /** None by default, as in Resque. A number is the limit. */
  retry?: number | RetryOptions
  /** The process gets SIGTERM, then SIGKILL. */
  timeout?: Duration
  /** Resident set of the job's process tree, `'512mb'`. */
  memoryLimit?: number | string
  /** When the job is ended for its `memoryLimit`, write a heap snapshot first (`worker.heapSnapshots`). */
  memoryReport?: boolean
  /** Seconds of processor time, from the kernel (RLIMIT_CPU). */
  cpuLimit?: Duration
  /** Open files, from the kernel (RLIMIT_NOFILE). */
  openFiles?: number
  /** 0 to 19: the higher, the less processor time it gets beside other processes. */
  niceness?: number
  /** How long to keep what `perform` returns; without it the value is dropped. */
  keepResult?: Duration
  /** How its process is made: `fork`, `spawn` or `inline`; by default the worker's `--isolation`. */
  isolation?: Isolation
  /** `at-most-once`: never run again after its process or worker died, as in Resque. */
  delivery?: 'at-least-once' | 'at-most-once'
}

/** Turns an option's value into data. @param of whose option it is, for messages @throws RuntimeError ERR_ARGUMENT */
type Parse<Given, Data> = (given: Given, of: string, name: string) => Data

/**
 * One option. `field`: where its data lies in a manifest, in the record of a job and, for `process`, in the assignment.
 * `enforcedBy`: `client` when the job is enqueued; `supervisor` before, beside or after the job's process; `process` in it.
 */
type Option<Given> =
  | { [Field in keyof ProcessSettings]-?: Entry<'process', Field, Given> }[keyof ProcessSettings]
  | { [Field in SupervisorField]-?: Entry<'supervisor', Field, Given> }[SupervisorField]
  | { enforcedBy: 'client' | 'supervisor'; field?: undefined; parse: Parse<Given, unknown> }

type SupervisorField = Exclude<keyof JobSettings, keyof ProcessSettings | 'permits'>

interface Entry<By, Field extends keyof JobSettings, Given> {
  enforcedBy: By
  field: Field
  parse: Parse<Given, NonNullable<JobSettings[Field]>>
}

/**
 * Every option, once: the checks of statics and of calls, the manifest, the records and the assignments follow from this table.
 * Limits have no field, since their keys depend on the arguments; {@link limitsOf} and `uniqueOf` make them.
 */
const table: { readonly [Name in keyof JobOptions]-?: Option<NonNullable<JobOptions[Name]>> } = {
  queue: { enforcedBy: 'client', parse: queueName },
  retry: { enforcedBy: 'supervisor', field: 'retry', parse: retryPolicy },
  timeout: { enforcedBy: 'supervisor', field: 'timeoutMs', parse: limitMs },
  memoryLimit: { enforcedBy: 'supervisor', field: 'memoryLimitBytes', parse: memory },
  memoryReport: { enforcedBy: 'supervisor', field: 'memoryReport', parse: trueOrFalse },
  cpuLimit: {
    enforcedBy: 'process',
    field: 'cpuLimitSeconds',
    parse: (...given) => Math.ceil(limitMs(...given) / 1000),
  },
  openFiles: { enforcedBy: 'process', field: 'openFilesLimit', parse: wholeNumber(16, 1_000_000) },
  niceness: { enforcedBy: 'process', field: 'niceness', parse: wholeNumber(0, 19) },
  keepResult: {
    enforcedBy: 'supervisor',
    field: 'keepResultMs',
    parse: (given, of) => duration(given, `keepResult of ${of}`),
  },
  unique: { enforcedBy: 'client', parse: checkUnique },
  concurrency: { enforcedBy: 'supervisor', parse: checkConcurrency },
  rateLimit: { enforcedBy: 'supervisor', parse: checkRateLimit },
  isolation: { enforcedBy: 'supervisor', field: 'isolation', parse: oneOf(ISOLATIONS) },
  delivery: { enforcedBy: 'supervisor', field: 'delivery', parse: oneOf(['at-least-once', 'at-most-once']) },
}

const names = Object.keys(table) as (keyof JobOptions)[]
const options = new Map(Object.entries(table) as [string, Option<unknown>][])

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

/** The options that a class or function has as statics, inherited ones too. */
export function optionsOn(definition: object): JobOptions {
  const found = names.map((name) => [name, (definition as Record<string, unknown>)[name]] as const)
  return Object.fromEntries(found.filter(([, value]) => value !== undefined))
}

/**
 * Checks options and says what is wrong by name.
 * @throws RuntimeError ERR_ARGUMENT
 */
export function checkOptions(given: JobOptions, of: string): JobOptions {
  for (const [name, value] of Object.entries(given)) {
    const option = options.get(name) ?? refuse(of, name, `one of ${names.join(', ')}`, name, didYouMean(name, names))
    if (value !== undefined) option.parse(value, of, name)
  }
  return given
}

/** Options as data, for a manifest or a record; functions stay behind. @throws RuntimeError ERR_ARGUMENT */
export function settingsOf(given: JobOptions, of: string): JobSettings {
  const settings: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(given)) {
    const { field, parse } = options.get(name) ?? {}
    if (field !== undefined && value !== undefined) settings[field] = parse?.(value, of, name)
  }
  return settings
}

const processFields = Object.values(table).flatMap((option) => (option.enforcedBy === 'process' ? [option.field] : []))

/** Those settings that the job's process enforces. */
export function processSettings(settings: JobSettings): ProcessSettings {
  const found: ProcessSettings = {}
  for (const field of processFields) if (settings[field] !== undefined) found[field] = settings[field]
  return found
}

/**
 * JSON of per-call options for the job's record; undefined when there is nothing to keep. Limits are kept whole: where one
 * is given, the other one of the class is kept beside it.
 * @param own the class's options
 * @throws RuntimeError ERR_ARGUMENT for a backoff function, which cannot travel
 */
export function callOptions(
  name: string,
  given: JobOptions,
  args: readonly unknown[],
  own: JobOptions = {},
): string | undefined {
  const settings = settingsOf(given, name)
  if (given.retry !== undefined && backoffOf(given.retry)) {
    throw new RuntimeError(
      'ERR_ARGUMENT',
      `retry.backoff of ${name}: expected fixed, linear or exponential in a per-call option, got a function; put it on the class`,
    )
  }
  const { concurrency = own.concurrency, rateLimit = own.rateLimit } = given
  const limits = (given.concurrency ?? given.rateLimit) ? limitsOf(name, { concurrency, rateLimit }, args) : []
  const call: JobSettings = { ...settings, ...(limits.length > 0 ? { permits: limits } : {}) }
  return Object.keys(call).length === 0 ? undefined : JSON.stringify(call)
}

import { toError } from '../../runtime/core/errors.ts'
import { didYouMean } from '../../config/did-you-mean.ts'
import { type CheckContext, type EntryKind, type ScheduleEntry, type ScheduleProblem, unreadByRuby } from './entry.ts'
import {
  booleanOf,
  entryOptions,
  isForEnvironment,
  oneOf,
  readTiming,
  refuse,
  textOf,
  type TimingReading,
} from './entry-options.ts'
import { parseEvery } from '../../runtime/cron/timing.ts'

/** One entry as it was written. */
export interface EntrySource {
  name: string
  line: number
  value: unknown
  /** The line of one of its options. */
  lineOf(option: string): number
  /** JSON text of the option `args` as written; for an entry that has it. */
  argsText(): string
}

/** What came of one entry: an entry when nothing is wrong with it; neither entry nor error when it is not for this environment. */
export interface CheckedEntry {
  entry?: ScheduleEntry
  problems: ScheduleProblem[]
}

const defaultWindow = 86_400_000
const kinds = ['workflow', 'pipeline', 'template'] as const

/** Checks one entry, and says everything that is wrong with it. */
export function checkEntry(source: EntrySource, context: CheckContext): CheckedEntry {
  return new EntryCheck(source, context).run()
}

class EntryCheck {
  readonly #source: EntrySource
  readonly #context: CheckContext
  readonly #problems: ScheduleProblem[] = []
  readonly #options = Object.create(null) as Record<string, unknown>

  constructor(source: EntrySource, context: CheckContext) {
    this.#source = source
    this.#context = context
  }

  run(): CheckedEntry {
    const { name, line, value } = this.#source
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      this.#say('error', `expected options such as cron: and class:, got ${JSON.stringify(value)}`)
      return { problems: this.#problems }
    }
    for (const [key, each] of Object.entries(value)) this.#options[key.replace(/^:/, '')] = each
    if (/<%.*%>/.test(JSON.stringify(value)))
      this.#say('error', 'expected plain values, got ERB (<% … %>), which is not evaluated; write the value out')
    this.#checkNames()
    const wanted = this.#read('env', () =>
      isForEnvironment(this.#options.rails_env ?? this.#options.env, this.#context.env),
    )
    if (wanted === false && this.#problems.length === 0) return { problems: [] }
    const timing = this.#timing()
    const { kind, target } = this.#target()
    const entry: ScheduleEntry = {
      name,
      kind,
      target,
      queue: this.#optional('queue', (given) => textOf('queue', given)),
      args: this.#read('args', () => this.#args()) ?? '[]',
      timing: timing?.timing,
      timingText: timing?.text ?? '',
      description: this.#optional('description', (given) => String(given)),
      parameters: this.#optional('parameters', mappingOf),
      overlap:
        this.#optional('overlap', (given) => oneOf('overlap', given, ['skip', 'queue', 'allow'])) ??
        (timing?.noOverlap ? 'skip' : 'allow'),
      catchup: this.#optional('catchup', (given) => oneOf('catchup', given, ['none', 'last', 'all'])) ?? 'none',
      catchupWindowMs:
        this.#optional('catchup_window', (given) => parseEvery(given, 'catchup_window')) ??
        this.#context.catchupWindowMs ??
        defaultWindow,
      jitterMs: this.#optional('jitter', (given) => parseEvery(given, 'jitter')) ?? 0,
      enabled: this.#optional('enabled', (given) => booleanOf('enabled', given)) ?? true,
      persist: this.#optional('persist', (given) => booleanOf('persist', given)) ?? false,
      source: this.#context.source,
      line,
      config: this.#config(),
    }
    this.#checkTogether(entry)
    return this.#problems.some(({ severity }) => severity === 'error')
      ? { problems: this.#problems }
      : { entry, problems: this.#problems }
  }

  /** The entry as JSON for `persistent_schedules`: without `persist`, arguments as they were written. */
  #config(): string {
    const { args: _args, persist: _persist, ...rest } = this.#options
    const args = this.#has('args') ? [`"args":${this.#source.argsText()}`] : []
    const parts = Object.entries(rest).map(([key, each]) => `${JSON.stringify(key)}:${JSON.stringify(each)}`)
    return `{${[...parts, ...args].join(',')}}`
  }

  #checkNames(): void {
    for (const key of Object.keys(this.#options)) {
      if ((entryOptions as readonly string[]).includes(key)) continue
      this.#say(
        'error',
        `${key}: expected a known option, got an unknown one${didYouMean(key, entryOptions) || `; known are ${entryOptions.join(', ')}`}`,
        key,
      )
    }
  }

  /** cron wins over every, as in resque-scheduler; neither is an entry for the hand. */
  #timing(): TimingReading | undefined {
    const option = this.#has('cron') ? 'cron' : 'every'
    // An empty text is no timing, in Ruby's reading; only an entry that says `never` can mean it.
    if (!this.#has(option)) return undefined
    const zone = this.#optional('zone', (given) => textOf('zone', given))
    const reading = this.#read(option, () => readTiming(option, this.#options[option], zone, this.#context.zone))
    for (const warning of reading?.warnings ?? []) this.#say('warning', warning, option)
    if (option === 'cron' && this.#has('every')) this.#say('warning', 'every has no effect beside cron', 'every')
    if (option === 'every' && this.#has('zone')) this.#say('warning', 'zone has no effect on every', 'zone')
    return reading
  }

  #target(): { kind: EntryKind; target: string } {
    const { name } = this.#source
    const given = kinds.filter((kind) => this.#has(kind))
    if (given.length + (this.#has('class') ? 1 : 0) > 1) {
      this.#say(
        'error',
        `expected one of class, ${kinds.join(', ')}, got ${[...(this.#has('class') ? ['class'] : []), ...given].join(' and ')}`,
        given[0],
      )
    }
    const kind = given[0]
    if (kind) return { kind, target: this.#optional(kind, (value) => textOf(kind, value, 'a name')) ?? '' }
    const custom = this.#optional('custom_job_class', (value) => textOf('custom_job_class', value, 'a class name'))
    const className = this.#optional('class', (value) => textOf('class', value, 'a class name')) ?? name
    // Ruby calls the custom class's `scheduled` where it can load it, and enqueues that name where it cannot: so do we.
    const target = custom !== undefined && custom !== 'Resque::Job' ? custom : className
    const known = this.#context.classes?.get(target)
    return { kind: known && known.kind !== 'job' ? known.kind : 'job', target }
  }

  /** A list is the arguments, anything else is one argument, nothing is none. */
  #args(): string {
    if (!this.#has('args')) return '[]'
    const text = this.#source.argsText()
    return text.startsWith('[') ? text : `[${text}]`
  }

  #checkTogether(entry: ScheduleEntry): void {
    const { classes } = this.#context
    const unread = unreadByRuby(entry)
    if (unread !== undefined && (entry.kind === 'job' || entry.persist))
      this.#say('warning', `resque-scheduler cannot run this entry: ${unread}; keep it from a schedule that Ruby reads`)
    if (entry.timing?.kind === 'every' && entry.jitterMs >= entry.timing.everyMs) {
      this.#say(
        'error',
        `jitter: expected less than the interval ${entry.timingText}, got ${JSON.stringify(this.#options.jitter)}`,
        'jitter',
      )
    }
    if (!classes || entry.kind === 'pipeline') return
    const known = classes.get(entry.target)
    const option = entry.kind === 'job' ? 'class' : entry.kind
    if (entry.kind !== 'job' && known?.kind !== entry.kind) {
      this.#say(
        'error',
        `${option}: expected a ${entry.kind} of this application, got ${entry.target}${didYouMean(entry.target, classes.keys())}`,
        option,
      )
    } else if (!known && entry.queue === undefined) {
      const advice = didYouMean(entry.target, classes.keys()) || '; name a queue if it belongs to another application'
      this.#say('error', `class: expected a job of this application, got ${entry.target}${advice}`, option)
    } else if (known && entry.kind === 'job' && known.queue === undefined && entry.queue === undefined) {
      this.#say(
        'error',
        `queue: expected one, since ${entry.target} names none; add queue: to the entry, or to the class`,
      )
    } else if (!known) {
      this.#say(
        'warning',
        `class: ${entry.target} is not of this application; it is enqueued to ${entry.queue} anyway`,
        option,
      )
    }
  }

  #has(option: string): boolean {
    const value = this.#options[option]
    return value !== undefined && value !== null && !(value === '' && (option === 'cron' || option === 'every'))
  }

  #optional<T>(option: string, read: (value: unknown) => T): T | undefined {
    return this.#has(option) ? this.#read(option, () => read(this.#options[option])) : undefined
  }

  #read<T>(option: string, read: () => T): T | undefined {
    try {
      return read()
    } catch (error) {
      this.#say('error', toError(error).message, option)
      return undefined
    }
  }

  #say(severity: 'error' | 'warning', message: string, option?: string): void {
    const { name, line } = this.#source
    const at = option === undefined ? line : this.#source.lineOf(option)
    this.#problems.push({ file: this.#context.file, line: at, entry: name, severity, message })
  }
}

function mappingOf(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    refuse('parameters', 'a mapping of names', value)
  return value as Record<string, unknown>
}

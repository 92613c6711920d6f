import { RuntimeError } from '../../runtime/core/errors.ts'
import { didYouMean } from '../../config/did-you-mean.ts'
import { Cron } from '../../runtime/cron/cron.ts'
import { type Bounds, parseEvery, type Timing } from '../../runtime/cron/timing.ts'
import { withoutColon } from './yaml-source.ts'

/** Every option an entry may have: resque-scheduler's (5.0), then ours. */
export const entryOptions = [
  ...[
    'cron',
    'every',
    'class',
    'custom_job_class',
    'queue',
    'args',
    'rails_env',
    'env',
    'description',
    'parameters',
    'persist',
    'never',
  ],
  ...['overlap', 'catchup', 'catchup_window', 'jitter', 'zone', 'workflow', 'pipeline', 'template', 'enabled'],
] as const

/** rufus-scheduler's options that mean nothing here. */
const idle = ['tags', 'tag', 'timeout', 'mutex', 'blocking', 'discard_past', 'name', 'names']
const timingOptions = ['first', 'first_in', 'first_at', 'last', 'last_in', 'last_at', 'times', 'overlap']

export function refuse(option: string, expected: string, got: unknown, advice = ''): never {
  throw new RuntimeError(
    'ERR_SCHEDULE',
    `${option}: expected ${expected}, got ${JSON.stringify(got) ?? 'nothing'}${advice}`,
  )
}

/** Text that is not blank; a Ruby symbol counts as its name. */
export function textOf(option: string, value: unknown, expected = 'text'): string {
  if (typeof value !== 'string' || value.trim() === '') refuse(option, expected, value)
  return withoutColon(value.trim())
}

export function booleanOf(option: string, value: unknown): boolean {
  return typeof value === 'boolean' ? value : refuse(option, 'true or false', value)
}

export function oneOf<T extends string>(option: string, value: unknown, words: readonly T[]): T {
  const word = words.find((each) => each === value)
  return word ?? refuse(option, `one of ${words.join(', ')}`, value)
}

/** True when the entry is for the current environment; no list is for all, and a list without a current one for none. */
export function isForEnvironment(value: unknown, current: string | undefined): boolean {
  if (value === undefined || value === null) return true
  const names = textOf('env', value, 'names of environments, separated by commas').split(/[\s,]+/)
  return current !== undefined && names.includes(current)
}

/** What a `cron` or `every` says, with words about what has no effect. */
export interface TimingReading {
  timing: Timing
  text: string
  warnings: string[]
  /** `overlap: false`, rufus's way to say that a run that is not done holds up the next. */
  noOverlap: boolean
}

/** Reads `cron` or `every`: text, or a list of text and a mapping of rufus-scheduler's options. */
export function readTiming(
  option: 'cron' | 'every',
  value: unknown,
  zone: string | undefined,
  fallback: string | undefined,
): TimingReading {
  const [text, options, ...more] = (Array.isArray(value) ? value : [value]) as unknown[]
  if (more.length > 0) refuse(option, 'text, or a list of text and one mapping', value)
  const expected = option === 'cron' ? "text such as '0 8 * * * Europe/Berlin'" : "text such as '30s' or '1h30m'"
  if (typeof text !== 'string')
    refuse(
      option,
      expected,
      text,
      typeof text === 'number' ? `; write ${option}: "${text}${option === 'every' ? 's' : ''}"` : '',
    )
  const { bounds, warnings, noOverlap } = readBounds(option, options)
  const timing: Timing =
    option === 'cron'
      ? { kind: 'cron', cron: Cron.parse(text, zone, fallback), bounds }
      : { kind: 'every', everyMs: parseEvery(text, 'every'), bounds }
  return { timing, text: text.trim(), warnings, noOverlap }
}

function readBounds(option: string, options: unknown): { bounds: Bounds; warnings: string[]; noOverlap: boolean } {
  const bounds: Bounds = {}
  const warnings: string[] = []
  if (options === undefined || options === null) return { bounds, warnings, noOverlap: false }
  if (typeof options !== 'object' || Array.isArray(options))
    refuse(`${option}[1]`, 'a mapping such as { first_in: 1m }', options)
  let noOverlap = false
  for (const [rawKey, value] of Object.entries(options)) {
    const key = withoutColon(rawKey)
    if (key === 'times') bounds.times = timesOf(value)
    else if (key === 'overlap') noOverlap = !booleanOf(`${option}.overlap`, value)
    else if (/^(first|last)(_in|_at)?$/.test(key)) readMoment(key, value, bounds)
    else if (idle.includes(key))
      warnings.push(`${option}.${key} has no effect here; a job's limits belong to its class`)
    else refuse(option, `options ${timingOptions.join(', ')}`, key, didYouMean(key, timingOptions))
  }
  return { bounds, warnings, noOverlap }
}

function timesOf(value: unknown): number {
  return Number.isSafeInteger(value) && Number(value) > 0
    ? Number(value)
    : refuse('times', 'a whole number above zero', value)
}

/** `first_in: 1m`, `first_at: 2030-01-01 08:00`, `first: now`; a bare number is seconds, as rufus has it. */
function readMoment(key: string, value: unknown, bounds: Bounds): void {
  const edge = key.startsWith('first') ? 'first' : 'last'
  const text = typeof value === 'number' ? `${value}s` : textOf(key, value, 'a length of time or a date')
  if (edge === 'first' && /^now$/i.test(text)) {
    bounds.firstInMs = 0
    return
  }
  const at = Date.parse(text)
  if (/^\d{4}-\d/.test(text) && !Number.isNaN(at)) bounds[`${edge}AtMs`] = at
  else bounds[`${edge}InMs`] = parseEvery(text, key)
}

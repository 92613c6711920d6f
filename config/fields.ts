// The kinds a setting can have. Each takes text as well as its own type, because the environment and flags bring text,
// and each says what it expects in words: those words are the error message.
import type { Expectation, Field } from './shape.ts'
import { parseBytes, parseDurationMs } from './units.ts'

function field<T>(expectation: Expectation, read: (value: unknown) => T | undefined): Field<T> {
  return {
    ...expectation,
    read,
    optional: () => ({ ...field<T | undefined>(expectation, read), fallback: undefined }),
    default: (fallback) => ({ ...field(expectation, read), fallback }),
  }
}

const within = (value: number | undefined, min: number, max: number): number | undefined =>
  value !== undefined && Number.isSafeInteger(value) && value >= min && value <= max ? value : undefined

const YEAR_MS = 366 * 86_400_000

/** Milliseconds; a number is in milliseconds, text has its unit. */
export const durationMs = (example: string, { min = 0, max = 10 * YEAR_MS } = {}) =>
  field(
    { wanted: `milliseconds or text like '${example}'${min > 0 ? `, at least ${min} ms` : ''}`, example },
    (value) => within(parseDurationMs(value), min, max),
  )

/** Milliseconds for which something is kept; -1, for ever, becomes 0. */
export const keptMs = (example: string, { min = 0 } = {}) =>
  field({ wanted: `milliseconds or text like '${example}', at least ${min} ms, or -1 for ever`, example }, (value) =>
    String(value).trim() === '-1' ? 0 : within(parseDurationMs(value), min, 10 * YEAR_MS),
  )

/** Bytes; text may have a unit in powers of 1024. */
export const sizeBytes = (example: string, { min = 0, max = 512 * 1024 ** 2 } = {}) =>
  field({ wanted: `bytes or text like '${example}', ${min} to ${max} bytes`, example }, (value) =>
    within(parseBytes(value), min, max),
  )

/** A whole number. */
export const whole = (min: number, max: number, example = min) =>
  field({ wanted: `a whole number from ${min} to ${max}`, example: String(example) }, (value) =>
    within(wholeOf(value), min, max),
  )

function wholeOf(value: unknown): number | undefined {
  const text = typeof value === 'number' ? String(value) : typeof value === 'string' ? value.trim() : ''
  return /^\d+$/.test(text) ? Number(text) : undefined
}

/** A whole number; the text `auto` stands for what `here` answers. */
export const wholeOrAuto = (min: number, max: number, here: () => number) =>
  field({ wanted: `a whole number from ${min} to ${max}, or auto`, example: String(min) }, (value) =>
    value === 'auto' ? Math.min(here(), max) : within(wholeOf(value), min, max),
  )

const TRUE = new Set(['1', 't', 'true', 'yes', 'on'])
const FALSE = new Set(['0', 'f', 'false', 'no', 'off'])

/** true or false. */
export const flag = () =>
  field({ wanted: 'true or false', example: 'true' }, (value) => {
    const word = typeof value === 'boolean' || typeof value === 'string' ? String(value).toLowerCase() : ''
    return TRUE.has(word) ? true : FALSE.has(word) ? false : undefined
  })

/** Text that is not empty; `allowed` narrows it further. */
export const text = (
  example: string,
  wanted = `text like ${example}`,
  allowed: (value: string) => boolean = () => true,
) =>
  field({ wanted, example: `'${example}'` }, (value) =>
    typeof value === 'string' && value.trim() !== '' && allowed(value) ? value : undefined,
  )

/** One word of a few. */
export const oneOf = <const W extends string>(...words: readonly W[]) =>
  field({ wanted: `one of ${words.join(', ')}`, example: words[0] ?? '' }, (value) =>
    words.find((word) => word === value),
  )

/** Some texts: a YAML list, or text with commas. At least one. */
export const list = (example: string) =>
  field(
    { wanted: `a list like [${example}] or text with commas`, example: `[${example}]` },
    (value): readonly string[] | undefined => {
      const items: unknown[] = typeof value === 'string' ? value.split(',') : Array.isArray(value) ? value : []
      const words = items.map((item) => (typeof item === 'string' ? item.trim() : ''))
      return words.length > 0 && words.every((word) => word !== '') ? words : undefined
    },
  )

/** Values by name: a YAML map, or text such as `high=3,low=1`. */
const byName = (wanted: string, example: string, read: (value: unknown) => number | undefined) =>
  field({ wanted, example }, (value): Readonly<Record<string, number>> | undefined => {
    const pairs: [string, unknown][] =
      typeof value === 'string'
        ? value
            .split(',')
            .map((pair) => [pair.slice(0, pair.lastIndexOf('=')).trim(), pair.slice(pair.lastIndexOf('=') + 1).trim()])
        : typeof value === 'object' && value !== null && !Array.isArray(value)
          ? Object.entries(value)
          : [['', '']]
    const values = pairs.map(([name, given]) => [name, read(given)] as const)
    return values.every(([name, given]) => name !== '' && given !== undefined)
      ? (Object.fromEntries(values) as Record<string, number>)
      : undefined
  })

/** Whole numbers from 1 to 1000 by queue. */
export const weightsByName = () =>
  byName(
    'weights of queues such as {high: 3, low: 1} or high=3,low=1, each from 1 to 1000',
    '{ high: 3, low: 1 }',
    (value) => within(Number(value), 1, 1000),
  )

/** Lengths of time by queue, in ms. */
export const durationsByName = () =>
  byName("durations by queue such as {mail: 1m, '*': 5m} or mail=1m,*=5m", '{ mail: 1m }', (value) =>
    within(parseDurationMs(value), 1, Number.MAX_SAFE_INTEGER),
  )

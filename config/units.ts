const secondMs = 1000
const minuteMs = 60 * secondMs
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

/** Milliseconds of each unit and the words for it; a month is 30 days and a year 365, as in rufus-scheduler. */
const units: readonly { ms: number; words: RegExp }[] = [
  { ms: 365 * dayMs, words: /^(y|yrs?|years?)$/ },
  { ms: 30 * dayMs, words: /^(M|mo|mon|months?)$/ },
  { ms: 7 * dayMs, words: /^(w|weeks?)$/ },
  { ms: dayMs, words: /^(d|days?)$/ },
  { ms: hourMs, words: /^(h|hrs?|hours?)$/ },
  { ms: minuteMs, words: /^(m|mins?|minutes?)$/ },
  { ms: secondMs, words: /^(s|secs?|seconds?)$/ },
  { ms: 1, words: /^(ms|msecs?|millis|milliseconds?)$/ },
]
const isoUnits = [365 * dayMs, 30 * dayMs, 7 * dayMs, dayMs, hourMs, minuteMs, secondMs]
const count = String.raw`(\d+(?:\.\d+)?)`
const isoText = new RegExp(
  `^P(?=.)(?:${count}Y)?(?:${count}M)?(?:${count}W)?(?:${count}D)?(?:T(?=.)(?:${count}H)?(?:${count}M)?(?:${count}S)?)?$`,
  'i',
)
const longestText = 100

/** What a text means in milliseconds, or what to write in its place. */
export type DurationReading = { ms: number } | { advice: string }

/** How texts without a clear unit are read. */
export interface DurationForms {
  /** Milliseconds of a number without a unit, such as `'60'`; by default it is refused. */
  bareMs?: number
  /** `1M` is a month, as in rufus-scheduler. By default it is refused: other libraries read a minute. */
  capitalMonth?: boolean
}

/**
 * Reads a length of time: counts with their units (`90s`, `1h30m`, `1.5 hours`, `1 week, 2 days`), or ISO 8601 (`PT5M`).
 * Every length of time that a user writes is read here, so that a text means the same everywhere.
 */
export function readDuration(given: string, { bareMs, capitalMonth = false }: DurationForms = {}): DurationReading {
  const text = given.trim()
  if (text === '' || text.length > longestText) return { advice: '' }
  if (/^(\d+\.?\d*|\.\d+)$/.test(text)) {
    if (bareMs !== undefined) return { ms: Number(text) * bareMs }
    return { advice: `; ${text} has no unit: write '${text}s' for seconds or '${text}ms' for milliseconds` }
  }
  const iso = isoText.exec(text)
  if (iso) return { ms: isoUnits.reduce((sum, ms, i) => sum + Number(iso[i + 1] ?? 0) * ms, 0) }
  const seen = new Map<number, number>()
  let ambiguous: string | undefined
  const rest = text.replace(
    /(\d+(?:\.\d+)?|\.\d+)\s*([A-Za-z]+)(?:[\s,]|and\b)*/g,
    (all: string, amount: string, word: string) => {
      const unit = units.find(({ words }) => words.test(word === 'M' ? word : word.toLowerCase()))?.ms
      if (unit === undefined || seen.has(unit)) return all
      if (word === 'M') ambiguous = amount
      seen.set(unit, Number(amount) * unit)
      return ''
    },
  )
  if (rest !== '' || seen.size === 0) return { advice: '' }
  if (ambiguous !== undefined && !capitalMonth)
    return { advice: `; M is ambiguous: write '${ambiguous} minutes' or '${ambiguous} months'` }
  return { ms: [...seen.values()].reduce((sum, ms) => sum + ms, 0) }
}

/** Milliseconds of a setting whose name ends in `Ms`: a number, with or without quotes, is in milliseconds. */
export function parseDurationMs(value: unknown): number | undefined {
  const reading = readDuration(asText(value), { bareMs: 1 })
  return 'ms' in reading ? Math.round(reading.ms) : undefined
}

const BYTES: Record<string, number> = { b: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 }
const SIZE = /^(\d+(?:\.\d+)?)\s*(b|kb|mb|gb)?$/i

/** Bytes of `'512kb'`, `'1 mb'` (powers of 1024), or a number; undefined when it is neither. */
export function parseBytes(value: unknown): number | undefined {
  const [, amount, unit = 'b'] = SIZE.exec(asText(value)) ?? []
  return amount === undefined ? undefined : Math.round(Number(amount) * (BYTES[unit.toLowerCase()] ?? NaN))
}

const asText = (value: unknown): string =>
  typeof value === 'string' ? value.trim() : typeof value === 'number' ? String(value) : ''

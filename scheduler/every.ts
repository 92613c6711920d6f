import { RuntimeError } from '../runtime/core/errors.ts'

const unitMs: Record<string, number> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
  M: 30 * 86_400_000,
  y: 365 * 86_400_000,
}
const longestMs = 100 * 365 * 86_400_000

function refuse(what: string, got: unknown): never {
  throw new RuntimeError(
    'ERR_SCHEDULE',
    `${what}: expected a length of time as text, such as '30s', '1h30m' or 'PT5M', got ${JSON.stringify(got)}`,
  )
}

/** `m` is a minute and `M` a month, as in rufus-scheduler; words need only begin like `minute` or `month`. */
function unitOf(word: string): number | undefined {
  if (word === 'M') return unitMs.M
  const lower = word.toLowerCase()
  if (/^mo(n(ths?)?)?$/.test(lower)) return unitMs.M
  if (/^(ms|millis(econds?)?)$/.test(lower)) return 1
  if (/^(y(ears?)?|w(eeks?)?|d(ays?)?|h(ours?|rs?)?|m(in(ute)?s?)?|s(ec(ond)?s?)?)$/.test(lower))
    return unitMs[lower[0] ?? '']
  return undefined
}

/**
 * Milliseconds of a rufus-scheduler duration: `30s`, `1h30m`, `15mins`, `1w2d`, `1.5h`, `PT5M`, `"60"` (seconds).
 * A month is 30 days and a year 365.
 * @param what names the value in the error
 * @throws RuntimeError ERR_SCHEDULE, also for a number, an empty text, nothing at all (`0s`), and more than 100 years
 */
export function parseEvery(value: unknown, what: string): number {
  if (typeof value !== 'string' || value.trim() === '' || value.length > 100) refuse(what, value)
  const text = value.trim()
  const total = /^\d*\.?\d+$/.test(text)
    ? Number(text) * 1000
    : (isoDuration(text) ?? pieces(text) ?? refuse(what, value))
  if (total < 1 || total > longestMs) {
    throw new RuntimeError(
      'ERR_SCHEDULE',
      `${what}: expected more than nothing and at most 100 years, got ${JSON.stringify(value)}`,
    )
  }
  return Math.round(total)
}

function pieces(text: string): number | undefined {
  let total = 0
  const rest = text.replace(/(\d*\.?\d+)\s*([A-Za-z]+)[\s,]*/g, (all: string, count: string, word: string) => {
    const unit = unitOf(word)
    if (unit === undefined) return all
    total += Number(count) * unit
    return ''
  })
  return rest === '' ? total : undefined
}

function isoDuration(text: string): number | undefined {
  const match =
    /^P(?:([\d.]+)Y)?(?:([\d.]+)M)?(?:([\d.]+)W)?(?:([\d.]+)D)?(?:T(?:([\d.]+)H)?(?:([\d.]+)M)?(?:([\d.]+)S)?)?$/i.exec(
      text,
    )
  if (!match || text.length < 3) return undefined
  return ['y', 'M', 'w', 'd', 'h', 'm', 's'].reduce(
    (sum, unit, i) => sum + Number(match[i + 1] ?? 0) * (unitMs[unit] ?? 0),
    0,
  )
}

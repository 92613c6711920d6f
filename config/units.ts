const MS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }
const BYTES: Record<string, number> = { b: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 }

const DURATION =
  /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w|msecs?|milliseconds?|secs?|seconds?|mins?|minutes?|hrs?|hours?|days?|weeks?)?$/i
const SIZE = /^(\d+(?:\.\d+)?)\s*(b|kb|mb|gb)?$/i

/** Milliseconds of `'30s'`, `'1.5 hours'`, or a number, which already is in milliseconds; undefined when it is neither. */
export function parseDurationMs(value: unknown): number | undefined {
  const [, amount, unit = 'ms'] = DURATION.exec(asText(value)) ?? []
  // Written out, the first letter says it all, but for those of milliseconds and minutes.
  const short = /^(ms|mil)/i.test(unit) ? 'ms' : (unit[0] ?? '').toLowerCase()
  return amount === undefined ? undefined : Math.round(Number(amount) * (MS[short] ?? NaN))
}

/** Bytes of `'512kb'`, `'1 mb'` (powers of 1024), or a number; undefined when it is neither. */
export function parseBytes(value: unknown): number | undefined {
  const [, amount, unit = 'b'] = SIZE.exec(asText(value)) ?? []
  return amount === undefined ? undefined : Math.round(Number(amount) * (BYTES[unit.toLowerCase()] ?? NaN))
}

const asText = (value: unknown): string =>
  typeof value === 'string' ? value.trim() : typeof value === 'number' ? String(value) : ''

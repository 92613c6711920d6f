import { RuntimeError } from './errors.ts'

const units: Record<string, number> = { b: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3, tb: 1024 ** 4 }

/**
 * Bytes of `512mb`, `1.5 GB` or a plain number; units are powers of 1024.
 * @throws RuntimeError ERR_ARGUMENT
 */
export function bytes(value: number | string, what = 'size'): number {
  const match = /^\s*(\d+(?:\.\d+)?)\s*(b|kb|mb|gb|tb)?\s*$/i.exec(String(value))
  const result = match ? Math.round(Number(match[1]) * (units[(match[2] ?? 'b').toLowerCase()] ?? 1)) : NaN
  if (Number.isSafeInteger(result) && result >= 0) return result
  throw new RuntimeError('ERR_ARGUMENT', `${what}: expected bytes or text like '512mb', got ${JSON.stringify(value)}`)
}

/** Short text for people: `12.3 MB`. */
export function formatBytes(value: number): string {
  const power = value < 1024 ? 0 : Math.min(4, Math.floor(Math.log2(value) / 10))
  const unit = ['B', 'KB', 'MB', 'GB', 'TB'][power] ?? 'B'
  return `${power === 0 ? value : (value / 1024 ** power).toFixed(1)} ${unit}`
}

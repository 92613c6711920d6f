import { clip } from '../../config/clip.ts'

/** Control characters, and marks that change the direction of what follows, which could make `exe.txt` of `txt.exe`. */
const unseen = /(?![\t\n])[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu

/**
 * Text of jobs, errors or Redis as a page may show it: characters that are not seen are written as `⟨U+202E⟩`, half
 * characters as U+FFFD. It is still to be escaped, which `html` does.
 */
export function shown(text: string, most = 10_000): string {
  return clip(text, most).replace(
    unseen,
    (char) => `⟨U+${char.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}⟩`,
  )
}

/** `1,234,567`. */
export const count = (value: number): string => value.toLocaleString('en-US')

/** `5 s ago`, `in 3 min`; the absolute time stands beside it. */
export function relative(atMs: number, nowMs: number): string {
  const text = span(Math.abs(atMs - nowMs))
  return atMs > nowMs ? `in ${text}` : `${text} ago`
}

const units: readonly [ms: number, name: string][] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1000, 's'],
]

/** A length of time in at most two units: `850 ms`, `4.2 s`, `3 min 12 s`, `2 d 4 h`. */
export function span(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`
  const at = units.findIndex(([unit]) => ms >= unit)
  const [unit, name] = units[at] ?? [1000, 's']
  const whole = Math.floor(ms / unit)
  const [less, lessName] = units[at + 1] ?? [0, '']
  const rest = less === 0 ? 0 : Math.floor((ms - whole * unit) / less)
  return rest > 0 ? `${whole} ${name} ${rest} ${lessName}` : `${whole} ${name}`
}

/** `12.5 %` of a share from 0 to 1; unknown where there was nothing to count. */
export const percent = (share: number | undefined): string =>
  share === undefined ? '–' : `${(share * 100).toFixed(1)} %`

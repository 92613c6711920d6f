// How a figure is written, and how two are compared.
import type { Cell, ResultRow } from '../results.ts'

type Figure = Extract<Cell, { value: number }>

/** The figure of a peer in a row; undefined if there is none. */
export function figureOf(row: ResultRow, peer: string): Figure | undefined {
  const cell = row.cells[peer]
  return cell !== undefined && 'value' in cell ? cell : undefined
}

export const MORE_IS_BETTER: Record<ResultRow['unit'], boolean> = { 'jobs/s': true, ms: false, MB: false, '/s': false }

/** Three digits, or all before the point. */
export function written(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

/** Below this, two figures differ by chance only. */
const NOISE: Record<ResultRow['unit'], number> = { 'jobs/s': 0, ms: 0, MB: 0.5, '/s': 0 }

/**
 * How many times better ours is than a peer: below 1 it is worse. Undefined if one of them has no figure, is zero or less, as the
 * lateness of a job that runs before its time, or is too small to tell.
 */
export function timesBetter(row: ResultRow, ours: string, peer: string): number | undefined {
  const [own, other] = [figureOf(row, ours)?.value, figureOf(row, peer)?.value]
  if (own === undefined || other === undefined || Math.min(own, other) <= 0) return undefined
  if (Math.max(own, other) < NOISE[row.unit]) return undefined
  return MORE_IS_BETTER[row.unit] ? own / other : other / own
}

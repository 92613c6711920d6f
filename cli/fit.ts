/** Least width of a column that is clipped. */
const LEAST = 16
/** A moment that lost its end says nothing: such a column is shown whole or not at all. */
const MOMENT = /^(\d{4}[-/]\d\d[-/]\d\d.*|-|never|)$/
/** Around a cell: a blank on each side and a line. */
const FRAME = 3

/** Which columns of a table are shown, and how wide each cell's text may be. */
export interface Fit {
  shown: number[]
  widths: number[]
}

/**
 * Fits a table into a width: columns without a value go first, then those of `least`, then the last ones; what stays is
 * clipped, the widest first. The first column, which names the row, stays whole.
 * @param least headings of the columns that matter least, the least one first
 */
export function fit(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  width: number,
  least: readonly string[] = [],
): Fit {
  const cells = (column: number): string[] => rows.map((row) => row[column] ?? '')
  const natural = head.map((name, i) => Math.max(name.length, ...cells(i).map((cell) => cell.length)))
  const floor = natural.map((size, i) =>
    i === 0 || cells(i).every((cell) => MOMENT.test(cell)) ? size : Math.min(size, LEAST),
  )
  const sum = (sizes: readonly number[], shown: readonly number[]): number =>
    shown.reduce((total, i) => total + (sizes[i] ?? 0) + FRAME, 1)
  let shown = head.map((_, i) => i)
  const empty = shown.filter((i) => i > 0 && cells(i).every((cell) => cell === '-' || cell === ''))
  const named = least.map((name) => head.indexOf(name))
  for (const column of [...empty, ...named, ...shown.slice(1).reverse()]) {
    if (sum(floor, shown) <= width) break
    shown = shown.filter((i) => i !== column)
  }
  const widths = [...natural]
  const room = (i: number): number => (widths[i] ?? 0) - (floor[i] ?? 0)
  while (sum(widths, shown) > width && shown.some((i) => room(i) > 0)) {
    const widest = shown.filter((i) => room(i) > 0).reduce((a, b) => ((widths[b] ?? 0) > (widths[a] ?? 0) ? b : a))
    widths[widest] = (widths[widest] ?? 0) - 1
  }
  return { shown, widths: shown.map((i) => widths[i] ?? 0) }
}

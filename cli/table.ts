import Table from 'cli-table3'
import { printable } from '../config/clip.ts'
import { clip, isWide, line, output } from './output.ts'

/**
 * A table on a terminal, as wide as that is; tab-separated lines, with a heading, in a pipe.
 * @param least headings of the columns that go first where the terminal is too narrow, see {@link fit}
 */
export function table(
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
  least: readonly string[] = [],
): void {
  const { stdout } = output()
  if (!stdout.isTTY) {
    for (const row of [head, ...rows]) line(row.map((cell) => String(cell).replace(/[\t\n\r]+/g, ' ')).join('\t'))
    return
  }
  const width = isWide() ? Infinity : stdout.columns || 80
  const texts = rows.map((row) => row.map((cell) => printable(String(cell))))
  const { shown, widths } = fit(head, texts, width, least)
  // Of two columns, a name and its value, the value is shown whole, on more lines.
  const wraps = head.length === 2
  const drawn = new Table({
    head: shown.map((i) => head[i] ?? ''),
    style: isPlain() ? { head: [], border: [] } : { head: ['bold'], border: ['grey'] },
    ...(isWide() ? {} : { colWidths: widths.map((size) => size + 2) }),
    wordWrap: wraps || isWide(),
    wrapOnWordBoundary: false,
    // No rules between rows: twice as many of them fit on a screen.
    chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
  })
  for (const row of texts)
    drawn.push(shown.map((i, at) => (wraps || isWide() ? (row[i] ?? '') : clip(row[i] ?? '', widths[at] ?? 0))))
  stdout.write(`${drawn.toString()}\n`)
  const left = head.filter((_, i) => !shown.includes(i))
  if (left.length > 0) line(`not shown: ${left.join(', ')}; --wide shows all`)
}

/** https://no-color.org: set to anything but nothing. */
const isPlain = (): boolean => (process.env['NO_COLOR'] ?? '') !== ''

/** Least width of a column that is clipped. */
const LEAST = 16
/** A moment that lost its end says nothing: such a column is shown whole or not at all. */
const MOMENT = /^(\d{4}[-/]\d\d[-/]\d\d.*|-|never|)$/
/** Around a cell: a blank on each side and a line. */
const FRAME = 3

/** Which columns of a table are shown, and how wide each cell's text may be. */
interface Fit {
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

import Table from 'cli-table3'
import { printable } from '../config/clip.ts'
import { fit } from './fit.ts'
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

import { clip as clipText } from '../config/clip.ts'
import Table from 'cli-table3'

/** Writes a line to standard output. */
export function line(text = ''): void {
  process.stdout.write(`${text}\n`)
}

/** Writes JSON, for `--json`. */
export function json(value: unknown): void {
  line(JSON.stringify(value, null, process.stdout.isTTY ? 2 : 0))
}

/** A table on a terminal; tab-separated lines, with a heading, in a pipe. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): void {
  if (!process.stdout.isTTY) {
    for (const row of [head, ...rows]) line(row.map((cell) => String(cell).replace(/[\t\n\r]+/g, ' ')).join('\t'))
    return
  }
  const drawn = new Table({
    head: [...head],
    style: { head: ['bold'], border: ['grey'] },
    wordWrap: true,
    // No rules between rows: twice as many of them fit on a screen.
    chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
  })
  for (const row of rows) drawn.push([...row])
  line(drawn.toString())
}

/** `3s ago`, `in 5m`: a moment as people say it. */
export function relative(atMs: number, nowMs: number): string {
  const distance = Math.abs(atMs - nowMs)
  const text =
    distance < 60_000
      ? `${Math.round(distance / 1000)}s`
      : distance < 3_600_000
        ? `${Math.round(distance / 60_000)}m`
        : distance < 172_800_000
          ? `${Math.round(distance / 3_600_000)}h`
          : `${Math.round(distance / 86_400_000)}d`
  return atMs > nowMs ? `in ${text}` : `${text} ago`
}

/** Text on one line, at most `length` characters. */
export function clip(text: string, length: number): string {
  return clipText(text.replace(/\s+/g, ' '), length)
}

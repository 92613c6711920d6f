// The file to which jobs of every peer append one line each: their mark and the monotonic time at which they ran.
import { closeSync, fstatSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Two fields of twenty characters, a blank between them, and the line's end. */
const WIDTH = 42

export interface End {
  mark: string
  /** By the machine's monotonic clock, in milliseconds. */
  atMs: number
}

/** What is left if this process is ended first. */
const folders = new Set<string>()
process.on('exit', () => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })))

export class Ends {
  readonly path: string
  readonly #dir: string
  readonly #file: number

  constructor() {
    this.#dir = mkdtempSync(join(tmpdir(), 'compare-'))
    folders.add(this.#dir)
    this.path = join(this.#dir, 'ends')
    writeFileSync(this.path, '')
    this.#file = openSync(this.path, 'r')
  }

  get count(): number {
    return Math.floor(fstatSync(this.#file).size / WIDTH)
  }

  /** The lines from the nth on. */
  read(from = 0): End[] {
    const buffer = Buffer.alloc(1 << 20)
    const ends: End[] = []
    for (let at = from * WIDTH; ;) {
      const bytes = readSync(this.#file, buffer, 0, buffer.length - (buffer.length % WIDTH), at)
      for (let line = 0; line + WIDTH <= bytes; line += WIDTH) {
        const text = buffer.toString('latin1', line, line + WIDTH)
        ends.push({ mark: text.slice(0, 20).trimEnd(), atMs: Number(text.slice(21, 41)) / 1e6 })
      }
      at += bytes - (bytes % WIDTH)
      if (bytes < WIDTH) return ends
    }
  }

  remove(): void {
    closeSync(this.#file)
    rmSync(this.#dir, { recursive: true })
    folders.delete(this.#dir)
  }
}

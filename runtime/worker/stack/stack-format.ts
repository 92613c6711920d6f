import { readFile, stat } from 'node:fs/promises'
import { SourceMap, type SourceMapPayload } from 'node:module'
import { fileURLToPath } from 'node:url'
import { isOwnCode } from '../../core/package.ts'

/**
 * How a job process prints its JavaScript stack, and how its supervisor reads it. The process writes it to standard
 * error, among whatever the job prints, between two marks.
 */

/** The signal that asks for the stack. A real-time signal: no program of Node's world uses it. */
export const STACK_SIGNAL = 50
export const STACK_BEGIN = '\x01resque-runtime:stack\n'
export const STACK_END = '\x01resque-runtime:end\n'

/** A stack of ten thousand frames is half a megabyte; what is beyond this is counted only. */
const MAX_BYTES = 16 * 1024

/** Gets the frames of a stack, innermost first, and how many there were beyond those. */
export type OnStack = (frames: string[], more: number) => void

/** Takes stacks out of what a process prints. One reader a stream. */
export class StackReader {
  readonly #onStack: OnStack
  /** The end of the last chunk, where it may be the beginning of a mark. */
  #held = Buffer.alloc(0)
  #inside = false
  #stack = ''
  #linesBeyond = 0

  constructor(onStack: OnStack) {
    this.#onStack = onStack
  }

  /** @returns what of the chunk is the job's own output */
  push(chunk: Buffer): Buffer {
    if (!this.#inside && this.#held.length === 0 && !chunk.includes(1)) return chunk
    let rest = Buffer.concat([this.#held, chunk])
    const output: Buffer[] = []
    for (;;) {
      const mark = this.#inside ? STACK_END : STACK_BEGIN
      const at = rest.indexOf(mark)
      const end = at < 0 ? rest.length - beginningOf(mark, rest) : at
      if (this.#inside) this.#collect(rest.subarray(0, end))
      else output.push(rest.subarray(0, end))
      if (at < 0) {
        this.#held = rest.subarray(end)
        return Buffer.concat(output)
      }
      if (this.#inside) this.#deliver()
      this.#inside = !this.#inside
      rest = rest.subarray(at + mark.length)
    }
  }

  /** The stream has ended. @returns output that looked like the beginning of a mark */
  close(): Buffer {
    const held = this.#held
    this.#held = Buffer.alloc(0)
    if (!this.#inside) return held
    this.#collect(held)
    this.#deliver()
    this.#inside = false
    return Buffer.alloc(0)
  }

  #collect(bytes: Buffer): void {
    const room = MAX_BYTES - this.#stack.length
    this.#stack += bytes.toString('utf8', 0, Math.max(0, room))
    for (let at = Math.max(0, room); (at = bytes.indexOf(10, at)) >= 0; at += 1) this.#linesBeyond += 1
  }

  #deliver(): void {
    const lines = this.#stack.split('\n').map((line) => line.trim())
    const more = this.#linesBeyond
    this.#stack = ''
    this.#linesBeyond = 0
    this.#onStack(
      lines.filter((line) => line !== ''),
      more,
    )
  }
}

/** How many bytes at the end of `bytes` are the beginning of the mark. */
function beginningOf(mark: string, bytes: Buffer): number {
  for (let length = Math.min(mark.length - 1, bytes.length); length > 0; length -= 1)
    if (bytes.toString('latin1', bytes.length - length) === mark.slice(0, length)) return length
  return 0
}

/** Frames of Node's own machinery say nothing of the job. */
const INTERNAL = /\(?node:(internal\/|events\b)/
const PLACE = /^(.*?)\(?((?:file:\/\/)?\/[^()]*):(\d+):(\d+)\)?$/
/** A map that is larger than this is not worth the supervisor's time. */
const MAX_MAP_BYTES = 20 << 20
const FRAMES_SHOWN = 50

/**
 * The frames that are the job's: without those of Node's machinery and of this runtime. None where no file of the
 * application or of its packages is among them: what V8 itself offers, such as Array.map, was then called from here.
 */
export function jobFrames(printed: readonly string[]): string[] {
  const frames = printed.filter((line) => !INTERNAL.test(line) && !isOwnCode(line))
  return frames.some((line) => PLACE.test(line)) ? frames : []
}

/**
 * The frames that V8 has printed, as a reader of the sources knows them: `Order.total (/app/src/jobs/order.ts:18:5)`.
 * Files that were built have their source map beside them, in `<file>.map`; other places stay as they are.
 *
 * @param printed innermost first
 * @param more how many frames there were beyond those
 */
export async function sourceFrames(printed: readonly string[], more: number): Promise<string[]> {
  const frames = jobFrames(printed)
  const maps = new Map<string, Promise<SourceMap | undefined>>()
  const mapOf = (file: string): Promise<SourceMap | undefined> => {
    const known = maps.get(file) ?? readMap(`${file}.map`)
    maps.set(file, known)
    return known
  }
  const shown = await Promise.all(frames.slice(0, FRAMES_SHOWN).map((frame) => inSource(frame, mapOf)))
  const beyond = frames.length - shown.length + more
  return beyond > 0 ? [...shown, `… and ${beyond} more frames`] : shown
}

async function inSource(frame: string, mapOf: (file: string) => Promise<SourceMap | undefined>): Promise<string> {
  const [, name = '', place = '', line, column] = PLACE.exec(frame) ?? []
  if (line === undefined || column === undefined) return frame
  const file = place.startsWith('file:') ? fileURLToPath(place) : place
  const entry = (await mapOf(file))?.findEntry(Number(line) - 1, Number(column) - 1)
  const source = entry && 'originalSource' in entry ? entry.originalSource : undefined
  const at = source === undefined ? `${file}:${line}:${column}` : `${pathOf(source)}:${entryPlace(entry)}`
  return name === '' ? at : `${name}(${at})`
}

const entryPlace = (entry: unknown): string => {
  const { originalLine, originalColumn } = entry as { originalLine: number; originalColumn: number }
  return `${originalLine + 1}:${originalColumn + 1}`
}

const pathOf = (source: string): string => (source.startsWith('file:') ? fileURLToPath(source) : source)

async function readMap(path: string): Promise<SourceMap | undefined> {
  try {
    if ((await stat(path)).size > MAX_MAP_BYTES) return undefined
    return new SourceMap(JSON.parse(await readFile(path, 'utf8')) as SourceMapPayload)
  } catch {
    return undefined
  }
}

import type { Readable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import { head } from '../../../config/clip.ts'
import { StackReader, type OnStack } from '../stack/stack-format.ts'

const UNCAUGHT = 'Uncaught '

/** What a forked process prints last when it ends of an error that nothing catches. */
export const uncaughtLine = (error: string): string => UNCAUGHT + error.replace(/\s+/g, ' ')

/** The error that a process ended of, by its last lines; undefined where they name none. */
export function uncaughtIn(lines: readonly string[]): string | undefined {
  const said =
    lines.findLast((line) => line.startsWith(UNCAUGHT)) ??
    lines.find((line) => /^\w*(Error|Exception)\b.*:/.test(line.trim()))
  return said?.trim()
}

/** Keeps the last lines of what a process prints, each clipped, however much it prints. */
export class OutputTail {
  readonly #lines: string[] = []
  readonly #max: number
  readonly #maxLength: number
  #partial = ''

  constructor(max = 20, maxLength = 1000) {
    this.#max = max
    this.#maxLength = maxLength
  }

  /** Reads a stream to its end, and hands every chunk on, but for the stacks in it. */
  follow(stream: Readable, pass: (chunk: Buffer) => void, onStack: OnStack = () => undefined): void {
    const stacks = new StackReader(onStack)
    const decoder = new StringDecoder('utf8')
    const show = (output: Buffer): void => {
      if (output.length === 0) return
      this.add(decoder.write(output))
      pass(output)
    }
    stream.on('data', (chunk: Buffer) => show(stacks.push(chunk)))
    stream.on('end', () => show(stacks.close()))
    stream.on('error', () => undefined)
  }

  /** Adds text, which may end in the middle of a line. */
  add(text: string): void {
    const lines = (this.#partial + text).split('\n')
    this.#partial = (lines.pop() ?? '').slice(0, this.#maxLength + 1)
    for (const line of lines.slice(-this.#max)) this.#lines.push(head(line, this.#maxLength))
    this.#lines.splice(0, this.#lines.length - this.#max)
  }

  /** Starts over: what was printed before belongs to another job. */
  clear(): void {
    this.#lines.length = 0
    this.#partial = ''
  }

  /** The last lines, oldest first. */
  lines(): string[] {
    return (this.#partial === '' ? this.#lines : [...this.#lines, head(this.#partial, this.#maxLength)]).slice(
      -this.#max,
    )
  }
}

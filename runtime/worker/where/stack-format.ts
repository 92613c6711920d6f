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

/**
 * Messages on a byte stream: four bytes length (little-endian, of the text in bytes), then that much JSON in UTF-8.
 * A stream that ends within a frame carried no message there: the writer was killed while it spoke.
 */
const LENGTH_BYTES = 4

/** No message is larger: a length above it means that the stream is not ours. */
export const MAX_FRAME_BYTES = 256 * 1024 * 1024

/** One message, ready to be written. */
export function encodeFrame(message: unknown): Buffer {
  const text = JSON.stringify(message)
  const bytes = Buffer.byteLength(text)
  if (bytes > MAX_FRAME_BYTES)
    throw new RangeError(`a message of ${bytes} bytes exceeds the limit of ${MAX_FRAME_BYTES}`)
  const frame = Buffer.allocUnsafe(LENGTH_BYTES + bytes)
  frame.writeUInt32LE(bytes, 0)
  frame.write(text, LENGTH_BYTES)
  return frame
}

/** Room for most messages. */
const ENCODER_BYTES = 8192
/** A UTF-16 code unit takes at most so many bytes in UTF-8. */
const BYTES_OF_UNIT = 3

/** The same for messages that are written before the next one is encoded: each uses the same memory, where it has room there. */
export class FrameEncoder {
  readonly #bytes = Buffer.alloc(ENCODER_BYTES)
  /** The last one. */
  #frame: Uint8Array = this.#bytes

  encode(message: unknown): Uint8Array {
    const text = JSON.stringify(message)
    if (LENGTH_BYTES + text.length * BYTES_OF_UNIT > ENCODER_BYTES) return encodeFrame(message)
    const bytes = this.#bytes.write(text, LENGTH_BYTES)
    this.#bytes.writeUInt32LE(bytes, 0)
    if (this.#frame.length !== LENGTH_BYTES + bytes) this.#frame = this.#bytes.subarray(0, LENGTH_BYTES + bytes)
    return this.#frame
  }
}

/** Cuts a stream into its messages, whatever the borders of the chunks. */
export class FrameReader {
  #chunks: Buffer[] = []
  /** Where the next message begins in the first chunk. */
  #at = 0
  /** From there on. */
  #bytes = 0

  /** Whether the stream ended, so far, where a message does. */
  get isBetweenMessages(): boolean {
    return this.#bytes === 0
  }

  /**
   * The messages that are complete with this chunk, oldest first. The chunk is kept, not copied.
   * @throws RangeError, SyntaxError when what comes next is no message, but never in place of messages that came before
   */
  push(chunk: Buffer): unknown[] {
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    const messages: unknown[] = []
    try {
      for (let message = this.#next(); message; message = this.#next()) messages.push(message.value)
    } catch (fault) {
      if (messages.length === 0) throw fault
    }
    return messages
  }

  /** The same for the first bytes of a buffer that its owner writes to again. */
  pushOwn(buffer: Buffer, bytes: number): unknown[] {
    if (this.#bytes === 0 && bytes >= LENGTH_BYTES && buffer.readUInt32LE(0) === bytes - LENGTH_BYTES)
      return [JSON.parse(buffer.toString('utf8', LENGTH_BYTES, bytes))]
    return this.push(Buffer.from(buffer.subarray(0, bytes)))
  }

  #next(): { value: unknown } | undefined {
    const length = this.#peekLength()
    if (length === undefined || this.#bytes < LENGTH_BYTES + length) return undefined
    const first = this.#first(LENGTH_BYTES + length)
    const [from, end] = [this.#at + LENGTH_BYTES, this.#at + LENGTH_BYTES + length]
    const value: unknown = JSON.parse(first.toString('utf8', from, end))
    this.#bytes -= LENGTH_BYTES + length
    this.#at = end < first.length ? end : 0
    if (this.#at === 0) this.#chunks.shift()
    return { value }
  }

  #peekLength(): number | undefined {
    if (this.#bytes < LENGTH_BYTES) return undefined
    const length = this.#first(LENGTH_BYTES).readUInt32LE(this.#at)
    if (length > MAX_FRAME_BYTES)
      throw new RangeError(`a frame announces ${length} bytes, the limit is ${MAX_FRAME_BYTES}`)
    return length
  }

  /** The first chunk, with so many bytes of the next message at least; they are there. */
  #first(bytes: number): Buffer {
    const first = this.#chunks[0] as Buffer
    if (first.length - this.#at >= bytes) return first
    const all = Buffer.concat([first.subarray(this.#at), ...this.#chunks.slice(1)])
    this.#chunks = [all]
    this.#at = 0
    return all
  }
}

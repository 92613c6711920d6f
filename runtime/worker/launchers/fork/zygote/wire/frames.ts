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

/** Cuts a stream into its messages, whatever the borders of the chunks. */
export class FrameReader {
  #chunks: Buffer[] = []
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

  #next(): { value: unknown } | undefined {
    const length = this.#peekLength()
    if (length === undefined || this.#bytes < LENGTH_BYTES + length) return undefined
    const all = this.#join()
    const value: unknown = JSON.parse(all.toString('utf8', LENGTH_BYTES, LENGTH_BYTES + length))
    this.#chunks = all.length > LENGTH_BYTES + length ? [all.subarray(LENGTH_BYTES + length)] : []
    this.#bytes = all.length - LENGTH_BYTES - length
    return { value }
  }

  #peekLength(): number | undefined {
    if (this.#bytes < LENGTH_BYTES) return undefined
    if ((this.#chunks[0]?.length ?? 0) < LENGTH_BYTES) this.#join()
    const length = this.#chunks[0]?.readUInt32LE(0) ?? 0
    if (length > MAX_FRAME_BYTES)
      throw new RangeError(`a frame announces ${length} bytes, the limit is ${MAX_FRAME_BYTES}`)
    return length
  }

  #join(): Buffer {
    const all = this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks)
    this.#chunks = [all]
    return all
  }
}

import koffi from 'koffi'
import type { ChildMessage, ParentMessage } from '../../protocol.ts'
import { FrameReader, encodeFrame } from './frames.ts'
import { EINTR, errno, read, writeAll } from './libc.ts'

const READ_BYTES = 64 * 1024

/**
 * A job's line to its supervisor: the socket that it connected after the fork. Writing blocks until the kernel has
 * taken all of it, so that nothing is lost when the process leaves right after. Reading costs nothing until asked for.
 */
export class JobChannel {
  readonly #fd: number
  readonly #reader = new FrameReader()

  constructor(fd: number) {
    this.#fd = fd
  }

  /** Ends this process when nobody listens any more: the supervisor has gone. */
  send(message: ChildMessage): void {
    writeAll(this.#fd, encodeFrame(message))
  }

  /** Waits, without the event loop, for the supervisor's next message; undefined when it has gone. */
  receive(): ParentMessage | undefined {
    for (;;) {
      const messages = this.#read()
      if (messages === undefined) return undefined
      if (messages.length > 0) return messages[0]
    }
  }

  /** From now on every message goes to `handler`. Does not keep the process alive. */
  listen(handler: (message: ParentMessage) => void): void {
    const handle = koffi.node.poll(this.#fd, { readable: true }, () => {
      const messages = this.#read()
      if (messages === undefined) handle.close()
      else for (const message of messages) handler(message)
    })
    handle.unref()
  }

  #read(): ParentMessage[] | undefined {
    const bytes = Buffer.allocUnsafe(READ_BYTES)
    const count = read(this.#fd, bytes, READ_BYTES)
    if (count < 0 && errno() === EINTR) return []
    return count > 0 ? (this.#reader.push(bytes.subarray(0, count)) as ParentMessage[]) : undefined
  }
}

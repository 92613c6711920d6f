import { extended, type LateDescriptors } from '../core/descriptors.ts'
import {
  AF_UNIX,
  SOCK_STREAM_CLOEXEC,
  blockOn,
  close,
  connect,
  dup2,
  errno,
  ioctl,
  socket,
  writeAll,
} from '../core/libc.ts'
import { HELLO_BYTES, HELLO_MESSAGES, HELLO_OUTPUT } from './zygote-messages.ts'

const CLOSED = -1
const FIONREAD = 0x541b
const SIOCOUTQ = 0x5411
const answer = new Int32Array(1)

/** Bytes that were written to a socket and that the other side has not read; -1 for what is no socket (unix(7)). */
export const unreadThere = (fd: number): number => (ioctl(fd, SIOCOUTQ, answer) === 0 ? (answer[0] ?? 0) : -1)

/**
 * The zygote's connections to the supervisor, in pairs: one for messages and one for output, which a child takes
 * over. A pair outlives the job that it served: sockets made and closed for every job cost supervisor and child more
 * than the rest of their talk.
 */
export class ConnectionPairs {
  readonly #address: Uint8Array
  readonly #late: LateDescriptors
  /** Two for each pair: messages, output. */
  #fds = new Int32Array(0)
  readonly #hello = Buffer.alloc(HELLO_BYTES)

  /** `path`: of the supervisor's socket. */
  constructor(path: string, late: LateDescriptors) {
    this.#address = socketAddress(path)
    this.#late = late
  }

  /** Closes a pair and connects it again; returns 0 or the errno. */
  open(pair: number, launch: number): number {
    this.#close(pair)
    this.#grow(pair + 1)
    const fault = this.#connect(pair * 2, launch, HELLO_OUTPUT) || this.#connect(pair * 2 + 1, launch, HELLO_MESSAGES)
    if (fault !== 0) this.#close(pair)
    return fault
  }

  /**
   * In a child: the pair's output becomes standard output and error, all else that the zygote has opened since is closed.
   * Returns the descriptor of its messages.
   */
  adopt(pair: number): number {
    const output = this.#fds[pair * 2] ?? CLOSED
    // Whatever an earlier job started may have made it give up rather than wait.
    blockOn(output)
    dup2(output, 1)
    dup2(output, 2)
    return this.#late.keepOnly(this.#fds[pair * 2 + 1] ?? CLOSED)
  }

  /** Bytes of messages that the process of a pair, which has ended, did not read. */
  unreadBytes(pair: number): number {
    return ioctl(this.#fds[pair * 2 + 1] ?? CLOSED, FIONREAD, answer) === 0 ? (answer[0] ?? 0) : 0
  }

  /** Returns 0 or the errno. */
  #connect(index: number, launch: number, kind: number): number {
    const fd = this.#late.raise(socket(AF_UNIX, SOCK_STREAM_CLOEXEC, 0))
    if (fd < 0) return errno()
    this.#fds[index] = fd
    this.#hello.writeUInt32LE(launch, 0)
    this.#hello.writeUInt32LE(kind, 4)
    if (connect(fd, this.#address, this.#address.length) !== 0 || !writeAll(fd, this.#hello)) return errno()
    return 0
  }

  #close(pair: number): void {
    for (const index of [pair * 2, pair * 2 + 1]) {
      const fd = this.#fds[index] ?? CLOSED
      if (fd !== CLOSED) close(fd)
      if (index < this.#fds.length) this.#fds[index] = CLOSED
    }
  }

  #grow(pairs: number): void {
    if (this.#fds.length >= pairs * 2) return
    const known = this.#fds.length
    this.#fds = extended(this.#fds, pairs * 2).fill(CLOSED, known)
  }
}

/** sockaddr_un of a path of at most 107 bytes. */
function socketAddress(path: string): Uint8Array {
  const name = Buffer.from(path)
  if (name.length > 107) throw new RangeError(`a socket path has at most 107 bytes, got ${name.length}: ${path}`)
  const address = new Uint8Array(2 + name.length + 1)
  address[0] = AF_UNIX
  address.set(name, 2)
  return address
}

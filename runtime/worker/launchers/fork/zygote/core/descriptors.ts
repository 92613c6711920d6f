import { readdirSync, readlinkSync } from 'node:fs'
import { AF_UNIX, O_CLOEXEC, SOCK_DGRAM, SOCK_STREAM_CLOEXEC, close, dup3, socketType, socketpair } from './libc.ts'

/** Open descriptors of this process above standard error, with what each leads to (`socket:[123]`, a path, …). */
export function openDescriptors(): Map<number, string> {
  const found = new Map<number, string>()
  for (const name of readdirSync('/proc/self/fd')) {
    const fd = Number(name)
    if (fd <= 2) continue
    try {
      found.set(fd, readlinkSync(`/proc/self/fd/${name}`))
    } catch {
      // The descriptor of the listing itself.
    }
  }
  return found
}

/**
 * Connections that the application opened while it was loaded, and that connections.ts could not close: those of native
 * code, and of clients that connect again and again. Children that used them would mix their data on one connection; so
 * in each child they lead to a dead end, where the client sees the end of the stream and reconnects. Datagrams do not mix:
 * a socket for them (statsd) is shared.
 */
export class InheritedSockets {
  readonly #sockets: number[]
  readonly #deadEnd: number

  /** In the zygote, when the application has been loaded. `own` are the runtime's descriptors, which stay. */
  constructor(own: readonly number[]) {
    this.#sockets = [...openDescriptors()]
      .filter(([fd, target]) => target.startsWith('socket:') && !own.includes(fd) && socketType(fd) !== SOCK_DGRAM)
      .map(([fd]) => fd)
    this.#deadEnd = this.#sockets.length > 0 ? makeDeadEnd() : -1
  }

  get count(): number {
    return this.#sockets.length
  }

  /** In the child, before its event loop runs. */
  disconnect(): void {
    for (const fd of this.#sockets) dup3(this.#deadEnd, fd, O_CLOEXEC)
    if (this.#deadEnd >= 0) close(this.#deadEnd)
  }
}

function makeDeadEnd(): number {
  const pair = new Int32Array(2)
  if (socketpair(AF_UNIX, SOCK_STREAM_CLOEXEC, 0, pair) !== 0) throw new Error('socketpair failed')
  const [here = -1, there = -1] = pair
  close(there)
  return here
}

import { readdirSync, readlinkSync } from 'node:fs'
import {
  AF_UNIX,
  O_CLOEXEC,
  SOCK_DGRAM,
  SOCK_STREAM_CLOEXEC,
  close,
  dup3,
  socketType,
  socketpair,
  O_WRONLY,
  closeFrom,
  duplicateFrom,
  openFile,
} from './libc.ts'
import type { ZygoteLoop } from './loop.ts'

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

const NOWHERE = Buffer.from('/dev/null\0')

/** No process has as many: before the start nothing is closed. */
export const BEYOND_ALL = 0x7fffffff

/**
 * Descriptors that the zygote opens while it works: its connection pairs, and one for each child to wait on. They lie above all
 * others, so that a child closes them in one call, however many there are.
 */
export class LateDescriptors {
  /** Kept for the one that a child keeps. */
  readonly #kept = openFile(NOWHERE, O_WRONLY | O_CLOEXEC)
  #first = BEYOND_ALL

  /** When the application has opened all that it will. */
  start(): void {
    this.#first = Math.max(2, ...openDescriptors().keys()) + 1
  }

  /** Moves a new one up; a failure (negative) stays one. */
  raise(fd: number): number {
    if (fd < 0) return fd
    const raised = duplicateFrom(fd, this.#first)
    close(fd)
    return raised
  }

  /** In a child: closes all but this one, which is given another number. */
  keepOnly(fd: number): number {
    dup3(fd, this.#kept, O_CLOEXEC)
    closeFrom(this.#first)
    return this.#kept
  }
}

/** What a child finds of the zygote's and must not keep. */
export class ZygoteResources {
  readonly #control: number
  readonly #loop: ZygoteLoop
  readonly #sockets: InheritedSockets

  constructor(control: number, loop: ZygoteLoop, sockets: InheritedSockets) {
    this.#control = control
    this.#loop = loop
    this.#sockets = sockets
  }

  /** Closes or replaces the control socket, what the loop watches, and the sockets of the application. */
  release(): void {
    close(this.#control)
    this.#loop.forget()
    this.#sockets.disconnect()
  }
}

/** The same numbers with room for more. */
export function extended(numbers: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const array = new Int32Array(length)
  array.set(numbers)
  return array
}

import { EINTR, POLLIN, SIGKILL, close, errno, kill, openPidfd, wait4 } from './libc.ts'
import type { Exited } from './messages.ts'

const RUSAGE_BYTES = 144
const MAX_RSS_OFFSET = 32
const POLLFD_WORDS = 2

interface Child {
  pid: number
  launch: number
  pidfd: number
}

/**
 * The children of a blocking zygote: each has a pidfd to wait on, and is reaped by its own pid, so that nobody else's
 * child is taken. Its process group is killed before it is reaped, while its pid cannot belong to anybody else yet.
 */
export class Children {
  #children: Child[] = []
  #pollSet: Int32Array
  readonly #fd: number
  readonly #status = new Int32Array(1)
  readonly #usage = new Uint8Array(RUSAGE_BYTES)

  /** `fd` is waited on together with the children. */
  constructor(fd: number) {
    this.#fd = fd
    this.#pollSet = this.#buildPollSet()
  }

  get size(): number {
    return this.#children.length
  }

  /** For poll(2): the given descriptor first, then one for each child. */
  get pollSet(): Int32Array {
    return this.#pollSet
  }

  /** False when the kernel has no pidfd for it; it is then killed. */
  add(pid: number, launch: number): boolean {
    const pidfd = openPidfd(pid)
    if (pidfd < 0) {
      kill(pid, SIGKILL)
      this.#wait(pid)
      return false
    }
    this.#children.push({ pid, launch, pidfd })
    this.#pollSet = this.#buildPollSet()
    return true
  }

  /** Those that ended by the last poll, reaped. */
  reapEnded(): Exited[] {
    const set = this.#pollSet
    const ended = this.#children.filter((_, index) => (set[(index + 1) * POLLFD_WORDS + 1] as number) >>> 16 !== 0)
    if (ended.length === 0) return []
    const exits = ended.map((child) => this.#reap(child))
    this.#children = this.#children.filter((child) => !ended.includes(child))
    this.#pollSet = this.#buildPollSet()
    return exits
  }

  has(pid: number): boolean {
    return this.#children.some((child) => child.pid === pid)
  }

  /** The end: every group is killed and every child reaped. */
  killAll(): void {
    for (const { pid } of this.#children) {
      kill(-pid, SIGKILL)
      kill(pid, SIGKILL)
    }
    for (const child of this.#children) this.#reap(child)
    this.#children = []
  }

  /** In a child: its siblings are none of its business. */
  forget(): void {
    for (const { pidfd } of this.#children) close(pidfd)
    this.#children = []
  }

  #reap(child: Child): Exited {
    kill(-child.pid, SIGKILL)
    this.#wait(child.pid)
    close(child.pidfd)
    const status = this.#status[0] as number
    const signal = status & 0x7f
    const usage = new DataView(this.#usage.buffer)
    return {
      type: 'exited',
      launch: child.launch,
      exitCode: signal === 0 ? (status >> 8) & 0xff : null,
      signal: signal === 0 ? null : signal,
      cpuUserMs: timevalMs(usage, 0),
      cpuSystemMs: timevalMs(usage, 16),
      peakRssBytes: Number(usage.getBigInt64(MAX_RSS_OFFSET, true)) * 1024,
    }
  }

  #wait(pid: number): void {
    while (wait4(pid, this.#status, 0, this.#usage) < 0 && errno() === EINTR);
  }

  /** struct pollfd: int fd; short events; short revents. */
  #buildPollSet(): Int32Array {
    return Int32Array.from([this.#fd, ...this.#children.map((child) => child.pidfd)].flatMap((fd) => [fd, POLLIN]))
  }
}

/** struct timeval (seconds, microseconds) in ms. */
const timevalMs = (usage: DataView, offset: number): number =>
  Number(usage.getBigInt64(offset, true)) * 1000 + Number(usage.getBigInt64(offset + 8, true)) / 1000

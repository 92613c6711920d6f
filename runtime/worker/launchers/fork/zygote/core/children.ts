import { extended, type LateDescriptors } from './descriptors.ts'
import { EINTR, POLLIN, SIGKILL, close, errno, kill, openPidfd, wait4 } from './libc.ts'

const FIRST_CAPACITY = 16
/** struct pollfd: int fd; short events; short revents. */
const POLLFD_WORDS = 2

/**
 * The children of a blocking zygote: each has a pidfd to wait on, and is reaped by its own pid, so that no other
 * child is taken. Its process group is killed before it is reaped, while its pid cannot belong to anybody else yet.
 * Kept in arrays that are written in place: new objects would be memory that every fork has to copy.
 */
export class Children {
  /** Of the last one that was reaped. */
  pid = 0
  launch = 0
  #count = 0
  #pids = new Int32Array(FIRST_CAPACITY)
  #launches = new Int32Array(FIRST_CAPACITY)
  #pollSet = new Int32Array((FIRST_CAPACITY + 1) * POLLFD_WORDS)
  readonly #status = new Int32Array(1)
  readonly #usage: Uint8Array
  readonly #late: LateDescriptors

  /** `fd` is waited on together with the children; `usage`: where the struct rusage of those that are reaped goes. */
  constructor(fd: number, usage: Uint8Array, late: LateDescriptors) {
    this.#late = late
    this.#pollSet[0] = fd
    this.#pollSet[1] = POLLIN
    this.#usage = usage
  }

  /** For poll(2): the given descriptor first, then one for each child. */
  get pollSet(): Int32Array {
    return this.#pollSet
  }

  /** Entries of the poll set. */
  get pollCount(): number {
    return this.#count + 1
  }

  /** As wait4(2) reported it for the last one that was reaped. */
  get status(): number {
    return this.#status[0] as number
  }

  /** Returns 0, or the errno when the kernel has no pidfd for it; it is then killed. */
  add(pid: number, launch: number): number {
    const pidfd = this.#late.raise(openPidfd(pid))
    if (pidfd < 0) {
      const fault = errno()
      kill(pid, SIGKILL)
      this.#wait(pid)
      return fault
    }
    if (this.#count === this.#pids.length) this.#grow()
    this.#pids[this.#count] = pid
    this.#launches[this.#count] = launch
    this.#count += 1
    this.#pollSet[this.#count * POLLFD_WORDS] = pidfd
    this.#pollSet[this.#count * POLLFD_WORDS + 1] = POLLIN
    return 0
  }

  /** Reaps one of those that ended by the last poll; false when there is none left. */
  reapEnded(): boolean {
    for (let index = 0; index < this.#count; index += 1) {
      if ((this.#pollSet[(index + 1) * POLLFD_WORDS + 1] as number) >>> 16 === 0) continue
      this.#reap(index)
      return true
    }
    return false
  }

  has(pid: number): boolean {
    for (let index = 0; index < this.#count; index += 1) if (this.#pids[index] === pid) return true
    return false
  }

  hasLaunch(launch: number): boolean {
    return this.#indexOf(launch) >= 0
  }

  /** Kills one with its group; it is reaped when the next poll has reported its end. */
  kill(launch: number): void {
    const index = this.#indexOf(launch)
    if (index >= 0) this.#kill(this.#pids[index] as number)
  }

  /** The end: every group is killed and every child reaped. */
  killAll(): void {
    for (let index = 0; index < this.#count; index += 1) this.#kill(this.#pids[index] as number)
    while (this.#count > 0) this.#reap(this.#count - 1)
  }

  #indexOf(launch: number): number {
    for (let index = 0; index < this.#count; index += 1) if (this.#launches[index] === launch) return index
    return -1
  }

  #kill(pid: number): void {
    kill(-pid, SIGKILL)
    kill(pid, SIGKILL)
  }

  /** The last one takes its place. */
  #reap(index: number): void {
    this.pid = this.#pids[index] as number
    this.launch = this.#launches[index] as number
    kill(-this.pid, SIGKILL)
    this.#wait(this.pid)
    const [here, last] = [(index + 1) * POLLFD_WORDS, this.#count * POLLFD_WORDS]
    close(this.#pollSet[here] as number)
    this.#pollSet[here] = this.#pollSet[last] as number
    this.#pollSet[here + 1] = this.#pollSet[last + 1] as number
    this.#count -= 1
    this.#pids[index] = this.#pids[this.#count] as number
    this.#launches[index] = this.#launches[this.#count] as number
  }

  #wait(pid: number): void {
    while (wait4(pid, this.#status, 0, this.#usage) < 0 && errno() === EINTR);
  }

  #grow(): void {
    const capacity = this.#pids.length * 2
    this.#pids = extended(this.#pids, capacity)
    this.#launches = extended(this.#launches, capacity)
    this.#pollSet = extended(this.#pollSet, (capacity + 1) * POLLFD_WORDS)
  }
}

import { openSync } from 'node:fs'
import { extended } from './descriptors.ts'
import { close, kill, poll, pread, SIGKILL, wait4, WNOHANG } from './libc.ts'
import { markOf } from '../../../../lease/dead-processes.ts'

/**
 * Processes that jobs started and left behind in groups and sessions of their own. The zygote adopts them (it is their
 * subreaper) and ends those whose job has ended; the job is known from the mark in their environment.
 */
export class Orphans {
  #fd = openSync(`/proc/self/task/${process.pid}/children`, 'r')
  readonly #text = new Uint8Array(64 * 1024)
  /** What {@link #list} found. */
  #pids = new Int32Array(64)
  readonly #status = new Int32Array(1)
  readonly #usage = new Uint8Array(144)
  readonly #isChild: (pid: number) => boolean

  /** `isChild`: the zygote's own children, which are not orphans. */
  constructor(isChild: (pid: number) => boolean) {
    this.#isChild = isChild
  }

  /**
   * Reaps the dead and kills those that may not live on, by their mark; one without a mark is left alone until the
   * zygote goes. Returns how many are not yet reaped.
   */
  sweep(mayLive: (mark: string) => boolean): number {
    let alive = 0
    const count = this.#list()
    for (let index = 0; index < count; index += 1) {
      const pid = this.#pids[index] as number
      const mark = markOf(pid)
      if (mark !== undefined && !mayLive(mark)) kill(pid, SIGKILL)
      if (wait4(pid, this.#status, WNOHANG, this.#usage) === 0) alive += 1
    }
    return alive
  }

  /** In a child: not its list. Again and again in a warm-up, in which the number may be another's by then. */
  forget(): void {
    close(this.#fd)
    this.#fd = -1
  }

  /** Kills and reaps all of them, and what they leave in turn; gives up after a second. */
  endAll(): void {
    for (let round = 0; round < 100; round += 1) {
      const count = this.#list()
      if (count === 0) return
      for (const pid of this.#pids.subarray(0, count)) {
        kill(pid, SIGKILL)
        wait4(pid, this.#status, WNOHANG, this.#usage)
      }
      poll(new Int32Array(2), 0, 10)
    }
  }

  /**
   * Reads the kernel's list of children: pids in decimal, each followed by a space. Returns how many are orphans. Called
   * after every job, so it makes no objects (see ZygoteLoop).
   */
  #list(): number {
    const length = pread(this.#fd, this.#text, this.#text.length, 0)
    let found = 0
    let pid = 0
    for (let at = 0; at < length; at += 1) {
      const byte = this.#text[at] as number
      if (byte !== 32) pid = pid * 10 + byte - 48
      else {
        if (!this.#isChild(pid)) found = this.#note(pid, found)
        pid = 0
      }
    }
    return found
  }

  #note(pid: number, found: number): number {
    if (found === this.#pids.length) this.#pids = extended(this.#pids, found * 2)
    this.#pids[found] = pid
    return found + 1
  }
}

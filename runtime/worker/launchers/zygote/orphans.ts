import { readFileSync } from 'node:fs'
import { markOf } from '../fork/marks.ts'
import { SIGKILL, WNOHANG, kill, poll, wait4 } from './libc.ts'

/**
 * Processes that jobs started and left behind in groups and sessions of their own. The zygote adopts them (it is their
 * subreaper) and ends those whose job has ended; the job is known from the mark in their environment.
 */
export class Orphans {
  readonly #childrenFile = `/proc/self/task/${process.pid}/children`
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
    for (const pid of this.#list()) {
      const mark = markOf(pid)
      if (mark !== undefined && !mayLive(mark)) kill(pid, SIGKILL)
      if (wait4(pid, this.#status, WNOHANG, this.#usage) === 0) alive += 1
    }
    return alive
  }

  /** Kills and reaps all of them, and what they leave in turn; gives up after a second. */
  endAll(): void {
    for (let round = 0; round < 100; round += 1) {
      const pids = this.#list()
      if (pids.length === 0) return
      for (const pid of pids) {
        kill(pid, SIGKILL)
        wait4(pid, this.#status, WNOHANG, this.#usage)
      }
      poll(new Int32Array(2), 0, 10)
    }
  }

  #list(): number[] {
    const text = readFileSync(this.#childrenFile, 'utf8').trim()
    if (text === '') return []
    return text
      .split(' ')
      .map(Number)
      .filter((pid) => !this.#isChild(pid))
  }
}

import { readFileSync } from 'node:fs'
import { SIGKILL, WNOHANG, kill, wait4 } from './libc.ts'
import { MARK_VARIABLE } from './messages.ts'

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

  #list(): number[] {
    const text = readFileSync(this.#childrenFile, 'utf8').trim()
    if (text === '') return []
    return text
      .split(' ')
      .map(Number)
      .filter((pid) => !this.#isChild(pid))
  }
}

/** The mark of the job that a process belongs to, undefined when it has none or is gone. */
export function markOf(pid: number | string): string | undefined {
  try {
    const environment = readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0')
    const prefix = `${MARK_VARIABLE}=`
    return environment.find((entry) => entry.startsWith(prefix))?.slice(prefix.length)
  } catch {
    return undefined
  }
}

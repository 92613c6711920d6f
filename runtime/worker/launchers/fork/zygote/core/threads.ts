import { readFileSync, readdirSync, statSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

const TASKS = '/proc/self/task'

/** One kernel thread of this process, as /proc shows it. */
export interface Thread {
  id: number
  /** The thread's own name (15 characters at most), `node` for those of node itself and for Workers. */
  name: string
  /** `S` sleeping, `R` running, … */
  state: string
}

export function listThreads(): Thread[] {
  return readdirSync(TASKS).flatMap((id) => {
    try {
      const stat = readFileSync(`${TASKS}/${id}/stat`, 'utf8')
      const end = stat.lastIndexOf(')')
      return [{ id: Number(id), name: stat.slice(stat.indexOf('(') + 1, end), state: stat[end + 2] ?? '?' }]
    } catch {
      return [] // It ended meanwhile.
    }
  })
}

/** How many threads there are: a directory has two links and one more for each entry. One system call. */
export const countThreads = (): number => statSync(TASKS).nlink - 2

/**
 * Waits until every other thread sleeps and none comes or goes, for `quietMs`; a fork while one of them works copies
 * its locks as they are. Returns false when that does not come about within `deadlineMs`.
 */
export async function waitForQuiet(quietMs = 10, deadlineMs = 2000): Promise<boolean> {
  const deadline = Date.now() + deadlineMs
  let last = ''
  while (Date.now() < deadline) {
    await sleep(quietMs)
    const others = listThreads().filter((thread) => thread.id !== process.pid)
    const now = others.map((thread) => thread.id).join()
    if (now === last && others.every((thread) => thread.state === 'S')) return true
    last = now
  }
  return false
}

/** The threads that are not in `baseline`: what the application started while it was loaded. */
export function foreignThreads(baseline: readonly Thread[]): Thread[] {
  const known = new Set(baseline.map((thread) => thread.id))
  return listThreads().filter((thread) => !known.has(thread.id))
}

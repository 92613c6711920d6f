import { readFileSync, readdirSync } from 'node:fs'

/** Set in the environment of all that jobs start, so that those which get away can be found: `<supervisor pid>-<start>:<launch>`. */
export const MARK_VARIABLE = 'RESQUE_RUNTIME_MARK'

/** The mark of the job that a process was started by, undefined when it has none, is gone, or is another user's. */
export function markOf(pid: number | string): string | undefined {
  try {
    const environment = readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0')
    const prefix = `${MARK_VARIABLE}=`
    return environment.find((entry) => entry.startsWith(prefix))?.slice(prefix.length)
  } catch {
    return undefined
  }
}

/** Kills every process whose mark is condemned. Returns their pids. */
export function killMarked(isCondemned: (mark: string) => boolean): number[] {
  const killed: number[] = []
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const mark = markOf(name)
    if (mark === undefined || !isCondemned(mark) || Number(name) === process.pid) continue
    if (signal(Number(name), 'SIGKILL')) killed.push(Number(name))
  }
  return killed
}

/** Kills what the jobs of supervisors that are gone have left behind. */
export function killAbandoned(): number[] {
  return killMarked((mark) => !isAlive(Number(mark.split('-')[0])))
}

/** Sends a signal to a process, or with a negative pid to a group; false when nobody is there to get it. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name)
  } catch {
    return false
  }
}

/** True also for a process that belongs to somebody else. */
export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

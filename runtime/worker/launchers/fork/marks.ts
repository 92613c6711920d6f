import { environmentOf, killByEnvironment } from '../../lease/process-environment.ts'

/** Set in the environment of all that jobs start, so that those which get away can be found: `<supervisor pid>-<start>-<zygote>:<launch>`. */
export const MARK_VARIABLE = 'RESQUE_RUNTIME_MARK'

/** The mark of the job that a process was started by, undefined when it has none, is gone, or is another user's. */
export const markOf = (pid: number | string): string | undefined => environmentOf(pid, MARK_VARIABLE)

/** Kills every process whose mark begins so. */
export function killMarked(prefix: string): void {
  killByEnvironment(MARK_VARIABLE, (mark) => mark.startsWith(prefix))
}

/** Sends a signal to a process, or with a negative pid to a group; false when nobody is there to get it. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name)
  } catch {
    return false
  }
}

import { machine } from '../../../config/machine.ts'

/** A variable in the environment that a process was started with; undefined without one, and of a process that is gone or another user's. */
export function environmentOf(pid: number | string, variable: string): string | undefined {
  const prefix = `${variable}=`
  return machine
    .file(`/proc/${pid}/environ`)
    ?.split('\0')
    .find((entry) => entry.startsWith(prefix))
    ?.slice(prefix.length)
}

/**
 * Kills every other process whose variable has a condemned value. Where there is no /proc, or no descriptor left to
 * list it with, none can be found.
 * @returns the pids that were killed
 */
export function killByEnvironment(variable: string, isCondemned: (value: string) => boolean): number[] {
  const killed: number[] = []
  for (const name of machine.folder('/proc') ?? []) {
    const pid = Number(name)
    if (!Number.isInteger(pid) || pid === process.pid) continue
    const value = environmentOf(pid, variable)
    if (value === undefined || !isCondemned(value)) continue
    try {
      process.kill(pid, 'SIGKILL')
      killed.push(pid)
    } catch {
      // It has gone, or is another user's.
    }
  }
  return killed
}

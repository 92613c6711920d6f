import { readFileSync, readdirSync } from 'node:fs'

/** A variable in the environment that a process was started with; undefined without one, and of a process that is gone or another user's. */
export function environmentOf(pid: number | string, variable: string): string | undefined {
  try {
    const prefix = `${variable}=`
    return readFileSync(`/proc/${pid}/environ`, 'latin1')
      .split('\0')
      .find((entry) => entry.startsWith(prefix))
      ?.slice(prefix.length)
  } catch {
    return undefined
  }
}

/**
 * Kills every other process whose variable has a condemned value. Only where there is a /proc that can be listed.
 * @returns the pids that were killed
 */
export function killByEnvironment(variable: string, isCondemned: (value: string) => boolean): number[] {
  const killed: number[] = []
  for (const name of listProcesses()) {
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

/** Nothing where there is no /proc, or no descriptor left to read it with: then nobody can be found. */
function listProcesses(): string[] {
  try {
    return readdirSync('/proc')
  } catch {
    return []
  }
}

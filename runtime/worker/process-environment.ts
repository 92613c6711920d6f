import { readFileSync } from 'node:fs'

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

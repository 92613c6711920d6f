import { existsSync, readdirSync } from 'node:fs'
import { environmentOf } from './process-environment.ts'
import { hasEnded, identityOf } from './process-identity.ts'

/** In the environment of every process that a supervisor starts, and so of all that those start in turn: its identity. */
export const supervisorVariable = 'RESQUE_RUNTIME_SUPERVISOR'

/**
 * Kills what the jobs of dead supervisors left running: a job's own process dies with its supervisor, but what it had
 * started does not (promise 8). Only where there is a /proc.
 * @returns the pids that were killed
 */
export function sweepOrphans(): number[] {
  return sweep(hasEnded)
}

/** The same for what the jobs of this supervisor left; for when all of them have ended. */
export function sweepOwn(): number[] {
  const own = identityOf()
  return sweep((supervisor) => supervisor === own)
}

function sweep(isCondemned: (supervisor: string) => boolean): number[] {
  if (!existsSync('/proc')) return []
  const killed: number[] = []
  for (const name of readdirSync('/proc')) {
    const pid = Number(name)
    if (!Number.isInteger(pid) || pid === process.pid) continue
    const supervisor = environmentOf(pid, supervisorVariable)
    if (supervisor === undefined || !isCondemned(supervisor)) continue
    try {
      process.kill(pid, 'SIGKILL')
      killed.push(pid)
    } catch {
      // It has gone, or is another user's.
    }
  }
  return killed
}

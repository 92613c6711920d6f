import { killByEnvironment } from './process-environment.ts'
import { hasEnded, identityOf } from './process-identity.ts'

/** In the environment of every process that a supervisor starts, and so of all that those start in turn: its identity. */
export const supervisorVariable = 'RESQUE_RUNTIME_SUPERVISOR'

/**
 * Kills what the jobs of dead supervisors left running: a job's own process dies with its supervisor, but what it had
 * started does not (promise 8). Only where there is a /proc.
 * @returns the pids that were killed
 */
export function sweepOrphans(): number[] {
  return killByEnvironment(supervisorVariable, hasEnded)
}

/** The same for what the jobs of this supervisor left; for when all of them have ended. */
export function sweepOwn(): number[] {
  const own = identityOf()
  return killByEnvironment(supervisorVariable, (supervisor) => supervisor === own)
}

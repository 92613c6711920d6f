import type { Logger } from '../../core/logger.ts'
import type { Launched, Launcher } from '../launchers/launcher.ts'
import type { Assignment, ErrorRecord } from '../../wire.ts'

/** A hook that hangs must not hold its slot for ever. */
const TIMEOUT_MS = 60_000

/**
 * Runs the onFailure hook of a job that died, in a process of its own, for a minute at most.
 * @param assignment of the job
 */
export function launchDeathHook(
  launcher: Launcher,
  assignment: Assignment,
  failure: ErrorRecord,
  log: Logger,
): Launched {
  const launched = launcher.launch({ ...assignment, phase: 'onFailure', failure }, () => undefined)
  const timer = setTimeout(() => launched.kill('SIGKILL'), TIMEOUT_MS)
  void launched.ended.then(({ signal }) => {
    clearTimeout(timer)
    if (signal !== null) log.warn(`job ${assignment.jobId}: its onFailure hook was ended by ${signal}`)
  })
  return launched
}

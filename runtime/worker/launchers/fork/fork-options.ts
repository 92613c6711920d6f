import type { Logger } from '../../../core/logger.ts'
import type { AppSource } from '../../../jobs/app.ts'
import type { Launcher } from '../launcher.ts'
import type { Refusal } from './zygote/core/preflight-platform.ts'

/** How to fork job processes. */
export interface ForkOptions {
  source: AppSource
  log: Logger
  bootTimeoutMs: number
  /** From the fork to `started`; a process that takes longer is killed, and its job is run by the fallback. */
  startedTimeoutMs?: number
  /** How many processes to fork ahead: one for each job at a time spares every job the wait for its fork. 1 by default. */
  spares?: number
  /** How many jobs a process takes, one after another; 1 by default. */
  jobsPerChild?: number
  /** Where what jobs print goes; the supervisor's own standard output and error by default. */
  passOutput?: { out: (chunk: Buffer) => void; err: (chunk: Buffer) => void }
  /** Makes the launcher that takes over where the application, or one job, cannot be forked (`spawn`). */
  fallback: (spares: number) => Launcher
  /** Called once, with the reason, when forking is given up: for the log and for `runtime doctor`. */
  onFallback?: (refusal: Refusal) => void
}

/** Standard output and error of the supervisor itself. */
export const OWN_OUTPUT: NonNullable<ForkOptions['passOutput']> = {
  out: (chunk) => process.stdout.write(chunk),
  err: (chunk) => process.stderr.write(chunk),
}

import type { Launcher, ProcessOptions } from '../launcher.ts'
import type { Refusal } from './zygote/core/preflight-platform.ts'

/** How to fork job processes. */
export interface ForkOptions extends ProcessOptions {
  /** From the fork to `started`; a process that takes longer is killed, and its job is run by the fallback. */
  startedTimeoutMs?: number
  /** How many processes to fork ahead: one for each job at a time spares every job the wait for its fork. 1 by default. */
  spares?: number
  /** Makes the launcher that takes over where the application, or one job, cannot be forked (`spawn`). */
  fallback: (spares: number) => Launcher
  /** Called once, with the reason, when forking is given up: for the log and for `runtime doctor`. */
  onFallback?: (refusal: Refusal) => void
}

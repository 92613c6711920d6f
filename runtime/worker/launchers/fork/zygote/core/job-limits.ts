import type { Assignment } from '../../../../../messages.ts'
import { RLIMIT, limit, setpriority } from './libc.ts'

/** Limits that the kernel keeps; each applies to what the job starts as well. */
export function setLimits(assignment: Assignment): void {
  const { cpuLimitSeconds, openFilesLimit, niceness } = assignment
  // SIGXCPU at the limit, SIGKILL two seconds later for a job that catches it.
  if (cpuLimitSeconds !== undefined) limit(RLIMIT.cpu, Math.max(1, Math.ceil(cpuLimitSeconds) + usedCpuSeconds()), 2)
  if (openFilesLimit !== undefined) limit(RLIMIT.openFiles, openFilesLimit)
  if (niceness !== undefined && niceness !== 0) setpriority(0, 0, niceness)
}

/** What the start of a forked process takes. */
const START_SECONDS = 0.1

/** Whole seconds that this process has used before the job: the kernel counts from its start. */
function usedCpuSeconds(): number {
  const { user, system } = process.cpuUsage()
  return Math.max(0, Math.ceil((user + system) / 1e6 - START_SECONDS))
}

import type { Assignment } from '../../protocol.ts'
import {
  O_WRONLY,
  RLIMIT,
  SIGKILL,
  close,
  dieWithParent,
  exitNow,
  getppid,
  limit,
  openFile,
  setpgid,
  setpriority,
  write,
} from './libc.ts'
import { EXIT_LOOP_FORK, EXIT_ORPHAN } from './messages.ts'
import type { Belongings } from './belongings.ts'
import { role } from './role.ts'

/** What a child needs from before the fork. All of it is made in the zygote. */
export interface Inheritance {
  zygotePid: number
  loop: bigint
  /** uv_loop_fork. */
  renewLoop: (loop: bigint) => number
  belongings: Belongings
  /** Where {@link OOM_SCORE} is written; ends with a zero byte. */
  oomFile: Uint8Array
  makeDistinct: () => void
}

/**
 * First steps of a new child, in the recipe's order: its own event loop, its own death with the zygote, its own group,
 * nothing of the zygote's. Leaves with a code of its own where it cannot become a child.
 */
export function becomeChild({ zygotePid, loop, renewLoop, belongings, oomFile, makeDistinct }: Inheritance): void {
  if (renewLoop(loop) !== 0) exitNow(EXIT_LOOP_FORK)
  role.child = true
  setpgid(0, 0)
  dieWithParent(SIGKILL)
  // It may have died between the fork and that.
  if (getppid() !== zygotePid) exitNow(EXIT_ORPHAN)
  offerToOomKiller(oomFile)
  belongings.letGo()
  makeDistinct()
}

export const OOM_FILE = Buffer.from('/proc/self/oom_score_adj\0')
/** Half of the scale of 1000: before anything of the machine that did not ask to be spared. */
const OOM_SCORE = Buffer.from('500')

/** When the machine runs out of memory one job shall go, not the process that all of them come from. */
function offerToOomKiller(oomFile: Uint8Array): void {
  const fd = openFile(oomFile, O_WRONLY)
  if (fd < 0) return
  write(fd, OOM_SCORE, OOM_SCORE.length)
  close(fd)
}

/** Limits that the kernel keeps; each applies to what the job starts as well. */
export function setLimits(assignment: Assignment): void {
  const { cpuLimitSeconds, openFilesLimit, niceness } = assignment
  // SIGXCPU at the limit, SIGKILL two seconds later for a job that catches it.
  if (cpuLimitSeconds !== undefined) limit(RLIMIT.cpu, Math.max(1, Math.ceil(cpuLimitSeconds)), 2)
  if (openFilesLimit !== undefined) limit(RLIMIT.openFiles, openFilesLimit)
  if (niceness !== undefined && niceness !== 0) setpriority(0, 0, niceness)
}

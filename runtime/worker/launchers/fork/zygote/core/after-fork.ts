import { readFileSync } from 'node:fs'
import { O_WRONLY, SIGKILL, close, dieWithParent, exitNow, getppid, openFile, setpgid, write } from './libc.ts'
import { EXIT_LOOP_FORK, EXIT_ORPHAN } from '../wire/zygote-messages.ts'
import type { ZygoteResources } from './descriptors.ts'
import { forkSide } from './fork-side.ts'

/** What a child needs from before the fork. All of it is made in the zygote. */
export interface Inheritance {
  zygotePid: number
  loop: bigint
  /** uv_loop_fork. */
  renewLoop: (loop: bigint) => number
  resources: ZygoteResources
  /** Where `oomScore` is written; ends with a zero byte. */
  oomFile: Uint8Array
  /** See {@link oomScore}. */
  oomScore: Uint8Array
  makeDistinct: () => void
}

/**
 * First steps of a new child, in the recipe's order: its own event loop, its own death with the zygote, its own group,
 * nothing of the zygote's. Leaves with a code of its own where it cannot become a child.
 */
export function becomeChild(inheritance: Inheritance): void {
  const { zygotePid, loop, renewLoop, resources, makeDistinct } = inheritance
  if (renewLoop(loop) !== 0) exitNow(EXIT_LOOP_FORK)
  forkSide.child = true
  setpgid(0, 0)
  dieWithParent(SIGKILL)
  // It may have died between the fork and that.
  if (getppid() !== zygotePid) exitNow(EXIT_ORPHAN)
  offerToOomKiller(inheritance)
  resources.release()
  makeDistinct()
}

export const OOM_FILE = Buffer.from('/proc/self/oom_score_adj\0')
/** Half of the scale of 1000. */
const OOM_STEP = 500
const OOM_MAX = 1000

/**
 * What a child tells the kernel: above anything of the machine that did not ask to be spared, and above the zygote. When
 * the machine runs out of memory one job shall go, not the process that all of them come from.
 */
export function oomScore(): Uint8Array {
  const own = Number(readFileSync('/proc/self/oom_score_adj', 'utf8'))
  return Buffer.from(String(Math.min(Math.max(own, 0) + OOM_STEP, OOM_MAX)))
}

function offerToOomKiller({ oomFile, oomScore: score }: Inheritance): void {
  const fd = openFile(oomFile, O_WRONLY)
  if (fd < 0) return
  write(fd, score, score.length)
  close(fd)
}

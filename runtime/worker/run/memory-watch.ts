import pidusage from 'pidusage'
import { machine } from '../../../config/machine.ts'

/** How often a job with a limit is measured. */
const everyMs = 250
/** pidusage keeps a descriptor for each process that it has seen lately. */
const forgottenAfterMs = 2000

/**
 * Watches the resident set of a job's process tree.
 * @param onOver called once when the tree uses more than `limitBytes`
 * @returns stops the watch, and gives the highest sum seen, in bytes
 */
export function watchMemory(pid: number, limitBytes: number, onOver: (usedBytes: number) => void): () => number {
  let peak = 0
  let stopped = false
  const look = async (): Promise<void> => {
    const used = await treeMemory(pid)
    if (stopped) return
    peak = Math.max(peak, used)
    if (used > limitBytes) {
      stopped = true
      onOver(used)
    } else timer = setTimeout(() => void look(), everyMs)
  }
  let timer = setTimeout(() => void look(), everyMs)
  return () => {
    stopped = true
    clearTimeout(timer)
    return peak
  }
}

/** Resident bytes of a process and all below it; 0 when it has gone. */
async function treeMemory(pid: number): Promise<number> {
  const stats = await pidusage(withDescendants(pid), { maxage: forgottenAfterMs }).catch(() => ({}))
  return Object.values(stats).reduce((sum, one) => sum + ((one as { memory?: number } | null)?.memory ?? 0), 0)
}

/** The kernel lists a process's children by thread; elsewhere than on Linux only the process itself is measured. */
function withDescendants(pid: number): number[] {
  const below = (machine.file(`/proc/${pid}/task/${pid}/children`) ?? '').trim()
  return [pid, ...(below === '' ? [] : below.split(' ').flatMap((child) => withDescendants(Number(child))))]
}

import { machine } from '../../../../config/machine.ts'
import type { Assignment } from '../../../wire.ts'

/** System calls through koffi, where this platform has them; elsewhere a child leaves when its channel closes. */
const libc = machine.os() === 'linux' ? await import('../fork/zygote/core/libc.ts').catch(() => undefined) : undefined

/**
 * The kernel kills this process when its supervisor dies, also in an infinite loop (promise 8).
 * @param parentPid who started it: when that is not the parent any more, it has died already
 */
export function dieWithParent(parentPid: number): void {
  libc?.dieWithParent(libc.SIGKILL)
  if (process.ppid !== parentPid) process.exit(1)
}

/** Sets the kernel's limits for a job. Core dumps are off: a job's memory is not for the disk. */
export function applyLimits({ cpuLimitSeconds, openFilesLimit, niceness }: Assignment): void {
  if (!libc) return
  libc.limit(libc.RLIMIT.core, 0)
  if (cpuLimitSeconds !== undefined) libc.limit(libc.RLIMIT.cpu, cpuLimitSeconds, 2)
  if (openFilesLimit !== undefined) libc.limit(libc.RLIMIT.openFiles, openFilesLimit)
  if (niceness !== undefined) libc.setpriority(0, 0, niceness)
}

/** Makes this process print its stack when it is asked. @returns why it cannot */
export async function printStacks(): Promise<string | undefined> {
  // V8 prints a stack in many small pieces: a pipe that does not block would take the first of them only.
  const { _handle: handle } = process.stderr as unknown as { _handle?: { setBlocking?: (on: boolean) => void } }
  handle?.setBlocking?.(true)
  if (!libc) return `stacks are printed on Linux only, with koffi; this is ${machine.os()}`
  return (await import('../../where/stack-printer.ts')).installStackPrinter()
}

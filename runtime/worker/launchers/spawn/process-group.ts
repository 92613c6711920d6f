import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process'
import { machine } from '../../../../config/machine.ts'

/** A group of its own, so that what a job starts can be ended with it. Windows has none, and opens a window for `detached`. */
export const groupOptions = (): Pick<SpawnOptions, 'detached' | 'windowsHide'> => ({
  detached: machine.os() !== 'win32',
  windowsHide: true,
})

/** Signals a child and all that it started; harmless when nothing of it is left. */
export function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  // Windows has no process groups: taskkill ends the tree of one that lives. Without it the child alone ends.
  if (machine.os() === 'win32') {
    if (child.exitCode !== null || child.signalCode !== null) return
    spawn('taskkill', ['/pid', String(child.pid), '/T', '/F'], { stdio: 'ignore' }).once('error', () =>
      child.kill(signal),
    )
    return
  }
  try {
    process.kill(-child.pid, signal)
  } catch {
    // nothing of the group is left
  }
}

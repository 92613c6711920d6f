import { head } from '../config/clip.ts'
import { machine } from '../config/machine.ts'
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname, resolve } from 'node:path'
import { RuntimeError } from '../runtime/core/errors.ts'

/**
 * The worker whose pid file this is, if it lives; undefined where the pid is another process's by now.
 * @throws RuntimeError ERR_USAGE when there is a file and it holds no pid
 */
export function readPidfile(file: string): number | undefined {
  let text
  try {
    text = readFileSync(file, 'utf8').trim()
  } catch {
    return undefined
  }
  const pid = Number(text)
  if (!Number.isInteger(pid) || pid < 2)
    throw new RuntimeError('ERR_USAGE', `${file}: expected a process id, got ${JSON.stringify(head(text, 40))}`)
  return isWorkerOf(pid, file) ? pid : undefined
}

/**
 * Asked before a worker starts: what cannot be written then would stop it in the middle of its work.
 * @throws RuntimeError ERR_USAGE
 */
export function checkPidfile(file: string): void {
  try {
    accessSync(existsSync(file) ? file : dirname(resolve(file)), constants.W_OK)
    if (!existsSync(file) || statSync(file).isFile()) return
  } catch {
    // Said below.
  }
  throw new RuntimeError('ERR_USAGE', `${file}: expected a file that can be written, it cannot; is its folder there?`)
}

/** Writes this process's pid and holds the file open. @returns removes the file, if it is still this process's */
export function writePidfile(file: string): () => void {
  const fd = openSync(file, 'w')
  writeSync(fd, `${process.pid}\n`)
  return () => {
    closeSync(fd)
    try {
      if (readFileSync(file, 'utf8').trim() === String(process.pid)) rmSync(file)
    } catch {
      // Another process has removed it.
    }
  }
}

/**
 * A worker holds its pid file open. No other process does, whatever its title is: not one that got the same pid later,
 * and not one with that pid in another container. Where there is no /proc, any living process counts.
 */
function isWorkerOf(pid: number, file: string): boolean {
  if (pid === process.pid) return false
  try {
    process.kill(pid, 0)
    if (machine.os() !== 'linux') return true
    const { dev, ino } = statSync(file)
    return readdirSync(`/proc/${pid}/fd`).some((fd) => {
      const open = statSync(`/proc/${pid}/fd/${fd}`, { throwIfNoEntry: false })
      return open?.dev === dev && open.ino === ino
    })
  } catch {
    return false
  }
}

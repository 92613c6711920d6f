import { accessSync, constants, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { RuntimeError } from '../runtime/core/errors.ts'

/**
 * The process that a pid file names, if it lives.
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
    throw new RuntimeError('ERR_USAGE', `${file}: expected a process id, got ${JSON.stringify(text.slice(0, 40))}`)
  return isWorker(pid) ? pid : undefined
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

/** Writes this process's pid. @returns removes the file, if it is still this process's */
export function writePidfile(file: string): () => void {
  writeFileSync(file, `${process.pid}\n`)
  return () => {
    try {
      if (readFileSync(file, 'utf8').trim() === String(process.pid)) rmSync(file)
    } catch {
      // Somebody has removed it.
    }
  }
}

/** A pid is used again some day: a signal must not hit a stranger. Where there is no /proc, any living process counts. */
function isWorker(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  try {
    return /^resque|runtime/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'))
  } catch {
    return process.platform !== 'linux'
  }
}

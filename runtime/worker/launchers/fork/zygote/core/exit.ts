import { inspect } from 'node:util'
import { SIGABRT, exitNow, getpid, kill, writeAll } from './libc.ts'
import { errorRecord } from '../../../../outcome/error-record.ts'
import { uncaughtLine } from '../../../output-tail.ts'
import { forkSide } from './fork-side.ts'

const EXIT_UNCAUGHT = 1

/**
 * A child may leave through _exit(2) only: node's own way out waits for threads that the fork did not copy, and ends
 * in SIGSEGV or never. So every way out is replaced once, in the zygote: process.exit, an empty event loop, an uncaught
 * error, process.abort. `exit` listeners still run and may still change the code. A signal to the zygote is
 * refused.
 */
export function replaceExits(): void {
  const real = process as unknown as {
    reallyExit: (code?: number) => never
    abort: () => never
    kill: typeof process.kill
    emit: (event: string, ...args: unknown[]) => boolean
  }
  const { reallyExit, abort, kill: signal, emit } = real
  let fatal: { error: unknown } | undefined

  process.on('uncaughtExceptionMonitor', (error) => {
    if (forkSide.child && process.listenerCount('uncaughtException') === 0) fatal = { error }
  })
  real.reallyExit = (code) => (forkSide.child ? exitAtOnce(code ?? 0) : reallyExit.call(process, code))
  real.abort = () => {
    if (forkSide.child) kill(getpid(), SIGABRT)
    return abort.call(process)
  }
  real.kill = (pid, name) => {
    if (forkSide.child && name !== 0 && Math.abs(pid) === process.ppid) throw spareParent()
    return signal.call(process, pid, name)
  }
  real.emit = function (event, ...args) {
    const heard = emit.call(process, event, ...args)
    if (event === 'exit' && forkSide.child) {
      // Node prints the error only after this event, which a child does not live to see.
      if (fatal) printError(fatal.error)
      exitAtOnce(process.exitCode ?? (fatal ? EXIT_UNCAUGHT : (args[0] as number)))
    }
    return heard
  }
}

/** What a job gets that would take the jobs beside it along. */
function spareParent(): Error {
  const message = `kill EPERM: process ${process.ppid} is the one that jobs are forked from; a job may not signal it, since the jobs beside it would die`
  return Object.assign(new Error(message), { code: 'EPERM', syscall: 'kill' })
}

/** What it is in short comes last: only the last lines of a process are kept. */
function printError(error: unknown): void {
  const { name, message } = errorRecord(error)
  writeAll(2, Buffer.from(`${shown(error)}\n${uncaughtLine(`${name}: ${message}`)}\n`))
}

function shown(error: unknown): string {
  try {
    return inspect(error)
  } catch {
    return 'an error that cannot be shown'
  }
}

/** Ends this process when its job is done, as process.exit does; without events that have no listener. */
export function exitAfterJob(code: typeof process.exitCode): never {
  if (process.listenerCount('exit') === 0) exitAtOnce(code)
  return process.exit(code ?? 0)
}

/** Ends this process at once. What was written to standard output is already there: it blocks in children. */
export function exitAtOnce(code: number | string | null | undefined): never {
  exitNow(Number(code ?? 0) & 0xff)
  throw new Error('unreachable')
}

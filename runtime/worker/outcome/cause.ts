import { constants } from 'node:os'
import { hasCode, toError } from '../../core/errors.ts'
import { retryDelayMs } from '../../jobs/retry.ts'
import { errorRecord } from './error-record.ts'
import { NEVER_SETTLED } from '../child/event-loop.ts'
import type { Ending } from '../launchers/launcher.ts'
import { uncaughtIn } from '../launchers/output-tail.ts'
import type { ErrorRecord, RetryPolicy } from '../../messages.ts'
import { type JobLocation, locationText } from '../../store/workers/stacks.ts'
import { formatDuration } from '../../core/duration.ts'
import { formatBytes } from '../../core/size.ts'

/** Why a supervisor ended a job's process; undefined when it did not. */
export type KillReason = 'timeout' | 'memory' | 'cancelled' | 'shutdown' | 'usr1' | 'lease lost'

/** The name of a death (promise 9). */
export type Cause =
  | 'exception'
  | 'never settled'
  | 'timeout'
  | 'memory'
  | 'signal'
  | 'exit code'
  | 'cancelled'
  | 'lease lost'
  | 'worker lost'
  | 'garbage'
  | 'unknown class'

/** What is to be done about a job whose process has ended. */
export type Verdict =
  | { kind: 'done'; result?: string }
  | { kind: 'discarded' | 'refused' | 'cancelled' | 'held'; reason?: string }
  | { kind: 'failed'; cause: Cause; error: ErrorRecord }
  /** `backoffFault`: what was wrong with the class's own `retry.backoff`. */
  | { kind: 'retry'; delayMs: number; cause: Cause; error: ErrorRecord; backoffFault?: string }
  | { kind: 'snoozed'; delayMs: number }
  /** Back to the head of its queue; `redelivered` where that counts against maxRedeliveries. */
  | { kind: 'requeued'; redelivered?: true }
  /** Its lease is gone: nothing may be recorded. */
  | { kind: 'lost' }

/** What the verdict is drawn from. */
export interface EndedAttempt {
  ending: Ending
  killed: KillReason | undefined
  /** Where it was when the worker stopped it. */
  where: JobLocation | undefined
  /** The container's memory limit, where the kernel ended the process for it. */
  containerBytes?: number | undefined
  attempt: number
  retry: RetryPolicy | undefined
  timeoutMs: number | undefined
  memoryLimitBytes: number | undefined
  atMostOnce: boolean
  /** How often it went back before since its worker, or the process that forks, had died. */
  redeliveries: number
  maxRedeliveries: number
  /** 0…1, for jitter. */
  random: number
}

/** Decides how a job ended, and whether it runs again. Pure. */
export function decideEnd(given: EndedAttempt): Verdict {
  const { ending, killed } = given
  const { outcome } = ending
  if (killed === 'lease lost') return { kind: 'lost' }
  if (outcome && outcome.kind !== 'failed' && !isOverTime(given)) return ofOutcome(outcome)
  const failure = outcome?.kind === 'failed' ? outcome : undefined
  if (killed === 'cancelled') return { kind: 'cancelled' }
  if (!ending.started || (killed === 'shutdown' && !given.atMostOnce)) return { kind: 'requeued' }
  if (ending.lostParent !== undefined && !killed && !outcome) return ofLostParent(given, ending.lostParent)
  const cause = given.containerBytes === undefined ? causeOf(ending, killed) : 'memory'
  const error = failure && cause !== 'timeout' && cause !== 'memory' ? failure.error : deathRecord(given, cause)
  const delayMs = failure && !killed ? failure.retryInMs : delayAfterDeath(given, error)
  if (delayMs === undefined) return { kind: 'failed', cause, error }
  const { backoffFault } = failure ?? {}
  return { kind: 'retry', delayMs, cause, error, ...(backoffFault === undefined ? {} : { backoffFault }) }
}

/**
 * True for a job that was stopped for its timeout, whatever it says of its end: work that took longer than it may has
 * not succeeded. Its own clock counts, since a supervisor that was suspended learns of an end after the timeout has fired.
 * A job that waits for a concurrency slot or a rate limit has not begun.
 */
function isOverTime({ ending, killed, timeoutMs = 0 }: EndedAttempt): boolean {
  return killed === 'timeout' && ending.outcome?.kind !== 'held' && !((ending.ranMs ?? Infinity) <= timeoutMs)
}

/** A job that died with the process that forks did nothing wrong: it goes back like those of a dead worker. */
function ofLostParent({ redeliveries, maxRedeliveries, atMostOnce, ending }: EndedAttempt, how: string): Verdict {
  if (redeliveries < maxRedeliveries && !atMostOnce) return { kind: 'requeued', redelivered: true }
  const times = atMostOnce ? '' : `, for the ${redeliveries + 1}. time`
  const message = `the process that forks died (${how}) while this job ran in process ${ending.pid ?? '?'}${times}; look for memory limits (dmesg), modules with native code, and jobs that kill their parent`
  return { kind: 'failed', cause: 'worker lost', error: { name: 'Resque::DirtyExit', message, backtrace: [] } }
}

/** What is to be done when the job could not be made ready: it fails; while Redis is away it goes back. */
export function decideUnready(thrown: unknown): Verdict {
  if (hasCode(thrown, 'ERR_REDIS')) return { kind: 'requeued' }
  return { kind: 'failed', cause: 'exception', error: errorRecord(toError(thrown)) }
}

function ofOutcome(outcome: Exclude<NonNullable<Ending['outcome']>, { kind: 'failed' }>): Verdict {
  switch (outcome.kind) {
    case 'done':
      return outcome.result === undefined ? { kind: 'done' } : { kind: 'done', result: outcome.result }
    case 'discarded':
      return { kind: 'discarded', reason: outcome.reason }
    case 'snoozed':
      return { kind: 'snoozed', delayMs: outcome.delayMs }
    default:
      return { kind: outcome.kind }
  }
}

function causeOf(ending: Ending, killed: KillReason | undefined): Cause {
  if (killed === 'timeout' || killed === 'memory') return killed
  if (ending.outcome?.kind === 'failed')
    return ending.outcome.error.code === NEVER_SETTLED ? 'never settled' : 'exception'
  const heapFull =
    ending.signal === 'SIGABRT' && ending.output.some((line) => /heap out of memory|Allocation failed/i.test(line))
  if (heapFull) return 'memory'
  if (ending.signal === 'SIGXCPU') return 'timeout'
  return ending.signal === null ? 'exit code' : 'signal'
}

function delayAfterDeath({ retry, attempt, random, atMostOnce }: EndedAttempt, error: ErrorRecord): number | undefined {
  if (!retry || atMostOnce) return undefined
  const names = [error.name, error.name.replace('Resque::', '')]
  return retryDelayMs(retry, attempt, names, random)
}

/** The error of a death that the job could not report itself. Signal deaths read as Resque's DirtyExit does. */
function deathRecord(given: EndedAttempt, cause: Cause): ErrorRecord {
  if (cause === 'timeout') return stopped('TimeoutError', overTime(given), given)
  if (cause === 'memory') return stopped('MemoryLimitError', overMemory(given), given)
  const { pid = '?', signal, exitCode, output } = given.ending
  const backtrace = output.filter((line) => /^\s+at /.test(line)).map((line) => line.trim())
  if (cause === 'signal' && signal !== null) {
    const message = `Child process received unhandled signal pid ${pid} ${signal} (signal ${constants.signals[signal]})`
    return { name: 'Resque::DirtyExit', message, backtrace }
  }
  const said = uncaughtIn(output)
  const message = `Child process ${pid} exited with code ${exitCode ?? '?'} before the job ended${said ? `: ${said}` : ''}`
  return { name: 'Resque::DirtyExit', message, backtrace }
}

const overTime = ({ ending, timeoutMs }: EndedAttempt): string =>
  ending.signal === 'SIGXCPU'
    ? 'it used up its CPU time (cpuLimit)'
    : `it ran longer than ${formatDuration(timeoutMs ?? 0)}`

const overMemory = ({ memoryLimitBytes, containerBytes }: EndedAttempt): string =>
  containerBytes !== undefined
    ? `the container was at its memory limit of ${formatBytes(containerBytes)}, and the kernel ended it; give the job a memoryLimit`
    : memoryLimitBytes === undefined
      ? 'the heap was full'
      : `its processes used more than ${formatBytes(memoryLimitBytes)}`

/** Of a job that its supervisor or the kernel stopped: with the place in the code where it was. */
function stopped(name: string, why: string, { ending, where }: EndedAttempt): ErrorRecord {
  const place = where === undefined || where.at === 'unknown' ? '' : `, ${locationText(where)}`
  const own = ending.outcome?.kind === 'failed' ? ending.outcome.error.backtrace : []
  return {
    name,
    message: `${why}${place}; its process ${ending.pid ?? '?'} was ended`,
    backtrace: own.length > 0 ? own : framesOf(where),
  }
}

const framesOf = (where: JobLocation | undefined): string[] =>
  where?.at === 'stack' ? where.frames.map((frame) => (frame.startsWith('…') ? frame : `at ${frame}`)) : []

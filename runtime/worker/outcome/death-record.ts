import { constants } from 'node:os'
import { formatDuration } from '../../core/duration.ts'
import { formatBytes } from '../../core/size.ts'
import type { ErrorRecord } from '../../wire.ts'
import type { Case, Cause } from './verdict.ts'
import { whereText, type Where } from '../../store/workers/where.ts'

/** The error of a death that the job could not report itself. Signal deaths read as Resque's DirtyExit does. */
export function deathRecord(given: Case, cause: Cause): ErrorRecord {
  if (cause === 'timeout') return stopped('TimeoutError', overTime(given), given)
  if (cause === 'memory') return stopped('MemoryLimitError', overMemory(given), given)
  const { pid = '?', signal, exitCode, output } = given.ending
  const backtrace = output.filter((line) => /^\s+at /.test(line)).map((line) => line.trim())
  if (cause === 'signal') {
    const number = signal === null ? '' : ` (signal ${constants.signals[signal]})`
    const message = `Child process received unhandled signal pid ${pid} ${signal ?? ''}${number}`
    return { name: 'Resque::DirtyExit', message, backtrace }
  }
  const said = output.find((line) => /^(Uncaught )?\w*(Error|Exception)\b.*:/.test(line.trim()))
  const message = `Child process ${pid} exited with code ${exitCode ?? '?'} before the job ended${said ? `: ${said.trim()}` : ''}`
  return { name: 'Resque::DirtyExit', message, backtrace }
}

const overTime = ({ ending, timeoutMs }: Case): string =>
  ending.signal === 'SIGXCPU'
    ? 'its processor time was used up (cpuLimit)'
    : `it ran longer than ${formatDuration(timeoutMs ?? 0)}`

const overMemory = ({ memoryLimitBytes }: Case): string =>
  memoryLimitBytes === undefined ? 'the heap was full' : `its processes used more than ${formatBytes(memoryLimitBytes)}`

/** Of a job that its supervisor or the kernel stopped: with the place in the code where it was. */
function stopped(name: string, why: string, { ending, where }: Case): ErrorRecord {
  const place = where === undefined || where.at === 'unknown' ? '' : `, ${whereText(where)}`
  const own = ending.outcome?.kind === 'failed' ? ending.outcome.error.backtrace : []
  return {
    name,
    message: `${why}${place}; its process ${ending.pid ?? ''} was ended`,
    backtrace: own.length > 0 ? own : framesOf(where),
  }
}

const framesOf = (where: Where | undefined): string[] =>
  where?.at === 'stack' ? where.frames.map((frame) => (frame.startsWith('…') ? frame : `at ${frame}`)) : []

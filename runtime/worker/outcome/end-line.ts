import { head } from '../../../config/clip.ts'
import { decodeItem } from '../../core/codec.ts'
import { formatDuration } from '../../core/duration.ts'
import type { Logger } from '../../core/logger.ts'
import type { Reserved } from '../../store/workers/supervisors.ts'
import type { Spans } from './time-line.ts'
import type { Verdict } from './verdict.ts'

/** What a log line shows of an error's message, in characters. */
const maxMessage = 500

/**
 * Tells the log how a job ended: a failure, and a job that went down with others, as a warning, another attempt for information, the rest for who debugs.
 * @param stepClass the class under which steps of workflows travel: of those their own class is named
 */
export function logEnd(
  log: Logger,
  job: Reserved,
  verdict: Verdict,
  stepClass: string | undefined,
  timelineMs: Spans,
): void {
  const about = { job: job.id, queue: job.queue, attempt: job.attempt, timelineMs }
  if (verdict.kind === 'requeued' && verdict.redelivered) {
    log.warn(`${classOf(job, stepClass)} goes back to its queue: the process that forks died`, about)
    return
  }
  if (verdict.kind !== 'failed' && verdict.kind !== 'retry') {
    log.debug(`a job ended: ${verdict.kind}`, about)
    return
  }
  const { name, message } = verdict.error
  const why = `${verdict.cause}: ${name}: ${head(message.replace(/\s+/g, ' '), maxMessage)}`
  if (verdict.kind === 'failed') log.warn(`${classOf(job, stepClass)} failed, ${why}`, about)
  else log.info(`${classOf(job, stepClass)} runs again in ${formatDuration(verdict.delayMs)}, ${why}`, about)
}

/** The class of a job; of a workflow step its own. @param stepClass the class under which steps of workflows travel */
export function classOf({ item }: Reserved, stepClass: string | undefined): string {
  const read = decodeItem(item)
  if ('garbage' in read) return 'a queue item'
  return read.className === stepClass ? String((JSON.parse(read.args) as unknown[])[2]) : read.className
}

import { head } from '../../../config/clip.ts'
import { formatDuration } from '../../core/duration.ts'
import type { Logger } from '../../core/logger.ts'
import type { Reserved } from '../../store/workers/supervisors.ts'
import type { JobEnd, Notice } from '../../wire.ts'
import type { Spans } from './time-line.ts'
import type { Verdict } from './verdict.ts'

/** What a log line shows of an error's message, in characters. */
const maxMessage = 500

/** What each log line of a job carries. */
export interface JobLabels {
  job: string
  /** Of a workflow step, its own. Absent where the payload is no job. */
  class?: string
  queue: string
  attempt: number
  /** The run of a workflow step. */
  run?: string
}

/** @param item undefined where the payload is no job @param stepClass the class under which steps of workflows travel */
export function labelsOf(
  job: Reserved,
  item: { className: string; args: string } | undefined,
  stepClass: string | undefined,
): JobLabels {
  const labels = { job: job.id, queue: job.queue, attempt: job.attempt }
  if (!item) return labels
  if (item.className !== stepClass) return { ...labels, class: item.className }
  const [run, , className] = JSON.parse(item.args) as unknown[]
  return { ...labels, class: String(className), run: String(run) }
}

/**
 * Tells the log how a job ended: a failure, and a job that went down with others, as a warning, another attempt for information, the rest for who debugs.
 */
export function logEnd(log: Logger, job: JobLabels, verdict: Verdict, timelineMs: Spans): void {
  const about = { ...job, timelineMs }
  const what = job.class ?? 'a queue item'
  if (verdict.kind === 'requeued' && verdict.redelivered) {
    log.warn(`${what} goes back to its queue: the process that forks died`, about)
    return
  }
  if (verdict.kind !== 'failed' && verdict.kind !== 'retry') {
    log.debug(`a job ended: ${verdict.kind}`, about)
    return
  }
  const { name, message } = verdict.error
  const why = `${verdict.cause}: ${name}: ${head(message.replace(/\s+/g, ' '), maxMessage)}`
  if (verdict.kind === 'failed') log.warn(`${what} failed, ${why}`, about)
  else {
    const { delayMs, backoffFault } = verdict
    const line = `${what} runs again in ${formatDuration(delayMs)}, ${why}`
    if (backoffFault === undefined) log.info(line, about)
    else log.warn(`${line}; its retry.backoff failed: ${head(backoffFault, maxMessage)}`, about)
  }
}

/** The same for the metrics. @param forkMs how long its process took to start */
export function countedEnd(
  job: JobLabels,
  verdict: Verdict,
  { waitedMs, wallMs }: Record<string, unknown>,
  forkMs: number | undefined,
): JobEnd {
  return {
    queue: job.queue,
    className: job.class ?? 'a queue item',
    outcome: verdict.kind,
    cause: 'cause' in verdict ? verdict.cause : '',
    ...(typeof waitedMs === 'number' ? { waitMs: waitedMs } : {}),
    runMs: typeof wallMs === 'number' ? wallMs : 0,
    ...(forkMs === undefined ? {} : { forkMs }),
  }
}

/** The same for the hook `onDeath`. */
export function deathNotice(
  { job: id, class: name = '', queue, attempt, run }: JobLabels,
  { cause, error }: Extract<Verdict, { kind: 'failed' }>,
  evidence: Record<string, unknown>,
): Notice {
  const job = { id, class: name, queue, attempt, ...(run === undefined ? {} : { run }), error }
  return { hook: 'onDeath', job, cause, evidence }
}

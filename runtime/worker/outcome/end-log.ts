import { performance } from 'node:perf_hooks'
import { head } from '../../../config/clip.ts'
import { formatDuration } from '../../core/duration.ts'
import type { Logger } from '../../core/logger.ts'
import type { Reserved } from '../../store/workers/supervisors.ts'
import type { JobEnd, HookCall } from '../../messages.ts'
import type { Verdict } from './cause.ts'
import type { Ending } from '../launchers/launcher.ts'

/**
 * Where the time of one delivery went, in ms. `reserve`: from the reservation to the start of a process, with limits and
 * what a step needs; `fork`: until the process has the job; `load`: until the job's own code began, with the afterFork
 * hook; `perform`: until it reported its end, or its process died; `settle`: from then until the end is written. A part
 * that was not reached is absent.
 */
interface Spans {
  reserve: number
  fork?: number | undefined
  load?: number | undefined
  perform?: number | undefined
  settle?: number | undefined
}

/** Times one delivery, from its reservation on. */
export class TimeLine {
  readonly #reservedAt = performance.now()
  #launchedAt: number | undefined
  #startedAt: number | undefined
  #endedAt: number | undefined
  #ending: Pick<Ending, 'ranMs' | 'loadMs'> | undefined

  /** Since the reservation. */
  get elapsedMs(): number {
    return performance.now() - this.#reservedAt
  }

  launched(): void {
    this.#launchedAt = performance.now()
  }

  started(): void {
    this.#startedAt = performance.now()
  }

  ended(ending: Pick<Ending, 'ranMs' | 'loadMs'>): void {
    this.#endedAt = performance.now()
    this.#ending = ending
  }

  /** The spans, if the end is written now. */
  spans(): Spans {
    const now = performance.now()
    const reserve = tenths((this.#launchedAt ?? now) - this.#reservedAt)
    if (this.#launchedAt === undefined) return { reserve }
    if (this.#startedAt === undefined) return { reserve, fork: tenths((this.#endedAt ?? now) - this.#launchedAt) }
    const fork = tenths(this.#startedAt - this.#launchedAt)
    const endedAt = this.#endedAt ?? now
    const ranMs = this.#ending?.ranMs ?? endedAt - this.#startedAt
    const loadMs = this.#ending?.loadMs
    const load = loadMs === undefined ? undefined : tenths(loadMs)
    const settle = tenths(now - Math.min(this.#startedAt + ranMs, endedAt))
    return { reserve, fork, load, perform: tenths(ranMs - (loadMs ?? 0)), settle }
  }
}

const tenths = (ms: number): number => Math.round(Math.max(0, ms) * 10) / 10

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
  const { id, queue, attempt } = job
  if (!item) return { job: id, queue, attempt }
  if (item.className !== stepClass) return { job: id, queue, attempt, class: item.className }
  const [run, , className] = JSON.parse(item.args) as unknown[]
  return { job: id, queue, attempt, class: String(className), run: String(run) }
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
export function endForMetrics(
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
export function deathCall(
  { job: id, class: name = '', queue, attempt, run }: JobLabels,
  { cause, error }: Extract<Verdict, { kind: 'failed' }>,
  evidence: Record<string, unknown>,
): HookCall {
  const job = { id, class: name, queue, attempt, ...(run === undefined ? {} : { run }), error }
  return { hook: 'onDeath', job, cause, evidence }
}

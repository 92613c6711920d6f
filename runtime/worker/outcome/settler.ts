import { jsonArray } from '../../core/json-text.ts'
import { withBackoff, type Clock } from '../../core/clock.ts'
import { hasCode, toError, withCode } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import { evidenceText } from '../../store/queues/evidence-text.ts'
import { encodeFailure } from '../../store/queues/failures.ts'
import { MemoryConflict } from '../../store/runs/memory.ts'
import { GraphChanged } from '../../store/runs/run-writer.ts'
import type { Store } from '../../store/store.ts'
import type { Delivery, Reserved } from '../../store/workers/supervisors.ts'
import { endForMetrics, deathCall, logEnd, type JobLabels, type TimeLine } from './end-log.ts'
import { errorRecord } from './error-record.ts'
import type { ErrorRecord, JobEnd, HookCall, Outcome, StepContext, StepEnd } from '../../messages.ts'
import type { StepSource } from '../execution/step-source.ts'
import type { Verdict } from './cause.ts'

/** Bounds of what is kept. */
export interface KeepLimits {
  failedMax: number
  recordTtlMs: number
  attemptsKept: number
  backtraceLines: number
}

/** What a settler needs. */
export interface SettlerOptions {
  store: Store
  clock: Clock
  log: Logger
  limits: KeepLimits
  steps?: StepSource
  /** The supervisor's id, or undefined when its lease is gone: then nothing can be recorded any more. */
  supervisorId: () => string | undefined
  /** Called with each end that was recorded; must not throw. */
  onEnd?: (end: JobEnd) => void
  /** Called with each failure that was recorded; must not throw. */
  onDeath?: (notice: HookCall) => void
}

/** One job's end, ready to be recorded. */
export interface End {
  job: Reserved
  worker: string
  verdict: Verdict
  /** Pid, exit, times, memory, last lines. */
  evidence: Record<string, unknown>
  timeLine: TimeLine
  labels: JobLabels
  /** False where it is known to have no log. */
  mayHaveLog?: boolean
  keepResultMs?: number
  /** What the job said of its end. */
  outcome?: Outcome
  /** A workflow step's surroundings. */
  step?: { context: StepContext; outcome?: Outcome }
}

/** A step's own record is dropped soon after it is done: its run knows how it went, and runs have many. */
const doneStepTtlMs = 60_000

/** How often a step's additions are planned again. Each time, another step's end came first. */
const mostReplans = 100

/** Records how jobs end. While Redis is away it goes on trying, until the lease runs out and the job is another's. */
export class Settler {
  readonly #options: SettlerOptions

  constructor(options: SettlerOptions) {
    this.#options = options
  }

  /**
   * An end that cannot be recorded, for another reason than that Redis is away, becomes a failure which says so.
   * @returns false when the job was no longer ours and nothing was written
   */
  async settle(end: End): Promise<boolean> {
    const { clock } = this.#options
    const { id } = end.job
    const log = (): Logger => this.#options.log.with(end.labels)
    const attempt = (given: End): Promise<boolean> =>
      withBackoff(
        clock,
        { firstMs: 50, mostMs: 1000 },
        () => this.#attempt(given),
        (error) => {
          if (!hasCode(error, 'ERR_REDIS')) throw error
          log().warn(`job ${id}: its end cannot be recorded yet: ${withCode(error)}`)
        },
      )
    return attempt(end).catch((error: unknown) => {
      log().error(`job ${id}: its end cannot be recorded as ${end.verdict.kind}: ${withCode(error)}`)
      return attempt({ ...end, verdict: unrecordable(end.verdict, toError(error)) })
    })
  }

  /** Records an end once; again at once where another step's end has changed the graph under its additions. */
  async #attempt(end: End): Promise<boolean> {
    const { log, supervisorId } = this.#options
    for (let replans = 0; ; replans += 1) {
      const id = supervisorId()
      if (id === undefined) return false
      try {
        const timelineMs = end.timeLine.spans()
        end.evidence.timelineMs = timelineMs
        const recorded = await this.#record(id, end)
        if (recorded) {
          logEnd(log, end.labels, end.verdict, timelineMs)
          if (end.verdict.kind !== 'held')
            this.#options.onEnd?.(endForMetrics(end.labels, end.verdict, end.evidence, timelineMs.fork))
        }
        return recorded
      } catch (error) {
        if (!(error instanceof GraphChanged) || replans >= mostReplans) throw error
      }
    }
  }

  async #record(id: string, end: End): Promise<boolean> {
    const { job, verdict } = end
    const delivery: Delivery = { worker: end.worker, id: job.id, delivery: job.delivery }
    const { supervisors } = this.#options.store
    const now = this.#options.clock.now()
    const { recordTtlMs: ttlMs } = this.#options.limits
    const evidence = { evidence: evidenceText(end.evidence) }
    switch (verdict.kind) {
      case 'lost':
        return false
      case 'requeued':
        return supervisors.requeue(id, delivery, now, 0, false, ttlMs, {
          ...(verdict.redelivered ? { redeliveries: String(job.redeliveries + 1) } : {}),
        })
      case 'held':
        return true // lua/acquire.lua has moved it to where it waits
      case 'snoozed':
        return supervisors.requeue(id, delivery, now, now + Math.max(verdict.delayMs, 1), false, ttlMs)
      case 'retry': {
        const attempts = await this.#attempts(end, verdict.error, verdict.cause, now)
        const failure = { cause: verdict.cause, error: errorText(verdict.error) }
        const fields = { ...evidence, attempts: JSON.stringify(attempts), ...failure }
        return supervisors.requeue(id, delivery, now, now + Math.max(verdict.delayMs, 1), true, ttlMs, fields)
      }
      case 'failed':
        return this.#fail(id, delivery, end, verdict)
      default: {
        const { keepResultMs } = end
        const result = verdict.kind === 'done' && keepResultMs !== undefined ? verdict.result : undefined
        const fields: Record<string, string> = evidence
        if (result !== undefined) fields.result = result
        if ('reason' in verdict && verdict.reason !== undefined) fields.reason = verdict.reason
        const step = end.step && (await this.#stepDone(end))
        if (step && 'kind' in step) return this.#fail(id, delivery, end, step)
        const settlement = {
          state: verdict.kind,
          fields,
          ttlMs: keepResultMs ?? (step ? doneStepTtlMs : ttlMs),
          mayHaveLog: end.mayHaveLog,
          ...(step ? { step } : {}),
        }
        try {
          return await supervisors.settle(id, delivery, now, this.#options.limits.failedMax, settlement)
        } catch (thrown) {
          if (!(thrown instanceof MemoryConflict)) throw thrown
          return this.#fail(id, delivery, end, { kind: 'failed', cause: 'exception', error: errorRecord(thrown) })
        }
      }
    }
  }

  async #fail(
    id: string,
    delivery: Delivery,
    end: End,
    verdict: Extract<Verdict, { kind: 'failed' }>,
  ): Promise<boolean> {
    const { job, worker, evidence } = end
    const { limits, clock, store } = this.#options
    const attempts = job.attempt > 1 ? await this.#attempts(end, verdict.error, verdict.cause, clock.now()) : undefined
    const entry = encodeFailure({
      failedAtMs: clock.now(),
      item: job.item,
      exception: verdict.error.name,
      error: verdict.error.message,
      backtrace: verdict.error.backtrace.slice(0, limits.backtraceLines),
      worker,
      queue: job.queue,
      id: job.id,
      cause: verdict.cause,
      evidence,
      ...(attempts ? { attempts } : {}),
    })
    const fields = {
      evidence: JSON.stringify(evidence),
      cause: verdict.cause,
      error: errorText(verdict.error),
      ...(attempts ? { attempts: JSON.stringify(attempts) } : {}),
    }
    const isRecorded = await store.supervisors.settle(id, delivery, clock.now(), limits.failedMax, {
      state: 'failed',
      entry,
      fields,
      ttlMs: limits.recordTtlMs,
      // Every failure is offered: a step whose run could not even make it ready has no context.
      ...(this.#options.steps ? { step: this.#options.steps.failed(verdict.error) } : {}),
    })
    if (isRecorded) this.#options.onDeath?.(deathCall(end.labels, verdict, evidence))
    return isRecorded
  }

  /** What a done step tells its run; a verdict of its own when the run cannot take it. */
  async #stepDone({ verdict, step }: End): Promise<StepEnd | Extract<Verdict, { kind: 'failed' }> | undefined> {
    if (verdict.kind !== 'done' || step?.outcome?.kind !== 'done') return undefined
    try {
      return await this.#options.steps?.done(step.context, step.outcome)
    } catch (thrown) {
      if (hasCode(thrown, 'ERR_REDIS')) throw thrown
      return { kind: 'failed', cause: 'exception', error: errorRecord(toError(thrown)) }
    }
  }

  /** The errors of this job's attempts so far, this one last, at most `attemptsKept`. */
  async #attempts({ job }: End, error: ErrorRecord, cause: string, nowMs: number): Promise<object[]> {
    const before = job.attempt > 1 ? (await this.#options.store.jobs.find(job.id))?.attempts : undefined
    const at = new Date(nowMs).toISOString()
    const attempt = {
      attempt: job.attempt,
      at,
      cause,
      name: error.name,
      message: error.message,
      backtrace: error.backtrace.slice(0, 5),
    }
    return [...(jsonArray(before) as object[]), attempt].slice(-this.#options.limits.attemptsKept)
  }
}

/** The failure that an end becomes which could not be recorded; what the job itself failed of stands below. */
function unrecordable(verdict: Verdict, thrown: Error): Extract<Verdict, { kind: 'failed' }> {
  const error = errorRecord(thrown)
  const own = 'error' in verdict ? verdict.error : undefined
  const below = own ? [`while this was recorded: ${own.name}: ${own.message}`, ...own.backtrace] : []
  return { kind: 'failed', cause: 'exception', error: { ...error, backtrace: [...error.backtrace, ...below] } }
}

function errorText({ name, message, backtrace }: ErrorRecord): string {
  return JSON.stringify({ name, message, backtrace: backtrace.slice(0, 20) })
}

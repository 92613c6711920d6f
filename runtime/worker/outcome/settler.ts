import { jsonArray } from '../../core/json-text.ts'
import { backoffMs, type Clock } from '../../core/clock.ts'
import { hasCode, toError, withCode } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import { evidenceText } from '../../store/queues/evidence-text.ts'
import { itemBytesArchived } from '../../store/queues/deliveries.ts'
import { encodeFailure } from '../../store/queues/failures.ts'
import { MemoryConflict } from '../../store/runs/memory.ts'
import { GraphChanged } from '../../store/runs/run-writer.ts'
import type { Store } from '../../store/store.ts'
import type { Delivery, Reserved, Settlement } from '../../store/workers/supervisors.ts'
import { endForMetrics, deathCall, logEnd, type JobLabels, type TimeLine } from './end-log.ts'
import { errorRecord, errorText, unrecordableError } from './error-record.ts'
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
  keepResultMs?: number | undefined
  /** What the job said of its end. */
  outcome?: Outcome | undefined
  /** A workflow step's surroundings. */
  step?: { context: StepContext; outcome?: Outcome | undefined } | undefined
}

/** Between two attempts while Redis is away. */
const PAUSES = { firstMs: 50, mostMs: 1000 }

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
    let given = end
    for (let attempts = 1; ; attempts += 1) {
      try {
        return await this.#attempt(given)
      } catch (error) {
        const log = this.#options.log.with(end.labels)
        const what = `job ${end.job.id}: its end cannot be recorded`
        if (hasCode(error, 'ERR_REDIS')) {
          log.warn(`${what} yet: ${withCode(error)}`)
          await this.#options.clock.sleep(backoffMs(PAUSES, attempts))
        } else if (given === end) {
          log.error(`${what} as ${end.verdict.kind}: ${withCode(error)}`)
          const own = 'error' in end.verdict ? end.verdict.error : undefined
          given = { ...end, verdict: { kind: 'failed', cause: 'exception', error: unrecordableError(error, own) } }
          attempts = 0
        } else throw error
      }
    }
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

  #record(id: string, end: End): boolean | Promise<boolean> {
    const { job, verdict } = end
    const delivery: Delivery = { worker: end.worker, id: job.id, delivery: job.delivery }
    const { supervisors } = this.#options.store
    const now = this.#options.clock.now()
    const { recordTtlMs: ttlMs } = this.#options.limits
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
      case 'retry':
        return this.#retry(id, delivery, end, verdict)
      case 'failed':
        return this.#fail(id, delivery, end, verdict)
      default: {
        const { keepResultMs } = end
        const fields: Record<string, string> = { evidence: evidenceText(end.evidence) }
        if (verdict.kind === 'done' && verdict.result !== undefined && keepResultMs !== undefined)
          fields.result = verdict.result
        if ('reason' in verdict && verdict.reason !== undefined) fields.reason = verdict.reason
        const known = { mayHaveLog: end.mayHaveLog, isLarge: job.item.length > itemBytesArchived }
        const plain = { state: verdict.kind, fields, ttlMs: keepResultMs ?? ttlMs, ...known, step: undefined }
        if (end.step) return this.#settleStep(id, delivery, end, plain)
        return supervisors.settle(id, delivery, now, this.#options.limits.failedMax, plain)
      }
    }
  }

  async #retry(
    id: string,
    delivery: Delivery,
    end: End,
    { cause, error, delayMs }: Extract<Verdict, { kind: 'retry' }>,
  ): Promise<boolean> {
    const { store, clock, limits } = this.#options
    const now = clock.now()
    const attempts = JSON.stringify(await this.#attempts(end, error, cause, now))
    const fields = { evidence: evidenceText(end.evidence), attempts, cause, error: errorText(error) }
    const dueAtMs = now + Math.max(delayMs, 1)
    return store.supervisors.requeue(id, delivery, now, dueAtMs, true, limits.recordTtlMs, fields)
  }

  async #settleStep(id: string, delivery: Delivery, end: End, plain: Settlement): Promise<boolean> {
    const { store, clock, limits } = this.#options
    const step = await this.#stepDone(end)
    if (step && 'kind' in step) return this.#fail(id, delivery, end, step)
    const settlement = step ? { ...plain, step, ttlMs: end.keepResultMs ?? doneStepTtlMs } : plain
    try {
      return await store.supervisors.settle(id, delivery, clock.now(), limits.failedMax, settlement)
    } catch (thrown) {
      if (!(thrown instanceof MemoryConflict)) throw thrown
      return this.#fail(id, delivery, end, { kind: 'failed', cause: 'exception', error: errorRecord(thrown) })
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

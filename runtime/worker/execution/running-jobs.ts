import type { JobRun } from './job-run.ts'
import type { KillReason } from '../outcome/cause.ts'
import type { Clock } from '../../core/clock.ts'
import { withCode } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import type { Store } from '../../store/store.ts'
import { type StackAnswer, type StackRequests, locationLines } from '../../store/workers/stacks.ts'
import { plural } from '../../core/plural.ts'

/** How many asked-for cancellations of jobs that are not here are remembered. */
const EARLY_MAX = 100

/** The jobs that a supervisor has taken and whose end is not recorded yet. */
export class RunningJobs {
  readonly #runs = new Map<string, JobRun>()
  /** Asked to be cancelled before they arrived here: the call is faster than the reply that brings the job. */
  readonly #early = new Set<string>()

  get size(): number {
    return this.#runs.size
  }

  get all(): JobRun[] {
    return [...this.#runs.values()]
  }

  find(id: string): JobRun | undefined {
    return this.#runs.get(id)
  }

  get ids(): ReadonlySet<string> {
    return new Set(this.#runs.keys())
  }

  get pids(): number[] {
    return this.all.map((run) => run.pid).filter((pid) => pid !== undefined)
  }

  add(run: JobRun): void {
    this.#runs.set(run.job.id, run)
    if (this.#early.delete(run.job.id)) run.kill('cancelled')
  }

  remove(run: JobRun): void {
    // The same job may be here again already, in another slot.
    if (this.#runs.get(run.job.id) === run) this.#runs.delete(run.job.id)
  }

  cancel(id: string): void {
    if (!this.#runs.has(id)) this.#early.add(id)
    this.#runs.get(id)?.kill('cancelled')
    // What is not ours, or was over, is forgotten: the next heartbeat finds what was missed.
    if (this.#early.size > EARLY_MAX) this.#early.clear()
  }

  /** @param graceMs in place of the configured grace */
  killAll(reason: KillReason, graceMs?: number): void {
    this.#runs.forEach((run) => run.kill(reason, graceMs))
  }
}

/** A job that is over sooner is not written to Resque's record of its worker: it costs no command for it. */
const SHOW_AFTER_MS = 50
/** Until it is tried again where Redis could not be reached. */
const RETRY_MS = 1000

/** What {@link ShownJobs} needs. */
export interface ShownJobsOptions {
  store: Store
  clock: Clock
  log: Logger
  supervisorId: () => string | undefined
  jobs: RunningJobs
}

/** Writes Resque's `worker:` record of jobs that have run for a moment, so that Ruby's pages show them. A short job leaves nothing here. */
export class ShownJobs {
  readonly #options: ShownJobsOptions
  readonly #shown = new WeakSet<JobRun>()
  #timer: NodeJS.Timeout | undefined

  constructor(options: ShownJobsOptions) {
    this.#options = options
  }

  /** A job has begun. */
  add(): void {
    this.#timer ??= this.#lookIn(SHOW_AFTER_MS)
  }

  #lookIn(ms: number): NodeJS.Timeout {
    return setTimeout(() => void this.#show(), ms)
  }

  /** Shows nothing more. */
  close(): void {
    clearTimeout(this.#timer)
  }

  async #show(): Promise<void> {
    const { store, log, supervisorId, jobs } = this.#options
    const hidden = jobs.all.filter((run) => !this.#shown.has(run))
    const due = hidden.filter(({ timeLine }) => timeLine.elapsedMs >= SHOW_AFTER_MS)
    // They stand in the order in which they began.
    const next = hidden[due.length]
    this.#timer = next && this.#lookIn(Math.max(1, SHOW_AFTER_MS - next.timeLine.elapsedMs))
    const id = supervisorId()
    if (due.length === 0 || id === undefined) return
    for (const run of due) this.#shown.add(run)
    const now = this.#options.clock.now()
    const running = due.map(({ delivery, job: { item }, timeLine }) => ({
      ...delivery,
      runAtMs: now - timeLine.elapsedMs,
      bytes: item.length,
    }))
    await store.supervisors.show(id, running).catch((error: unknown) => {
      log.debug(`Resque's pages do not show ${plural(due.length, 'running job')} yet: ${withCode(error)}`)
      for (const run of due) this.#shown.delete(run)
      this.#timer ??= this.#lookIn(RETRY_MS)
    })
  }
}

/** A job that an operator asks for goes on running, so it may take its time to answer. */
const DEADLINE_MS = 2000

/** Writes to the log where each job is, with its stack. */
export async function logStacks(runs: readonly JobRun[], log: Logger): Promise<void> {
  if (runs.length === 0) log.info('no job runs here')
  await Promise.all(
    runs.map(async (run) => {
      const where = await run.locate(DEADLINE_MS)
      log.info(`job ${run.job.id} in process ${run.pid ?? '?'} is ${locationLines(where).join('\n  ')}`)
    }),
  )
}

/** Answers `runtime job stack`. Who asked waits no longer than its own deadline; an answer that gets lost is no fault of the job. */
async function answerStack(run: JobRun, request: string, stacks: StackRequests, log: Logger): Promise<void> {
  const answer: StackAnswer = { pid: run.pid, where: await run.locate(DEADLINE_MS) }
  await stacks.answer(request, JSON.stringify(answer)).catch((error: Error) => {
    log.warn(`job ${run.job.id}: the answer where it is cannot be sent: ${error.message}`)
  })
}

/** Does what a message on the control channel asks: `cancel <job id>`, or `stack <job id> <request>`. */
export function handleControl(message: string, jobs: RunningJobs, stacks: StackRequests, log: Logger): void {
  const [verb, id = '', request = ''] = message.split(' ')
  const run = jobs.find(id)
  if (verb === 'cancel') jobs.cancel(id)
  else if (verb === 'stack' && run) void answerStack(run, request, stacks, log)
}

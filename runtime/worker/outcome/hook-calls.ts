import { jsonObject } from '../../core/json-text.ts'
import { formatDuration } from '../../core/duration.ts'
import type { Logger } from '../../core/logger.ts'
import { startTimer } from '../../core/clock.ts'
import { type JobRecord, type Jobs, storedError } from '../../store/queues/jobs.ts'
import type { ErrorRecord, HookCall, Assignment } from '../../messages.ts'
import type { LaunchedJob, Launcher } from '../launchers/launcher.ts'
import { plural } from '../../core/plural.ts'

/** How long a worker that leaves waits for hooks that it has still to call. */
const AT_END_MS = 5000

/** What {@link HookCalls} needs. */
export interface HookCallsOptions {
  log: Logger
  launcher: Launcher
  /** The worker's id in its processes' titles and assignments. */
  worker: string
  /** How long one hook may take. */
  timeoutMs?: number
  /** So many wait at most. */
  max?: number
}

/**
 * Calls the worker hooks `onDeath` and `onLeaseLost`, one after another, each in a process of its own beside the slots.
 * A receiver that is slow or away delays no job: the oldest calls are dropped.
 */
export class HookCalls {
  readonly #options: HookCallsOptions
  readonly #timeoutMs: number
  readonly #max: number
  readonly #waiting: HookCall[] = []
  #hooks: readonly string[] = []
  #running: Promise<void> | undefined
  #launched: LaunchedJob | undefined
  #dropped = 0

  constructor(options: HookCallsOptions) {
    this.#options = options
    this.#timeoutMs = options.timeoutMs ?? 30_000
    this.#max = options.max ?? 100
  }

  /** Which hooks the application has, from now on. */
  learn(hooks: readonly string[] = []): void {
    this.#hooks = hooks
  }

  /** Calls the hook soon, where there is one. */
  add(notice: HookCall): void {
    if (!this.#hooks.includes(notice.hook)) return
    this.#waiting.push(notice)
    if (this.#waiting.length > this.#max) {
      this.#waiting.shift()
      this.#dropped += 1
    }
    this.#running ??= this.#run()
  }

  /** Calls `onDeath` for jobs that failed without a worker of their own, such as those of dead workers. */
  async collect(jobs: Jobs): Promise<void> {
    if (!this.#hooks.includes('onDeath')) return
    for (const [id, record] of await jobs.takeDeaths()) if (record) this.add(deathOf(id, record))
  }

  /** Waits until all are called, and drops what is left after that time. Never rejects. */
  async close(patienceMs = AT_END_MS): Promise<void> {
    const running = this.#running
    if (!running) return
    const timer = startTimer(() => {
      this.#options.log.warn(
        `the worker exits while a hook runs: the hook is killed, and ${this.#waiting.length} more calls of hooks are dropped`,
      )
      this.#waiting.length = 0
      this.#launched?.kill('SIGKILL')
    }, patienceMs)
    await running
    timer.stop()
  }

  async #run(): Promise<void> {
    for (let notice = this.#waiting.shift(); notice; notice = this.#waiting.shift()) {
      await this.#call(notice).catch((error: unknown) =>
        this.#options.log.warn(`the ${notice?.hook} hook cannot be called: ${String(error)}`),
      )
      this.#reportDropped()
    }
    this.#running = undefined
  }

  #reportDropped(): void {
    if (this.#dropped === 0) return
    this.#options.log.warn(
      `hooks are too slow: dropped the oldest ${plural(this.#dropped, 'call')}; at most ${this.#max} wait`,
    )
    this.#dropped = 0
  }

  async #call(notice: HookCall): Promise<void> {
    const { launcher, log, worker } = this.#options
    const about =
      notice.hook === 'onDeath'
        ? { jobId: notice.job.id, className: notice.job.class, queue: notice.job.queue, attempt: notice.job.attempt }
        : { jobId: notice.worker.id, className: notice.hook, queue: '', attempt: 1 }
    const launched = launcher.launch({ phase: 'notify', notice, args: '[]', worker, ...about }, () => undefined)
    this.#launched = launched
    let isLate = false
    const timer = startTimer(() => {
      isLate = true
      launched.kill('SIGKILL')
    }, this.#timeoutMs)
    const { outcome, signal, exitCode } = await launched.ended
    timer.stop()
    this.#launched = undefined
    const what = `the ${notice.hook} hook, for ${about.jobId},`
    if (isLate) log.warn(`${what} ran longer than ${formatDuration(this.#timeoutMs)} and was ended`)
    else if (outcome?.kind === 'failed') log.warn(`${what} failed: ${outcome.error.name}: ${outcome.error.message}`)
    else if (!outcome)
      log.warn(`${what} did not end: its process left with ${signal ?? `exit code ${exitCode ?? '?'}`}`)
  }
}

/** What a record says of the end of its job. */
function deathOf(id: string, record: JobRecord): HookCall {
  const { class: name = '', queue, attempt = '1', step, cause = '', error = '{}', evidence = '{}' } = record
  const run = step?.split(' ')[0]
  const { name: type, message, backtrace = [] } = storedError(error)
  return {
    hook: 'onDeath',
    job: {
      ...{ id, class: name, queue, attempt: Number(attempt) },
      ...(run === undefined ? {} : { run }),
      error: { name: type, message, backtrace },
    },
    cause,
    evidence: { ...jsonObject(evidence) },
  }
}

/** A hook that hangs must not hold its slot for ever. */
const TIMEOUT_MS = 60_000

/**
 * Runs the onFailure hook of a job that died, in a process of its own, for a minute at most.
 * @param assignment of the job
 */
export function launchDeathHook(
  launcher: Launcher,
  assignment: Assignment,
  failure: ErrorRecord,
  log: Logger,
): LaunchedJob {
  const launched = launcher.launch({ ...assignment, phase: 'onFailure', failure }, () => undefined)
  const timer = setTimeout(() => launched.kill('SIGKILL'), TIMEOUT_MS)
  void launched.ended.then(({ signal }) => {
    clearTimeout(timer)
    if (signal !== null) log.warn(`job ${assignment.jobId}: its onFailure hook was ended by ${signal}`)
  })
  return launched
}

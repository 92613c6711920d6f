import type { Clock } from '../../core/clock.ts'
import { decodeItem } from '../../core/codec.ts'
import { toError } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import type { Store } from '../../store/store.ts'
import type { Delivery, Reserved } from '../../store/workers/supervisors.ts'
import { type Admission, memoryAnswer, limitsAnswer, limitsOfBefore } from './admission.ts'
import { assignmentOf, jobClass, NO_OPTIONS, type Settings, settingsOfCall } from './manifest.ts'
import { traceEnded, traceReceived } from '../tracing.ts'
import { launchDeathHook } from '../outcome/hook-calls.ts'
import { evidenceOf } from '../outcome/evidence.ts'
import type { Ending, JobOutput, Launcher } from '../launchers/launcher.ts'
import type { HeapSnapshots } from './heap-snapshots.ts'
import { ProgressWriter } from './progress-writer.ts'
import { TimeLine, labelsOf, type JobLabels } from '../outcome/end-log.ts'
import { JobProcess, type ProcessReport } from './job-process.ts'
import type { ChildMessage, ClassManifest, JobSettings } from '../../messages.ts'
import type { MemoryRequest, ParentMessage, ReadyJob, ReadyStep, StepContext } from '../../messages.ts'
import { withinLimit } from '../outcome/result-size.ts'
import type { End, Settler } from '../outcome/settler.ts'
import type { StepSource } from './step-source.ts'
import { decideEnd, decideUnready, type KillReason, type Verdict } from '../outcome/cause.ts'
import { type JobLocation, locationText } from '../../store/workers/stacks.ts'
import { unknownClass } from '../outcome/error-record.ts'

/** What every job of a worker shares. */
export interface JobRunOptions {
  store: Store
  clock: Clock
  log: Logger
  launcher: Launcher
  /** For classes that ask for another isolation than the worker's. */
  launcherFor: (isolation: ClassManifest['isolation']) => Launcher
  settler: Settler
  admission: Admission
  manifest: () => ReadonlyMap<string, ClassManifest>
  steps?: StepSource
  termTimeoutMs: number
  snapshots: HeapSnapshots
  jobOutput?: JobOutput
  maxRedeliveries: number
  /** For classes that have none. */
  timeoutMs?: number
  inspectJobs?: boolean
  limits: { logLines: number; logLineBytes: number; recordTtlMs: number; maxResultBytes: number }
  /** Called when the pid of the job's process is known. */
  onStarted: () => void
  /** Called when the end of a job is recorded, or cannot be. */
  onRecorded: (run: JobRun) => void
}

/** One delivery of one job, from the queue to its recorded end. */
export class JobRun {
  readonly job: Reserved
  readonly delivery: Delivery
  readonly timeLine = new TimeLine()
  readonly #options: JobRunOptions
  readonly #worker: string
  /** Made with the job's first message that needs it: most have none. */
  #notes: ProgressWriter | undefined
  readonly #process: JobProcess
  #step: StepContext | undefined
  #labels: JobLabels

  constructor(job: Reserved, worker: string, options: JobRunOptions) {
    this.job = job
    this.#worker = worker
    this.#options = options
    this.delivery = { worker, id: job.id, delivery: job.delivery }
    this.#labels = labelsOf(job, undefined, undefined)
    this.#process = new JobProcess(job.id, options)
  }

  /** Of the job's process, once there is one. */
  get pid(): number | undefined {
    return this.#process.pid
  }

  /** Runs the job to its end, which is still to be recorded. Never rejects. */
  async run(): Promise<End> {
    try {
      return await this.#perform()
    } catch (thrown) {
      return this.#end(decideUnready(thrown))
    }
  }

  /** Resolves when Redis knows of the end. Never rejects. */
  async record(end: End): Promise<void> {
    try {
      await this.#options.settler.settle(end)
    } catch (thrown) {
      this.#log.error(`job ${this.job.id}: ${toError(thrown).stack ?? String(thrown)}`)
    }
    this.#options.onRecorded(this)
  }

  get #log(): Logger {
    return this.#options.log.with(this.#labels)
  }

  /** See {@link JobProcess.kill}. */
  kill(reason: KillReason, graceMs?: number): void {
    this.#process.kill(reason, graceMs)
  }

  /** Where the job is, while it goes on running. Never rejects. */
  locate(deadlineMs: number): Promise<JobLocation> {
    return this.#process.locate(deadlineMs)
  }

  #perform(): End | Promise<End> {
    const { job } = this
    const item = decodeItem(job.item)
    if ('reason' in item) {
      const error = { name: 'GarbageError', message: item.reason, backtrace: [] }
      return this.#end({ kind: 'failed', cause: 'garbage', error })
    }
    const { steps } = this.#options
    this.#labels = labelsOf(job, item, steps?.className)
    const call = job.options === '' ? NO_OPTIONS : (JSON.parse(job.options) as JobSettings)
    const { className, args } = item
    return steps?.className === className
      ? this.#performStep(steps, args, call)
      : this.#launch({ className, args, options: call })
  }

  async #performStep(steps: StepSource, args: string, call: JobSettings): Promise<End> {
    const step = await this.#prepare(steps, args)
    if ('kind' in step) return this.#end(step)
    if ('gone' in step) return this.#end({ kind: 'discarded', reason: step.gone })
    this.#step = step.context
    const end = await this.#launch({ ...step, options: { ...call, ...step.options } })
    return { ...end, step: { context: step.context, outcome: end.outcome } }
  }

  /** A step that cannot be made ready fails; while Redis is away it goes back. */
  async #prepare(steps: StepSource, args: string): Promise<ReadyStep | { gone: string } | Verdict> {
    try {
      return await steps.prepare(this.job, args)
    } catch (thrown) {
      return decideUnready(thrown)
    }
  }

  async #launch({ className, args, context, options }: ReadyJob): Promise<End> {
    const manifest = jobClass(this.#options.manifest(), className)
    if (!manifest) return this.#end({ kind: 'failed', cause: 'unknown class', error: unknownClass(className) })
    const { inspectJobs: inspect = false, limits } = this.#options
    const { maxResultBytes } = limits
    const settings = settingsOfCall(manifest, options, this.#options)
    const asked = options.permits ?? manifest.permits ?? limitsOfBefore(this.job)
    const once = settings.delivery === 'at-most-once'
    const mustTell = once || this.job.uniqueUntil === 'start'
    const { admission } = this.#options
    const mustAsk = mustTell || (asked !== undefined && asked.length > 0)
    const admitted = mustAsk ? await admission.admit(this.delivery, asked ?? [], { mustTell, once }) : 'granted'
    if (admitted !== 'granted') return this.#end({ kind: admitted })
    if (this.#process.killed) return this.#end({ kind: this.#process.killed === 'lease lost' ? 'lost' : 'requeued' })
    const about = { className, args, settings, retry: options.retry, step: context, maxResultBytes, inspect }
    const assignment = assignmentOf(this.job, this.#worker, about)
    if (asked) assignment.limits = []
    const launcher = this.#options.launcherFor(settings.isolation)
    traceReceived(assignment, this.timeLine.elapsedMs)
    this.timeLine.launched()
    const launched = launcher.launch(assignment, (message) => this.#hear(message, settings))
    this.#process.launched(launched)
    const ending = withinLimit(await launched.ended, maxResultBytes)
    this.timeLine.ended(ending)
    const report = this.#process.ended(ending)
    const watched = report instanceof Promise ? await report : report
    if (this.#notes) await this.#notes.close()
    const verdict = this.#judge(ending, watched, settings)
    traceEnded(assignment, ending, verdict, this.timeLine.elapsedMs)
    if (verdict.kind === 'requeued' && watched.where)
      this.#log.info(
        `job ${this.job.id} goes back to its queue; when it was stopped it was ${locationText(watched.where)}`,
      )
    if (manifest.onFailure && verdict.kind === 'failed' && ending.outcome?.kind !== 'failed') {
      // What ends the job may end its hook.
      const hook = launchDeathHook(launcher, assignment, verdict.error, this.#log)
      this.#process.followedBy(hook)
      await hook.ended
      this.#process.stopTimers()
    }
    return this.#end(verdict, ending, watched, settings.keepResultMs)
  }

  #hear(message: ChildMessage, settings: Settings): void {
    if (message.type === 'started') {
      this.timeLine.started()
      this.#process.started(message.pid, settings)
      this.#options.onStarted()
      if (message.pid !== process.pid) this.#notesOf().pid(message.pid)
      return
    }
    const answer = (reply: ParentMessage): void => this.#process.send(reply)
    if (message.type === 'progress') this.#notesOf().progress(message.at, message.of, message.note)
    else if (message.type === 'log') this.#notesOf().line(message.line)
    else if (message.type === 'limits')
      void limitsAnswer(this.#options.admission.acquire(this.delivery, message.limits)).then(answer)
    else if (message.type === 'memory') void this.#remember(message.ask, message.request).then(answer)
    else if (message.type !== 'outcome') this.#process.hear(message)
  }

  #notesOf(): ProgressWriter {
    const { store, log, limits } = this.#options
    return (this.#notes ??= new ProgressWriter(store, log, this.job.id, limits))
  }

  #remember(ask: number, request: MemoryRequest): Promise<ParentMessage> {
    const { steps } = this.#options
    const values =
      this.#step && steps
        ? steps.remember(this.#step, this.job.id, request)
        : Promise.reject(new Error('this job is no step'))
    return memoryAnswer(ask, values)
  }

  #judge(ending: Ending, { where, containerBytes }: ProcessReport, settings: Settings): Verdict {
    return decideEnd({
      ending,
      killed: this.#process.killed,
      where,
      containerBytes,
      attempt: this.job.attempt,
      retry: settings.retry,
      timeoutMs: settings.timeoutMs,
      memoryLimitBytes: settings.memoryLimitBytes,
      redeliveries: this.job.redeliveries,
      maxRedeliveries: this.#options.maxRedeliveries,
      atMostOnce: settings.delivery === 'at-most-once',
      random: Math.random(),
    })
  }

  #end(verdict: Verdict, ending?: Ending, watched?: ProcessReport, keepResultMs?: number): End {
    const { job, timeLine } = this
    const evidence = evidenceOf({
      cause: 'cause' in verdict ? verdict.cause : undefined,
      wallMs: timeLine.elapsedMs,
      ...{ enqueuedAtMs: job.enqueuedAtMs, nowMs: this.#options.clock.now(), ending, watched },
      keepsOutput: this.#options.jobOutput !== 'inherit',
    })
    const mayHaveLog = job.delivery !== '1' || this.#notes?.hasLog === true
    const about = { job, worker: this.#worker, timeLine, labels: this.#labels, mayHaveLog, keepResultMs }
    return { ...about, verdict, evidence, outcome: ending?.outcome, step: undefined }
  }
}

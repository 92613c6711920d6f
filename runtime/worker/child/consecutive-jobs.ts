import { writeFileSync } from 'node:fs'
import { monotonicMs } from '../../core/clock.ts'
import type { App } from '../../jobs/app.ts'
import { flushTelemetry } from '../../jobs/telemetry.ts'
import { jobTitle, title } from '../titles.ts'
import type { Assignment, ChildMessage, JobUsage, Outcome, ParentMessage } from '../../messages.ts'
import type { Channel } from './event-loop.ts'
import { execute } from './executor.ts'
import { ReuseCheck } from './reuse-check.ts'

/** What a process needs to run jobs. */
export interface ConsecutiveJobsOptions {
  app: App
  channel: Channel
  /** How many it may take: `worker.jobsPerChild`. */
  jobsPerChild: number
  /** True where the supervisor does not learn from the kernel what a process has used. */
  tellsUsage: boolean
  /** True where the supervisor cannot learn otherwise whether a later job of the process has begun. */
  tellsStarts: boolean
  /** Sets the kernel's limits for a job. */
  setLimits: (assignment: Assignment) => void
  /** In the new process, before the code of its first job. */
  begin: (assignment: Assignment) => unknown
  /** See {@link ReuseCheck}. */
  environment?: (() => Uint8Array | undefined) | undefined
}

/** A process that has had no job for so long says so in its title. */
export const REST_AFTER_MS = 20

/** The jobs of one process, one after another. One by default. */
export class ConsecutiveJobs {
  readonly #options: ConsecutiveJobsOptions
  readonly #usage = new UsageMeter()
  #taken = 0
  #reuseCheck: ReuseCheck | undefined
  /** What its title says: queue, class and second. */
  #shown = ''

  constructor(options: ConsecutiveJobsOptions) {
    this.#options = options
  }

  /** Runs a job and reports its outcome. Never rejects. @returns true when this process waits for another one */
  async perform(assignment: Assignment): Promise<boolean> {
    const { app, channel, jobsPerChild, tellsUsage, tellsStarts, setLimits } = this.#options
    this.#taken += 1
    this.#show(assignment)
    if (tellsStarts || this.#taken === 1) channel.send({ type: 'started', pid: process.pid })
    const startedAt = monotonicMs()
    const isReusable = jobsPerChild > 1
    const measured = tellsUsage || isReusable
    if (measured) this.#usage.begin(this.#taken > 1)
    setLimits(assignment)
    let loadMs: number | undefined
    const line = new JobLine(channel)
    const outcome = await execute(assignment, app, line, async () => {
      if (this.#taken === 1) await this.#options.begin(assignment)
      if (isReusable) this.#reuseCheck ??= new ReuseCheck(channel.loop, this.#options.environment)
      loadMs = monotonicMs() - startedAt
    })
    line.close()
    const ranMs = monotonicMs() - startedAt
    // A connection that exports would be a leftover of the job.
    if (isReusable) await flushTelemetry()
    const usage = measured ? this.#usage.end() : undefined
    const spent = isReusable && usage ? await this.#spent(assignment, outcome, line.isStopped, usage) : undefined
    const stays = isReusable && spent === undefined && this.#taken < jobsPerChild
    channel.send({
      type: 'outcome',
      outcome,
      ranMs,
      ...(loadMs === undefined ? {} : { loadMs }),
      ...(usage ? { usage } : {}),
      ...(stays ? { stays, isRead: channel.isOutputRead?.() } : {}),
      ...(spent === undefined ? {} : { spent }),
    })
    if (stays) return true
    this.#reuseCheck?.close()
    await flushTelemetry()
    return false
  }

  /** No other job has come for {@link REST_AFTER_MS}. */
  rest(): void {
    this.#shown = ''
    process.title = title('Waiting for a job')
  }

  /** Setting a title takes long for a short job: jobs of one class within a second have the same one. */
  #show(assignment: Assignment): void {
    const text = jobTitle(assignment)
    if (text === this.#shown) return
    this.#shown = text
    process.title = text
  }

  /** What the job did that keeps this process from another one. */
  async #spent(
    assignment: Assignment,
    outcome: Outcome,
    isStopped: boolean,
    { peakRssBytes }: JobUsage,
  ): Promise<string | undefined> {
    const { cpuLimitSeconds, openFilesLimit, niceness } = assignment
    if (outcome.kind === 'failed') return 'failed'
    if (isStopped) return 'was stopped'
    // None of these can be taken back by a process without privileges.
    if ([cpuLimitSeconds, openFilesLimit, niceness].some((limit) => limit !== undefined))
      return 'has limits that the kernel keeps'
    return this.#reuseCheck?.find(peakRssBytes)
  }
}

/** A job's line to its supervisor, which is closed when the job has ended: what it says later belongs to no job. */
class JobLine implements Channel {
  readonly loop: Channel['loop']
  isStopped = false
  readonly #channel: Channel
  #isOpen = true

  constructor(channel: Channel) {
    this.#channel = channel
    this.loop = channel.loop
  }

  send(message: ChildMessage): void {
    if (this.#isOpen) this.#channel.send(message)
  }

  onMessage(listener: (message: ParentMessage) => void): void {
    this.#channel.onMessage((message) => {
      this.isStopped ||= message.type === 'cancel'
      listener(message)
    })
  }

  close(): void {
    this.#isOpen = false
  }
}

/** Linux: a 5 sets the process's peak of resident memory back to what it is now (proc(5), since 4.0). */
const PEAK_FILE = '/proc/self/clear_refs'
/** A peak is set back where it is older than this, or has risen by more than that: doing so takes long for a short job. */
const PEAK_KEPT_MS = 50
const PEAK_RISE_KB = 1024

/** What each job of a process has used. */
class UsageMeter {
  #before = process.resourceUsage()
  #peak = { setAtMs: -Infinity, kb: 0 }

  /** @param isLater not the first job of the process, whose peak is also that of jobs before it */
  begin(isLater: boolean): void {
    this.#before = process.resourceUsage()
    if (isLater && process.platform === 'linux') this.#setPeakBack()
  }

  #setPeakBack(): void {
    const nowMs = monotonicMs()
    const { setAtMs, kb } = this.#peak
    if (nowMs - setAtMs < PEAK_KEPT_MS && this.#before.maxRSS - kb < PEAK_RISE_KB) return
    try {
      writeFileSync(PEAK_FILE, '5')
    } catch {
      // A kernel without it: the peak is that of the process.
    }
    this.#before = process.resourceUsage()
    this.#peak = { setAtMs: nowMs, kb: this.#before.maxRSS }
  }

  end(): JobUsage {
    const now = process.resourceUsage()
    return {
      cpuUserMs: (now.userCPUTime - this.#before.userCPUTime) / 1000,
      cpuSystemMs: (now.systemCPUTime - this.#before.systemCPUTime) / 1000,
      peakRssBytes: now.maxRSS * 1024,
    }
  }
}

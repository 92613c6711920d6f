import { startTimer, type Timer } from '../../core/clock.ts'
import { containerLimits, memoryKills } from '../../../config/machine.ts'
import type { Ending, LaunchedJob } from '../launchers/launcher.ts'
import type { HeapSnapshots } from './heap-snapshots.ts'
import { MemoryWatch } from './memory-watch.ts'
import type { ChildMessage, JobSettings, MemoryEvidence, ParentMessage } from '../../messages.ts'
import type { KillReason } from '../outcome/cause.ts'
import type { JobLocation } from '../../store/workers/stacks.ts'
import { Locator } from '../stack/locate.ts'

/** How long to wait for a job's answer where it is before SIGTERM. It is part of the grace. */
const LOCATE_MS = 500
/** The same for one that uses too much memory, and more with each moment. */
const LOCATE_GROWING_MS = 200

/** Its timeout begins with its process. */
const NOT_BEGUN: JobLocation = { at: 'unknown', reason: 'its process had not begun the job yet' }

/** What is known of a job's process when it has ended. */
export interface ProcessReport {
  /** Where it was when the worker stopped it, or when it reached its CPU limit. */
  where: JobLocation | undefined
  /** The highest sum over its processes that the memory watch saw; 0 without a limit. */
  peakSeenBytes: number
  /** What the memory watch saw; undefined without a limit. */
  memory: MemoryEvidence | undefined
  /** The container's memory limit, where the kernel ended the process for it. */
  containerBytes?: number
}

/** How many processes the kernel had ended for the container's memory when that was last looked at. */
let knownKills = memoryKills() ?? 0

/** The container's memory limit, if the kernel has ended a process for it since this was last asked. */
function limitReached(): number | undefined {
  const kills = memoryKills() ?? 0
  const hasRisen = kills > knownKills
  knownKills = kills
  return hasRisen ? containerLimits()?.memoryBytes : undefined
}

type SnapshotAnswer = Extract<ChildMessage, { type: 'snapshot' }>

/** The process of one job: its clock, its memory limit, and its end. */
export class JobProcess {
  readonly #jobId: string
  readonly #termTimeoutMs: number
  readonly #snapshots: HeapSnapshots
  readonly #timers: Timer[] = []
  #timeout: Timer | undefined
  readonly #locator = new Locator((message) => this.send(message))
  #launched: LaunchedJob | undefined
  #pid: number | undefined
  #killed: KillReason | undefined
  #where: JobLocation | undefined
  #watch: MemoryWatch | undefined
  /** Its heap snapshot, or why there is none; undefined where none was begun. */
  #snapshot: Promise<MemoryEvidence['snapshot']> | undefined
  #wantsSnapshot = false
  #onSnapshot: ((answer: SnapshotAnswer | undefined) => void) | undefined
  #isOver = false

  /** @param options `termTimeoutMs`: from TERM to KILL */
  constructor(jobId: string, options: { termTimeoutMs: number; snapshots: HeapSnapshots }) {
    this.#jobId = jobId
    this.#termTimeoutMs = options.termTimeoutMs
    this.#snapshots = options.snapshots
  }

  /** Known once it has begun; for some launchers from its start on. */
  get pid(): number | undefined {
    return this.#pid
  }

  /** Why the worker stopped it; undefined when it did not. */
  get killed(): KillReason | undefined {
    return this.#killed
  }

  /** This is the process from now on. If it was to be killed before, it is killed now. */
  launched(launched: LaunchedJob): void {
    this.#launched = launched
    this.#pid = launched.pid
    if (this.#killed) this.kill(this.#killed)
  }

  /** After the job's own process, the one of its onFailure hook: what ends the job from now on ends that. */
  followedBy(hook: LaunchedJob): void {
    this.#launched = hook
  }

  /** The job's code may run: its clock and its memory limit begin. Again in another process where the first ended before that. */
  started(pid: number, limits: JobSettings): void {
    this.#timeout?.stop()
    this.#watch?.stop()
    this.#pid = pid
    this.#locator.started(pid)
    const { timeoutMs, memoryLimitBytes } = limits
    if (timeoutMs !== undefined) this.#timeout = startTimer(() => this.kill('timeout'), timeoutMs)
    if (memoryLimitBytes === undefined) return
    this.#wantsSnapshot = limits.memoryReport === true
    const ask = (): void => this.send({ type: 'figures' })
    this.#watch = new MemoryWatch({ pid, limitBytes: memoryLimitBytes, ask, onOver: () => this.kill('memory') })
  }

  send(message: ParentMessage): void {
    this.#launched?.send(message)
  }

  hear(message: Extract<ChildMessage, { type: 'waiting' | 'stack' | 'figures' | 'snapshot' }>): void {
    if (message.type === 'figures') this.#watch?.heard(message.figures)
    else if (message.type === 'snapshot') this.#onSnapshot?.(message)
    else this.#locator.hear(message)
  }

  /** Where the job is, while it goes on running. Never rejects. */
  locate(deadlineMs: number): Promise<JobLocation> {
    return this.#locator.locate(deadlineMs)
  }

  /**
   * Ends the process: asks it where it is, then TERM, grace, KILL to its whole group; at once for a lost lease. The
   * first reason counts.
   * @param graceMs in place of the configured grace, all of that included
   */
  kill(reason: KillReason, graceMs = this.#termTimeoutMs): void {
    this.#killed ??= reason
    const launched = this.#launched
    if (!launched) return
    if (reason === 'memory') void this.#endGrowing(launched)
    else if (reason === 'lease lost' || graceMs <= 0) launched.kill('SIGKILL')
    else {
      void this.#remember(Math.min(LOCATE_MS, graceMs / 2)).then(() => {
        if (this.#isOver) return
        launched.send({ type: 'cancel', reason })
        launched.kill('SIGTERM')
      })
      this.#timers.push(startTimer(() => launched.kill('SIGKILL'), graceMs))
    }
  }

  /** It has ended. Of most jobs nothing more is to come, and the report is there at once. */
  ended({ signal }: Pick<Ending, 'signal'>): ProcessReport | Promise<ProcessReport> {
    this.stopTimers()
    this.#isOver = true
    this.#watch?.stop()
    this.#onSnapshot?.(undefined)
    const isKnown = this.#where?.at === 'idle' || (this.#where?.at === 'stack' && this.#where.frames.length > 0)
    const late = isKnown ? undefined : this.#locator.late()
    if (!late && !this.#snapshot) return this.#report(signal, this.#where, undefined)
    return Promise.all([late, this.#snapshot]).then(([where, snapshot]) =>
      this.#report(signal, where ?? this.#where, snapshot),
    )
  }

  #report(
    signal: Ending['signal'],
    where: JobLocation | undefined,
    snapshot: MemoryEvidence['snapshot'],
  ): ProcessReport {
    const memory = this.#watch?.evidence()
    const containerBytes = signal === 'SIGKILL' && !this.#killed ? limitReached() : undefined
    return {
      ...(containerBytes === undefined ? {} : { containerBytes }),
      where,
      peakSeenBytes: this.#watch?.peakBytes ?? 0,
      memory: memory && { ...memory, ...(snapshot ? { snapshot } : {}) },
    }
  }

  stopTimers(): void {
    this.#timeout?.stop()
    for (const timer of this.#timers.splice(0)) timer.stop()
  }

  /** Asks it where it is, has it write its heap snapshot where that is wanted, and kills it. */
  async #endGrowing(launched: LaunchedJob): Promise<void> {
    await this.#remember(LOCATE_GROWING_MS)
    if (this.#isOver) return
    if (this.#wantsSnapshot) await (this.#snapshot = this.#takeSnapshot())
    if (!this.#isOver) launched.kill('SIGKILL')
  }

  async #takeSnapshot(): Promise<MemoryEvidence['snapshot']> {
    if (!this.#watch?.isAnswered) return { reason: 'the event loop of the process did not run' }
    return this.#snapshots.take(this.#jobId, (message) => {
      if (this.#isOver) return Promise.resolve(undefined)
      this.send(message)
      return new Promise((resolve) => (this.#onSnapshot = resolve))
    })
  }

  async #remember(deadlineMs: number): Promise<void> {
    if (this.#locator.hasBegun) {
      const where = await this.#locator.locate(deadlineMs)
      this.#where ??= where
    } else if (this.#killed === 'timeout') this.#where = NOT_BEGUN
  }
}

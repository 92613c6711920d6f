import { startTimer, type Timer } from '../../core/timer.ts'
import type { Launched } from '../launchers/launcher.ts'
import { watchMemory } from './memory-watch.ts'
import type { ChildMessage, ParentMessage } from '../../wire.ts'
import type { KillReason } from '../outcome/verdict.ts'
import type { Where } from '../../store/workers/where.ts'
import { Locator } from '../where/locate.ts'

/** How long to wait for a job's answer where it is before SIGTERM. It is part of the grace. */
const LOCATE_MS = 500
/** The same for one that uses too much memory, and more with each moment. */
const LOCATE_GROWING_MS = 200

/** What is known of a job's process when it has ended. */
export interface Watched {
  /** Where it was when the worker stopped it, or when it reached its CPU limit. */
  where: Where | undefined
  /** The highest sum over its processes that the memory watch saw; 0 without a limit. */
  peakSeenBytes: number
}

/** The process of one job: its clock, its memory limit, and its end. */
export class JobProcess {
  readonly #termTimeoutMs: number
  readonly #timers: Timer[] = []
  readonly #locator = new Locator((message) => this.send(message))
  #launched: Launched | undefined
  #pid: number | undefined
  #killed: KillReason | undefined
  #where: Where | undefined
  #stopWatch: (() => number) | undefined
  #isOver = false

  /** @param termTimeoutMs from TERM to KILL */
  constructor(termTimeoutMs: number) {
    this.#termTimeoutMs = termTimeoutMs
  }

  /** Known once it has begun; for some launchers from its start on. */
  get pid(): number | undefined {
    return this.#pid
  }

  /** Why the worker stopped it; undefined when it did not. */
  get killed(): KillReason | undefined {
    return this.#killed
  }

  /** This is the process from now on. Whoever has asked for its end before gets it now. */
  launched(launched: Launched): void {
    this.#launched = launched
    this.#pid = launched.pid
    if (this.#killed) this.kill(this.#killed)
  }

  /** After the job's own process, the one of its onFailure hook: whoever ends the job from now on ends that. */
  followedBy(hook: Launched): void {
    this.#launched = hook
  }

  /** The job's code may run: its clock and its memory limit begin. */
  started(pid: number, limits: { timeoutMs?: number; memoryLimitBytes?: number }): void {
    this.#pid = pid
    this.#locator.started(pid)
    const { timeoutMs, memoryLimitBytes } = limits
    if (timeoutMs !== undefined) this.#timers.push(startTimer(() => this.kill('timeout'), timeoutMs))
    if (memoryLimitBytes !== undefined) this.#stopWatch = watchMemory(pid, memoryLimitBytes, () => this.kill('memory'))
  }

  send(message: ParentMessage): void {
    this.#launched?.send(message)
  }

  hear(message: Extract<ChildMessage, { type: 'waiting' | 'stack' }>): void {
    this.#locator.hear(message)
  }

  /** Where the job is, while it goes on running. Never rejects. */
  locate(deadlineMs: number): Promise<Where> {
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
    if (reason === 'memory') void this.#remember(LOCATE_GROWING_MS).then(() => this.#isOver || launched.kill('SIGKILL'))
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

  /** It has ended. */
  async ended(): Promise<Watched> {
    this.stopTimers()
    this.#isOver = true
    const isKnown = this.#where?.at === 'idle' || (this.#where?.at === 'stack' && this.#where.frames.length > 0)
    const where = isKnown ? this.#where : ((await this.#locator.late()) ?? this.#where)
    return { where, peakSeenBytes: this.#stopWatch?.() ?? 0 }
  }

  stopTimers(): void {
    for (const timer of this.#timers.splice(0)) timer.stop()
  }

  async #remember(deadlineMs: number): Promise<void> {
    if (!this.#locator.hasBegun) return
    const where = await this.#locator.locate(deadlineMs)
    this.#where ??= where
  }
}

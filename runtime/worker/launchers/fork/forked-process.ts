import { constants } from 'node:os'
import type { Logger } from '../../../core/logger.ts'
import { afterTicks } from '../../../core/clock.ts'
import type { Assignment, ChildMessage, JobUsage, ParentMessage } from '../../../messages.ts'
import { endingFields, notReusedText, type Ending } from '../launcher.ts'
import type { Exited } from './zygote/wire/report-format.ts'
import { ForkedJob, type JobListeners } from './forked-job.ts'
import type { JobConnection, ConnectionPair, ConnectedProcess } from './connection-pair.ts'
import { signal as sendSignal } from '../../lease/dead-processes.ts'

/** After the process has ended: how long to wait for its connection pair, which may still be on its way through this event loop. */
const UNHEARD_LINGER_MS = 50
/** By then the event loop has read what had arrived before, however long it was blocked: connection, hello, messages. */
const TICKS_TO_HEAR_ALL = 5
/** The event loop has waited for descriptors once more when a second `setImmediate` comes. */
const TICKS_TO_READ = 2

/** What one forked process needs. */
export interface ForkedProcessOptions {
  /** The supervisor's number for it. */
  launch: number
  pair: ConnectionPair
  /** From the fork, or from the assignment where that comes later, to its first word. */
  startedTimeoutMs: number
  /** Has the zygote kill it: only the zygote knows the pid before its first message. */
  killUnheard: () => void
  /** Has the zygote report what this process, which has ended, left unread. */
  askUnread: () => void
  /** It has ended its job and waits for another. */
  onIdle: (process: ForkedProcess) => void
  log: Logger
}

/** Names of signals by number; where one number has several (SIGABRT, SIGIOT), the first is the usual one. */
const signalNames = new Map(
  Object.entries(constants.signals)
    .reverse()
    .map(([name, number]) => [number, name as NodeJS.Signals]),
)

/** For a process that died with its zygote, so that no parent waited for it. */
const UNWATCHED_END: Omit<Exited, 'pid'> = {
  exitCode: null,
  signal: constants.signals.SIGKILL,
  cpuUserMs: NaN,
  cpuSystemMs: NaN,
  peakRssBytes: NaN,
  alone: false,
}

/**
 * One forked process as the supervisor sees it: its words and its output from its connection pair, its end from the zygote. It runs
 * one job at a time, one by default.
 */
export class ForkedProcess implements ConnectedProcess {
  readonly launch: number
  /** Resolves when it has ended, and all that it said was read. */
  readonly gone: Promise<void>
  /** Known from its first word, else from its end. */
  pid: number | undefined
  #resolve: () => void = () => undefined
  #settled = false
  /** The job that it runs, or ran last. */
  #job: ForkedJob | undefined
  /** By the jobs before that one. */
  #used: Pick<JobUsage, 'cpuUserMs' | 'cpuSystemMs'> = { cpuUserMs: 0, cpuSystemMs: 0 }
  #className = ''
  #exited: Omit<Exited, 'pid'> | undefined
  #pendingSignal: NodeJS.Signals | undefined
  #deadline: NodeJS.Timeout | undefined
  #linger: NodeJS.Timeout | undefined
  #unread = false
  /** Of messages behind the assignment. */
  #sentBytes = 0
  #isAsking = false
  #lostParent: string | undefined
  readonly #options: ForkedProcessOptions

  constructor(options: ForkedProcessOptions) {
    this.#options = options
    this.launch = options.launch
    this.gone = new Promise((resolve) => (this.#resolve = resolve))
    options.pair.serve(this)
  }

  /** What this process is to do, sent over its connection pair. */
  assign(assignment: Assignment, listeners: JobListeners): ForkedJob {
    const job = this.#job === undefined ? this.expect(assignment, listeners) : this.#follow(assignment, listeners)
    this.send({ type: 'assignment', assignment })
    this.#sentBytes = 0
    return job
  }

  /** The same where the zygote has reported it. */
  expect(assignment: Assignment, listeners: JobListeners): ForkedJob {
    this.#className = assignment.className
    this.#job = new ForkedJob(this, listeners, true)
    this.#deadline = setTimeout(() => this.#expire(), this.#options.startedTimeoutMs)
    return this.#job
  }

  /** The process waits for it, and does not say that it has begun it: see {@link unread} for one that dies meanwhile. */
  #follow(assignment: Assignment, listeners: JobListeners): ForkedJob {
    const { pid } = this
    this.#className = assignment.className
    const job = (this.#job = new ForkedJob(this, listeners, false))
    if (!this.#exited && pid !== undefined) queueMicrotask(() => job.hear({ type: 'started', pid }))
    return job
  }

  attach(connection: JobConnection): void {
    this.#options.pair.attach(connection)
  }

  /** The zygote has died, and the process with it. @param how that one ended */
  lost(how: string): void {
    if (!this.#exited || this.#isAsking) this.#lostParent = how
    if (this.#isAsking) this.unread(0)
    else this.exited(undefined)
  }

  /** The kernel's report of its end, from the zygote; undefined where there is none. */
  exited(exited: Exited | undefined): void {
    if (this.#exited) return
    clearTimeout(this.#deadline)
    this.pid ??= exited?.pid
    this.#exited = exited ?? UNWATCHED_END
    const job = this.#job
    if (exited && job?.started && !job.isFirst && !job.outcome) {
      this.#isAsking = true
      this.#options.askUnread()
    } else this.#settleSoon()
  }

  /** The zygote's answer: a process that has not read its assignment has not begun that job. */
  unread(bytes: number): void {
    if (!this.#isAsking) return
    this.#isAsking = false
    if (this.#job && bytes > this.#sentBytes) this.#job.started = false
    this.#settleSoon()
  }

  #settleSoon(): void {
    if (this.#options.pair.isOpen) this.#settleWhenRead()
    else this.#linger = setTimeout(() => afterTicks(TICKS_TO_HEAR_ALL, () => this.#settle()), UNHEARD_LINGER_MS)
  }

  /** Nothing of it was forked. */
  failed(): void {
    this.exited(undefined)
  }

  kill(name: NodeJS.Signals): void {
    if (this.#exited) return
    if (this.pid !== undefined) {
      if (!sendSignal(name === 'SIGTERM' ? this.pid : -this.pid, name)) sendSignal(this.pid, name)
    } else if (name === 'SIGKILL') this.#options.killUnheard()
    else this.#pendingSignal = name
  }

  send(message: ParentMessage): void {
    if (this.#exited) return
    this.#sentBytes += this.#options.pair.send(message)
    if (message.type !== 'assignment') this.#tellToRead()
  }

  hear(message: ChildMessage): void {
    if (message.type === 'started') this.#start(message.pid)
    this.#job?.hear(message)
    if (message.type !== 'outcome') return
    if (message.spent !== undefined) this.#options.log.debug(notReusedText(this.#className, this.pid, message.spent))
    if (!message.stays) return
    if (this.#job?.isStopped) this.kill('SIGKILL')
    else if (message.isRead) this.#rest()
    // What the job printed lies in the kernel's buffers.
    else afterTicks(TICKS_TO_READ, () => this.#rest())
  }

  print(chunk: Buffer): void {
    this.#job?.print(chunk)
  }

  connected(): void {
    if (this.#exited) this.#settleWhenRead()
  }

  /** Its job has ended, and it waits for another one. */
  #rest(): void {
    const job = this.#job
    if (this.#exited || !job?.outcome) return
    const { usage } = job.outcome
    this.#used.cpuUserMs += usage?.cpuUserMs ?? 0
    this.#used.cpuSystemMs += usage?.cpuSystemMs ?? 0
    if (job.isStopped) return this.kill('SIGKILL')
    job.end({ pid: this.pid, exitCode: 0, signal: null, ...endingFields(job.outcome) })
    this.#options.onIdle(this)
  }

  /** Where this event loop was blocked, the first message may still be in the kernel while the job runs. */
  #expire(): void {
    afterTicks(TICKS_TO_HEAR_ALL, () => {
      if (this.#job?.started === false) this.kill('SIGKILL')
    })
  }

  #start(pid: number): void {
    this.pid = pid
    clearTimeout(this.#deadline)
    if (this.#pendingSignal) this.kill(this.#pendingSignal)
    this.#pendingSignal = undefined
    if (this.#unread) this.#tellToRead()
  }

  /** It reads when it gets a signal: see JobChannel. */
  #tellToRead(): void {
    this.#unread = this.pid === undefined || !sendSignal(this.pid, 'SIGURG')
  }

  /** What it said last lies in the kernel's buffers. */
  #settleWhenRead(): void {
    afterTicks(TICKS_TO_READ, () => this.#settle())
  }

  #settle(): void {
    if (this.#settled || !this.#exited) return
    this.#settled = true
    clearTimeout(this.#linger)
    const { signal, alone } = this.#exited
    const job = this.#job
    job?.end(this.#ending(this.#exited, job.outcome))
    this.#options.pair.release(job?.outcome !== undefined && signal === null && alone)
    this.#resolve()
  }

  #ending(exited: Omit<Exited, 'pid'>, outcome: ForkedJob['outcome']): Omit<Ending, 'started' | 'output'> {
    const { exitCode, signal, cpuUserMs, cpuSystemMs, peakRssBytes } = exited
    const { cpuUserMs: user, cpuSystemMs: system } = this.#used
    return {
      pid: this.pid,
      exitCode,
      signal: signal === null ? null : (signalNames.get(signal) ?? 'SIGKILL'),
      ...(this.#lostParent === undefined ? {} : { lostParent: this.#lostParent }),
      ...(Number.isNaN(cpuUserMs)
        ? {}
        : { cpuUserMs: cpuUserMs - user, cpuSystemMs: cpuSystemMs - system, peakRssBytes }),
      ...(outcome ? endingFields(outcome) : {}),
    }
  }
}

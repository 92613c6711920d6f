import { constants } from 'node:os'
import { StringDecoder } from 'node:string_decoder'
import type { Assignment, ChildMessage, ParentMessage } from '../../../wire.ts'
import { reported, type Ending } from '../launcher.ts'
import { OutputTail } from '../output-tail.ts'
import type { Exited } from './zygote/wire/report-format.ts'
import { StackReader } from '../../where/stack-format.ts'
import type { JobConnection } from './job-sockets.ts'
import type { Line, LineUser } from './line.ts'
import { signal as sendSignal } from '../../lease/dead-processes.ts'

/** After the process has ended: how long to wait for its line, which may still be on its way through this event loop. */
const UNHEARD_LINGER_MS = 50
/** By then the event loop has read what had arrived before, however long it was blocked: connection, hello, messages. */
const TURNS_TO_HEAR_ALL = 5
/** The event loop has waited for descriptors once more when a second `setImmediate` comes. */
const TURNS_TO_READ = 2

/** Where a forked job's words go. */
export interface RunListeners {
  onMessage: (message: ChildMessage) => void
  onOutput: (chunk: Buffer) => void
}

/** What one forked process needs. */
export interface ForkedRunOptions {
  /** The supervisor's number for it. */
  launch: number
  line: Line
  /** From the fork, or from the assignment where that comes later, to its first word. */
  startedTimeoutMs: number
  /** Has the zygote kill it: only the zygote knows the pid before its first message. */
  killUnheard: () => void
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
 * One forked process as the supervisor sees it: its words and its output from its line, its end from the zygote.
 * Settled when all of that is over.
 */
export class ForkedRun implements LineUser {
  readonly launch: number
  readonly ended: Promise<Ending>
  /** Known from its first word, else from its end. */
  pid: number | undefined
  #resolve: (ending: Ending) => void = () => undefined
  #settled = false
  #started = false
  #outcome: Extract<ChildMessage, { type: 'outcome' }> | undefined
  #exited: Omit<Exited, 'pid'> | undefined
  #pendingSignal: NodeJS.Signals | undefined
  #deadline: NodeJS.Timeout | undefined
  #linger: NodeJS.Timeout | undefined
  #unread = false
  #lostParent: string | undefined
  #listeners: RunListeners = { onMessage: () => undefined, onOutput: () => undefined }
  readonly #tail = new OutputTail()
  readonly #decoder = new StringDecoder('utf8')
  readonly #stacks = new StackReader((frames, more) => this.#listeners.onMessage({ type: 'stack', frames, more }))
  readonly #options: ForkedRunOptions

  constructor(options: ForkedRunOptions) {
    this.#options = options
    this.launch = options.launch
    this.ended = new Promise((resolve) => (this.#resolve = resolve))
    options.line.serve(this)
  }

  /** What this process is to do, sent over its line. */
  assign(assignment: Assignment, listeners: RunListeners): void {
    this.expect(listeners)
    this.send({ type: 'assignment', assignment })
  }

  /** The same where the zygote has reported it. */
  expect(listeners: RunListeners): void {
    this.#listeners = listeners
    this.#deadline = setTimeout(() => this.#expire(), this.#options.startedTimeoutMs)
  }

  attach(connection: JobConnection): void {
    this.#options.line.attach(connection)
  }

  /** The zygote has died, and the process with it. @param how that one ended */
  lost(how: string): void {
    if (!this.#exited) this.#lostParent = how
    this.exited(undefined)
  }

  /** The kernel's report of its end, from the zygote; undefined where there is none. */
  exited(exited: Exited | undefined): void {
    if (this.#exited) return
    clearTimeout(this.#deadline)
    this.pid ??= exited?.pid
    this.#exited = exited ?? UNWATCHED_END
    if (this.#options.line.isOpen) this.#settleWhenRead()
    else this.#linger = setTimeout(() => afterTurns(TURNS_TO_HEAR_ALL, () => this.#settle()), UNHEARD_LINGER_MS)
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
    this.#options.line.send(message)
    if (message.type !== 'assignment') this.#tellToRead()
  }

  hear(message: ChildMessage): void {
    if (message.type === 'outcome') {
      this.#outcome = message
      return
    }
    if (message.type === 'started') this.#start(message.pid)
    this.#listeners.onMessage(message)
  }

  print(chunk: Buffer): void {
    this.#show(this.#stacks.push(chunk))
  }

  #show(output: Buffer): void {
    if (output.length === 0) return
    this.#tail.add(this.#decoder.write(output))
    this.#listeners.onOutput(output)
  }

  connected(): void {
    if (this.#exited) this.#settleWhenRead()
  }

  /** Where this event loop was blocked, the first message may still be in the kernel while the job runs. */
  #expire(): void {
    afterTurns(TURNS_TO_HEAR_ALL, () => {
      if (!this.#started) this.kill('SIGKILL')
    })
  }

  #start(pid: number): void {
    this.#started = true
    this.pid = pid
    clearTimeout(this.#deadline)
    if (this.#pendingSignal) this.kill(this.#pendingSignal)
    if (this.#unread) this.#tellToRead()
  }

  /** It reads when it gets a signal: see JobChannel. */
  #tellToRead(): void {
    this.#unread = this.pid === undefined || !sendSignal(this.pid, 'SIGURG')
  }

  /** What it said last lies in the kernel's buffers. */
  #settleWhenRead(): void {
    afterTurns(TURNS_TO_READ, () => this.#settle())
  }

  #settle(): void {
    if (this.#settled || !this.#exited) return
    this.#settled = true
    clearTimeout(this.#linger)
    this.#show(this.#stacks.close())
    const { exitCode, signal, cpuUserMs, cpuSystemMs, peakRssBytes, alone } = this.#exited
    this.#options.line.release(this.#outcome !== undefined && signal === null && alone)
    this.#resolve({
      pid: this.pid,
      exitCode,
      signal: signal === null ? null : (signalNames.get(signal) ?? 'SIGKILL'),
      ...(this.#outcome ? reported(this.#outcome) : {}),
      started: this.#started,
      ...(this.#lostParent === undefined ? {} : { lostParent: this.#lostParent }),
      ...(Number.isNaN(cpuUserMs) ? {} : { cpuUserMs, cpuSystemMs, peakRssBytes }),
      output: this.#tail.lines(),
    })
  }
}

/** Acts when the event loop has come round so many times. */
function afterTurns(turns: number, act: () => void): void {
  setImmediate(() => (turns > 1 ? afterTurns(turns - 1, act) : act()))
}

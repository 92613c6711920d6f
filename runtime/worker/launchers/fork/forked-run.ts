import type { Socket } from 'node:net'
import { constants } from 'node:os'
import { StringDecoder } from 'node:string_decoder'
import type { Assignment, ChildMessage, Outcome, ParentMessage } from '../../protocol.ts'
import type { Ending } from '../launcher.ts'
import { OutputTail } from '../output-tail.ts'
import { FrameReader, encodeFrame } from '../zygote/frames.ts'
import type { Exited } from '../zygote/messages.ts'
import type { JobConnection } from './job-sockets.ts'
import { signal as sendSignal } from './marks.ts'

/** After the process has ended: how long to wait for the end of its sockets, which a process of its own may hold. */
const LINGER_MS = 250
/** The same for a process that was never heard of: its connection may still be on its way through this event loop. */
const UNHEARD_LINGER_MS = 50

/** Where a forked job's words go. */
export interface RunListeners {
  onMessage: (message: ChildMessage) => void
  onOutput: (chunk: Buffer) => void
}

/** Names of signals by number; where one number has several (SIGABRT, SIGIOT), the first is the usual one. */
const signalNames = new Map(
  Object.entries(constants.signals)
    .reverse()
    .map(([name, number]) => [number, name as NodeJS.Signals]),
)

/**
 * One forked process as the supervisor sees it: its pid from the zygote, its messages and its output from two sockets,
 * its end from the zygote. Settled when all of that is over.
 */
export class ForkedRun {
  readonly launch: number
  readonly ended: Promise<Ending>
  pid: number | undefined
  /** What it is to do; undefined for a process that was forked ahead and waits. */
  assignment: Assignment | undefined
  #resolve: (ending: Ending) => void = () => undefined
  #settled = false
  #started = false
  #outcome: Outcome | undefined
  #exited: Omit<Exited, 'type' | 'launch'> | undefined
  #messages: Socket | undefined
  #output: Socket | undefined
  #waiting: ParentMessage[] = []
  #pendingSignal: NodeJS.Signals | undefined
  #deadline: NodeJS.Timeout | undefined
  #linger: NodeJS.Timeout | undefined
  #nudged = true
  #listeners: RunListeners = { onMessage: () => undefined, onOutput: () => undefined }
  readonly #tail = new OutputTail()
  readonly #startedTimeoutMs: number

  /** @param startedTimeoutMs from the fork, or from the assignment where that comes later, to its first word */
  constructor(launch: number, startedTimeoutMs: number) {
    this.launch = launch
    this.#startedTimeoutMs = startedTimeoutMs
    this.ended = new Promise((resolve) => (this.#resolve = resolve))
  }

  assign(assignment: Assignment, listeners: RunListeners): void {
    this.assignment = assignment
    this.#listeners = listeners
    this.#watchStart()
  }

  /** The same for a process that waits already, and is told over its socket. */
  assignToWaiting(assignment: Assignment, listeners: RunListeners): void {
    this.assign(assignment, listeners)
    this.send({ type: 'assignment', assignment })
  }

  /** The zygote has forked it. */
  forked(pid: number): void {
    this.pid = pid
    if (this.#pendingSignal) this.kill(this.#pendingSignal)
    if (!this.#nudged) this.#nudge()
    this.#watchStart()
  }

  connected({ kind, socket, first }: JobConnection): void {
    if (kind === 'output') this.#readOutput(socket, first)
    else this.#readMessages(socket, first)
  }

  /** The kernel's word of its end, from the zygote; undefined when the zygote has died, and the process with it. */
  exited(exited: Omit<Exited, 'type' | 'launch'> | undefined): void {
    clearTimeout(this.#deadline)
    this.#exited ??= exited ?? {
      exitCode: null,
      signal: constants.signals.SIGKILL,
      cpuUserMs: NaN,
      cpuSystemMs: NaN,
      peakRssBytes: NaN,
    }
    if (this.#isOver()) return this.#settle()
    this.#linger ??= setTimeout(() => this.#settle(), this.#messages ? LINGER_MS : UNHEARD_LINGER_MS)
  }

  kill(name: NodeJS.Signals): void {
    if (this.#exited) return
    if (this.pid === undefined) this.#pendingSignal = name
    else if (!sendSignal(name === 'SIGTERM' ? this.pid : -this.pid, name)) sendSignal(this.pid, name)
  }

  send(message: ParentMessage): void {
    if (!this.#messages) {
      this.#waiting.push(message)
      return
    }
    if (this.#exited) return
    this.#messages.write(encodeFrame(message))
    if (message.type !== 'assignment') this.#nudge()
  }

  /** It reads when it is told to: see JobChannel. */
  #nudge(): void {
    this.#nudged = this.pid !== undefined && sendSignal(this.pid, 'SIGURG')
  }

  /** It is killed when it says nothing in time: its job can then be run elsewhere. */
  #watchStart(): void {
    if (this.#started || this.#exited || this.#deadline || !this.assignment || this.pid === undefined) return
    this.#deadline = setTimeout(() => this.kill('SIGKILL'), this.#startedTimeoutMs)
  }

  #readOutput(socket: Socket, first: Buffer): void {
    this.#output = socket
    const decoder = new StringDecoder('utf8')
    const take = (chunk: Buffer): void => {
      this.#tail.add(decoder.write(chunk))
      this.#listeners.onOutput(chunk)
    }
    if (first.length > 0) take(first)
    socket.on('data', take)
    socket.once('close', () => this.#settleIfOver())
  }

  #readMessages(socket: Socket, first: Buffer): void {
    this.#messages = socket
    const reader = new FrameReader()
    const take = (chunk: Buffer): void => {
      for (const message of reader.push(chunk)) this.#hear(message as ChildMessage)
    }
    if (first.length > 0) take(first)
    socket.on('data', take)
    socket.once('close', () => this.#settleIfOver())
    for (const message of this.#waiting.splice(0)) this.send(message)
  }

  #hear(message: ChildMessage): void {
    if (message.type === 'outcome') {
      this.#outcome = message.outcome
      return
    }
    if (message.type === 'started') {
      this.#started = true
      this.pid ??= message.pid
      clearTimeout(this.#deadline)
    }
    this.#listeners.onMessage(message)
  }

  #isOver(): boolean {
    return this.#exited !== undefined && this.#messages?.closed === true && this.#output?.closed === true
  }

  #settleIfOver(): void {
    if (this.#isOver()) this.#settle()
  }

  #settle(): void {
    if (this.#settled || !this.#exited) return
    this.#settled = true
    clearTimeout(this.#linger)
    this.#messages?.destroy()
    this.#output?.destroy()
    const { exitCode, signal, cpuUserMs, cpuSystemMs, peakRssBytes } = this.#exited
    this.#resolve({
      pid: this.pid,
      exitCode,
      signal: signal === null ? null : (signalNames.get(signal) ?? 'SIGKILL'),
      ...(this.#outcome ? { outcome: this.#outcome } : {}),
      started: this.#started,
      ...(Number.isNaN(cpuUserMs) ? {} : { cpuUserMs, cpuSystemMs, peakRssBytes }),
      output: this.#tail.lines(),
    })
  }
}

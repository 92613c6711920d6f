import { StringDecoder } from 'node:string_decoder'
import type { ChildMessage, ParentMessage } from '../../../messages.ts'
import { StackReader } from '../../stack/stack-format.ts'
import type { Ending, LaunchedJob } from '../launcher.ts'
import { OutputTail } from '../output-tail.ts'
import type { ForkedProcess } from './forked-process.ts'

/** Where a forked job's words go. */
export interface JobListeners {
  onMessage: (message: ChildMessage) => void
  onOutput: (chunk: Buffer) => void
}

/** One job in a forked process, as the supervisor sees it. */
export class ForkedJob implements LaunchedJob {
  readonly ended: Promise<Ending>
  /** False where the process has run other jobs before. */
  readonly isFirst: boolean
  started = false
  outcome: Extract<ChildMessage, { type: 'outcome' }> | undefined
  /** The supervisor stopped it: its process is not used again. */
  isStopped = false
  #isOver = false
  #resolve: (ending: Ending) => void = () => undefined
  readonly #process: ForkedProcess
  readonly #listeners: JobListeners
  /** Made when it first prints: most short jobs never do. */
  #printed: Printed | undefined

  constructor(process: ForkedProcess, listeners: JobListeners, isFirst: boolean) {
    this.#process = process
    this.#listeners = listeners
    this.isFirst = isFirst
    this.ended = new Promise((resolve) => (this.#resolve = resolve))
  }

  get pid(): number | undefined {
    return this.#process.pid
  }

  kill(signal: 'SIGTERM' | 'SIGKILL'): void {
    if (this.#isOver) return
    this.isStopped = true
    this.#process.kill(signal)
  }

  send(message: ParentMessage): void {
    if (this.#isOver) return
    if (message.type === 'cancel') this.isStopped = true
    this.#process.send(message)
  }

  hear(message: ChildMessage): void {
    if (message.type === 'outcome') this.outcome = message
    else {
      if (message.type === 'started') this.started = true
      this.#listeners.onMessage(message)
    }
  }

  print(chunk: Buffer): void {
    this.#printed ??= new Printed(this.#listeners)
    this.#printed.add(chunk)
  }

  /** The last that is heard of it. @param how its process ended, or that it waits for another job */
  end(how: Omit<Ending, 'started' | 'output'>): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#resolve({ ...how, started: this.started, output: this.#printed?.close() ?? [] })
  }
}

/** What a job prints, with the stacks in it. */
class Printed {
  readonly #tail = new OutputTail()
  readonly #decoder = new StringDecoder('utf8')
  readonly #stacks: StackReader
  readonly #onOutput: JobListeners['onOutput']

  constructor({ onMessage, onOutput }: JobListeners) {
    this.#onOutput = onOutput
    this.#stacks = new StackReader((frames, more) => onMessage({ type: 'stack', frames, more }))
  }

  add(chunk: Buffer): void {
    this.#show(this.#stacks.push(chunk))
  }

  /** The last lines. */
  close(): string[] {
    this.#show(this.#stacks.close())
    return this.#tail.lines()
  }

  #show(output: Buffer): void {
    if (output.length === 0) return
    this.#tail.add(this.#decoder.write(output))
    this.#onOutput(output)
  }
}

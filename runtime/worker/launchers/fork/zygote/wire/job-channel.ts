import type { Assignment, ChildMessage, ParentMessage } from '../../../../../messages.ts'
import { describeMemory } from '../../../../child/memory-figures.ts'
import { type Channel, JobEventLoop } from '../../../../child/event-loop.ts'
import { FrameEncoder, FrameReader } from './frames.ts'
import { unreadThere } from './connection-pairs.ts'
import { EINTR, POLLIN, errno, poll, read, writeAll } from '../core/libc.ts'
import { OpenResources } from '../../../../stack/waiting-for.ts'

const READ_BYTES = 64 * 1024

/** Tells a job process that its supervisor has written to it. Ignored by default, so nothing else minds it. */
export const READ_SIGNAL = 'SIGURG'

/**
 * A job's messages, over the connection pair that it took over after the fork. Writing blocks until the kernel has
 * taken all of it, so that nothing is lost when the process leaves right after. It is read when a {@link READ_SIGNAL} says
 * that there is something to read: most jobs are never written to, and watching the socket would cost each of them.
 */
export class JobChannel implements Channel {
  readonly loop: JobEventLoop
  #fd = -1
  #listener: ((message: ParentMessage) => void) | undefined
  readonly #reader = new FrameReader()
  readonly #encoder = new FrameEncoder()
  /** Made once, in the zygote: a child that asks malloc for as much walks through all that was ever freed. */
  readonly #bytes = Buffer.alloc(READ_BYTES)
  readonly #pollSet = new Int32Array(2)
  readonly #early: ParentMessage[] = []
  /** How many assignments were received. */
  #jobs = 0
  #resources: OpenResources | undefined

  /**
   * In the zygote: children inherit the signal handlers, ready to work.
   * @param keepAlive a timer that keeps the event loop from being empty
   */
  constructor(keepAlive: NodeJS.Timeout) {
    this.loop = new JobEventLoop((on) => void (on ? keepAlive.ref() : keepAlive.unref()))
    process.on(READ_SIGNAL, () => this.#read())
    // A polite end: the job's signal aborts, and what it does then is its own affair until the KILL.
    process.on('SIGTERM', () => this.#deliver({ type: 'cancel', reason: 'stop requested' }))
  }

  /** In the zygote, at the very end: what is open by then belongs to no job. */
  watchResources(): void {
    this.#resources = new OpenResources()
  }

  /** In the child: the connected socket. Who listened before, in the warm-up, hears no more. */
  open(fd: number): void {
    this.#fd = fd
    this.#listener = undefined
  }

  /**
   * Waits, without the event loop, for what this process is to do; undefined when the supervisor has gone. What was sent
   * before the assignment was for the job before, and is dropped.
   */
  receiveAssignment(): Assignment | undefined {
    this.#listener = undefined
    this.#early.length = 0
    this.#jobs += 1
    for (;;) {
      const messages = this.#readOnce()
      if (!messages) return undefined
      const at = messages.findIndex((message) => message.type === 'assignment')
      const told = messages[at]
      if (told?.type !== 'assignment') continue
      for (const message of messages.slice(at + 1)) this.#deliver(message)
      return told.assignment
    }
  }

  send(message: ChildMessage): void {
    writeAll(this.#fd, this.#encoder.encode(message))
  }

  /** Standard output and error are one socket. */
  isOutputRead(): boolean {
    return unreadThere(1) === 0
  }

  onMessage(listener: (message: ParentMessage) => void): void {
    this.#listener = listener
    for (const message of this.#early.splice(0)) listener(message)
  }

  #deliver(message: ParentMessage): void {
    if (message.type === 'where') void this.#answerWhere(message.withinMs)
    else if (message.type === 'figures' || message.type === 'snapshot') this.send(describeMemory(message))
    else if (this.#listener) this.#listener(message)
    else this.#early.push(message)
  }

  async #answerWhere(withinMs: number): Promise<void> {
    const job = this.#jobs
    const found = await this.#resources?.look(withinMs)
    if (found && job === this.#jobs) this.send({ type: 'waiting', ...found })
  }

  /** Waits for something to read, without the event loop. False after so many ms. */
  isReadable(withinMs: number): boolean {
    this.#pollSet.set([this.#fd, POLLIN])
    return poll(this.#pollSet, 1, withinMs) === 1
  }

  #read(): void {
    while (this.#fd >= 0 && this.isReadable(0)) {
      const messages = this.#readOnce()
      if (!messages) return
      for (const message of messages) this.#deliver(message)
    }
  }

  /** Undefined at the end of the stream. */
  #readOnce(): ParentMessage[] | undefined {
    const count = read(this.#fd, this.#bytes, READ_BYTES)
    if (count < 0 && errno() === EINTR) return []
    return count > 0 ? (this.#reader.pushOwn(this.#bytes, count) as ParentMessage[]) : undefined
  }
}

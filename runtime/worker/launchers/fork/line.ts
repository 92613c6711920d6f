import type { Socket } from 'node:net'
import type { ChildMessage, ParentMessage } from '../../../wire.ts'
import { FrameReader, encodeFrame } from './zygote/wire/frames.ts'
import type { JobConnection } from './job-sockets.ts'

/** The process at the other end of a line. */
export interface LineUser {
  hear: (message: ChildMessage) => void
  print: (chunk: Buffer) => void
  /** Both connections are there. */
  connected: () => void
}

/**
 * A line to one job process at a time: messages and output, two connections that the zygote has made and the process
 * took over. The next process takes it over in turn, when nothing of this one can be left on it.
 */
export class Line {
  /** The zygote's number for it. */
  readonly number: number
  #user: LineUser | undefined
  #messages: Socket | undefined
  #output: Socket | undefined
  #reader = new FrameReader()
  #unsent: ParentMessage[] = []
  /** Something beside assignments: the process may not have read it. */
  #hasSentMore = false
  /** One of the connections has ended: the process, or what it had started, did that. */
  #isBroken = false

  constructor(number: number) {
    this.number = number
  }

  /** Whether both connections are there. */
  get isOpen(): boolean {
    return this.#messages !== undefined && this.#output !== undefined
  }

  /** From now on it belongs to this process. */
  serve(user: LineUser): void {
    if (this.#isBroken) this.close()
    this.#user = user
    this.#hasSentMore = false
  }

  attach({ kind, socket, first }: JobConnection): void {
    const take = kind === 'output' ? this.#takeOutput : this.#takeMessages
    if (kind === 'output') this.#output = socket
    else this.#messages = socket
    socket.on('data', take)
    socket.once('close', () => (this.#isBroken ||= socket === this.#messages || socket === this.#output))
    if (first.length > 0) take(first)
    if (!this.isOpen) return
    for (const message of this.#unsent.splice(0)) this.#write(message)
    this.#user?.connected()
  }

  send(message: ParentMessage): void {
    this.#hasSentMore ||= message.type !== 'assignment'
    if (this.isOpen) this.#write(message)
    else this.#unsent.push(message)
  }

  /**
   * The process has ended. The line stays open where nothing can be left on it: the process said all that it had to and
   * left no process behind (`isClean`), and got nothing but assignments, which it must have read before.
   */
  release(isClean: boolean): void {
    this.#user = undefined
    if (!isClean || this.#hasSentMore || !this.#reader.isBetweenMessages) this.close()
  }

  close(): void {
    const sockets = [this.#messages, this.#output]
    this.#messages = undefined
    this.#output = undefined
    this.#reader = new FrameReader()
    this.#unsent = []
    this.#isBroken = false
    for (const socket of sockets) socket?.destroy()
  }

  #write(message: ParentMessage): void {
    this.#messages?.write(encodeFrame(message))
  }

  readonly #takeOutput = (chunk: Buffer): void => this.#user?.print(chunk)

  readonly #takeMessages = (chunk: Buffer): void => {
    try {
      for (const message of this.#reader.push(chunk)) this.#user?.hear(message as ChildMessage)
    } catch {
      // Not our words: the job has written to a descriptor that is not its own.
      this.#messages?.destroy()
    }
  }
}

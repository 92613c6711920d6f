import { type Socket, createServer, type Server } from 'node:net'
import type { ChildMessage, ParentMessage } from '../../../messages.ts'
import { FrameReader, encodeFrame } from './zygote/wire/frames.ts'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { identityOf, removeFoldersOfDead } from '../../lease/dead-processes.ts'
import { HELLO_BYTES, HELLO_OUTPUT } from './zygote/wire/zygote-messages.ts'

/** The process at the other end of a connection pair. */
export interface ConnectedProcess {
  hear: (message: ChildMessage) => void
  print: (chunk: Buffer) => void
  /** Both connections are there. */
  connected: () => void
}

/**
 * The connections to one job process at a time, one for messages and one for output. The zygote has made them and the process
 * took over. The next process takes it over in turn, when nothing of this one can be left on it.
 */
export class ConnectionPair {
  /** The zygote's number for it. */
  readonly number: number
  #user: ConnectedProcess | undefined
  #messages: Socket | undefined
  #output: Socket | undefined
  #reader = new FrameReader()
  #unsent: Buffer[] = []
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
  serve(user: ConnectedProcess): void {
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
    for (const frame of this.#unsent.splice(0)) this.#messages?.write(frame)
    this.#user?.connected()
  }

  /** @returns the bytes of the message */
  send(message: ParentMessage): number {
    this.#hasSentMore ||= message.type !== 'assignment'
    const frame = encodeFrame(message)
    if (this.isOpen) this.#messages?.write(frame)
    else this.#unsent.push(frame)
    return frame.length
  }

  /**
   * The process has ended. The pair stays open where nothing can be left on it: the process said all that it had to and
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

const PREFIX = 'resque-runtime-jobs-'
/** Of a unix socket's path, in bytes (sun_path, with its zero). */
const MAX_PATH_BYTES = 107

/** A connection of a job process, with what came right after its hello. */
export interface JobConnection {
  launch: number
  kind: 'messages' | 'output'
  socket: Socket
  first: Buffer
}

/** The unix socket that job processes connect to, in a folder of this user alone. */
export class JobSockets {
  readonly path: string
  readonly #folder: string
  readonly #server: Server
  readonly #open = new Set<Socket>()

  constructor(onConnection: (connection: JobConnection) => void) {
    removeFoldersOfDead(tmpdir(), PREFIX)
    const base = [tmpdir(), '/tmp'].find(hasRoom) ?? tmpdir()
    this.#folder = mkdtempSync(folderIn(base))
    this.path = join(this.#folder, 'jobs')
    // The output may end before the messages do, and the other way round: half-open is the normal state.
    this.#server = createServer({ allowHalfOpen: false }, (socket) => {
      this.#open.add(socket)
      socket.once('close', () => this.#open.delete(socket))
      socket.on('error', () => undefined) // Its process was killed: `close` follows.
      awaitHello(socket, onConnection)
    })
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ path: this.path, backlog: 1024 }, resolve)
    })
  }

  async close(): Promise<void> {
    for (const socket of this.#open) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

const folderIn = (base: string): string => join(base, `${PREFIX}${identityOf()}-`)

/** Whether a socket's path may lie below. */
const hasRoom = (base: string): boolean =>
  existsSync(base) && Buffer.byteLength(join(`${folderIn(base)}XXXXXX`, 'jobs')) <= MAX_PATH_BYTES

function awaitHello(socket: Socket, onConnection: (connection: JobConnection) => void): void {
  let seen: Buffer | undefined
  const onData = (chunk: Buffer): void => {
    seen = seen ? Buffer.concat([seen, chunk]) : chunk
    if (seen.length < HELLO_BYTES) return
    socket.off('data', onData)
    const kind = seen.readUInt32LE(4) === HELLO_OUTPUT ? 'output' : 'messages'
    onConnection({ launch: seen.readUInt32LE(0), kind, socket, first: seen.subarray(HELLO_BYTES) })
  }
  socket.on('data', onData)
}

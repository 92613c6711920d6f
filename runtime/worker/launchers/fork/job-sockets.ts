import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { identityOf, removeFoldersOfDead } from '../../lease/dead-processes.ts'
import { HELLO_BYTES, HELLO_OUTPUT } from './zygote/wire/messages.ts'

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

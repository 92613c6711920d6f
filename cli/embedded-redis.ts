import { link, lstat, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { EMBEDDED_FOLDER, isAlive, OWNER_FILE, socketPath, urlOf } from '../config/embedded-redis.ts'
import { machine } from '../config/machine.ts'
import { RuntimeError } from '../runtime/core/errors.ts'
import type { Service } from '../runtime/core/service.ts'
import { isRedisReady, startRedisProcess, type RedisProcess } from './redis-process.ts'

/** A socket that does not answer yet may belong to a server that is still loading its data. */
const STARTING_MS = 15_000

/**
 * A private redis-server for `dev` and `demo`: a unix socket and no port, an append-only file in a folder of the
 * application's own. One process at a time owns the folder; a second is refused, and told how to share the first one's.
 * The server ends with its owner, also when that is killed with SIGKILL; what was written is there at the next start.
 */
export class EmbeddedRedis implements Service {
  readonly name = 'redis'
  /** Known before the start: `unix:///…/redis.sock`. */
  readonly url: string
  readonly folder: string
  private readonly socket: string
  private readonly onLost: (how: string) => void
  private server: RedisProcess | undefined
  private starting: Promise<void> | undefined

  /** @param options.onLost called when the server ends without having been asked to */
  constructor(options: { root: string; folder?: string; onLost?: (how: string) => void }) {
    this.folder = join(options.root, options.folder ?? EMBEDDED_FOLDER)
    this.socket = socketPath(this.folder)
    this.url = urlOf(this.socket)
    this.onLost = options.onLost ?? (() => undefined)
  }

  /** Of redis-server; undefined while it does not run. */
  get pid(): number | undefined {
    return this.server?.pid
  }

  start(): Promise<void> {
    return (this.starting ??= this.launch())
  }

  async stop(): Promise<void> {
    await this.starting?.catch(() => undefined)
    const server = this.server
    this.server = undefined
    this.starting = undefined
    if (!server) return
    await server.stop()
    await rm(this.socket, { force: true })
    await rm(join(this.folder, OWNER_FILE), { force: true })
  }

  private async launch(): Promise<void> {
    if (machine.os() === 'win32')
      throw new RuntimeError(
        'ERR_REDIS',
        'a private Redis: expected a unix system (it listens on a unix socket), this is Windows; run Redis in Docker or WSL, or Valkey, and set REDIS_URL to it',
      )
    await mkdir(this.folder, { recursive: true })
    await keepOutOfGit(this.folder)
    await privateSocketFolder(this.socket, this.folder)
    await this.takeOver()
    try {
      this.server = await startRedisProcess(serverOptions(this.folder, this.socket), { path: this.socket })
    } catch (error) {
      await rm(join(this.folder, OWNER_FILE), { force: true })
      throw withAdvice(error, await lastLines(join(this.folder, 'redis.log')))
    }
    const { server } = this
    void server.exited.then((how) => this.server === server && this.onLost(how))
  }

  /** Makes this process the folder's owner: two servers on one append-only file would ruin it. */
  private async takeOver(): Promise<void> {
    const owner = join(this.folder, OWNER_FILE)
    const mine = `${owner}.${process.pid}`
    await writeFile(mine, String(process.pid))
    try {
      for (;;) {
        if (await linked(mine, owner)) break
        await this.refuseIfAlive(owner)
        // Whoever renames it first may go on; the other finds the new owner.
        await rename(owner, `${mine}.old`).catch(() => undefined)
        await rm(`${mine}.old`, { force: true })
      }
    } finally {
      await rm(mine, { force: true })
    }
    // The last owner is dead, but its server may still be writing its data.
    for (const deadline = performance.now() + STARTING_MS; await isRedisReady({ path: this.socket }); await sleep(20)) {
      if (performance.now() > deadline) throw this.taken('a process that has ended')
    }
  }

  private async refuseIfAlive(owner: string): Promise<void> {
    const text = await readFile(owner, 'utf8').catch(() => '')
    const pid = Number.parseInt(text, 10)
    if (!pid || pid === process.pid || !isAlive(pid)) return
    const ageMs = Date.now() - (await stat(owner).catch(() => ({ mtimeMs: 0 }))).mtimeMs
    if (ageMs < STARTING_MS || (await isRedisReady({ path: this.socket }))) throw this.taken(`process ${pid}`)
  }

  private taken(by: string): RuntimeError {
    return new RuntimeError(
      'ERR_STATE',
      `${this.folder}: expected no private Redis running there, found that of ${by}; ` +
        `stop that process, or share its Redis with REDIS_URL=${this.url}`,
    )
  }
}

/** A folder under the system's temporary one could have been put there by another user. */
async function privateSocketFolder(socket: string, folder: string): Promise<void> {
  const home = join(socket, '..')
  if (home === folder) return
  await mkdir(home, { mode: 0o700 }).catch(() => undefined)
  const found = await lstat(home)
  if (found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o077) === 0) return
  throw new RuntimeError('ERR_STATE', `${home}: expected a folder of this user alone, found another; remove it`)
}

const serverOptions = (folder: string, socket: string): string[] => [
  ...['--port', '0', '--unixsocket', socket, '--unixsocketperm', '700', '--daemonize', 'no'],
  ...['--dir', folder, '--appendonly', 'yes', '--save', '', '--logfile', join(folder, 'redis.log')],
]

/** The folder is this machine's business; the application's repository need not say so. */
async function keepOutOfGit(folder: string): Promise<void> {
  await writeFile(join(folder, '.gitignore'), '*\n', { flag: 'wx' }).catch(() => undefined)
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

async function lastLines(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => '')
  return text.trim().split('\n').slice(-3).join(' | ')
}

function withAdvice(error: unknown, log: string): RuntimeError {
  const message = error instanceof Error ? error.message : String(error)
  const advice = message.includes('not found')
    ? 'expected redis-server on the PATH, found none; install it (apt-get install redis-server, brew install redis), or set REDIS_URL'
    : `${message}${log ? `; its log ends: ${log}` : ''}`
  return new RuntimeError('ERR_REDIS', advice, { cause: error })
}

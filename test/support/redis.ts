import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach } from 'node:test'
import { Redis, type RedisOptions } from 'ioredis'
import { startRedisProcess, type RedisProcess } from '../../cli/redis-process.ts'

/** What a test may ask of its server. */
export interface TestRedisOptions {
  /** Keep an append-only file, synced at every write, so that SIGKILL loses nothing. Default false. */
  appendonly?: boolean
  /** Also listen on this port of 127.0.0.1. Default: the unix socket alone. */
  port?: number
  /** Further options of redis-server, such as `['--requirepass', 'secret']`. */
  args?: readonly string[]
}

/** A real redis-server of a test's own, in a temporary folder. It cannot outlive the test's process. */
export interface TestRedis {
  /** `unix:///tmp/…/redis.sock`; stays the same over restarts. */
  readonly url: string
  readonly dir: string
  /** Of redis-server; another one after a restart. */
  readonly pid: number
  /** A connection that `stop()` closes. Errors of a server that is away are not thrown as uncaught. */
  client(options?: RedisOptions): Redis
  /** Sends a signal; resolves when the server has gone, for signals that end it. */
  kill(signal: NodeJS.Signals): Promise<void>
  /** Stops it when it still runs, and starts it again on the same socket and folder. */
  restart(): Promise<void>
  /** Closes the clients, ends the server, removes the folder. A second call is harmless. */
  stop(): Promise<void>
}

/** Starts a server; call `stop()` in the end. */
export async function startRedis(options: TestRedisOptions = {}): Promise<TestRedis> {
  const dir = await mkdtemp(join(tmpdir(), 'test-redis-'))
  const server = new Server(dir, options)
  await server.launch()
  return server
}

class Server implements TestRedis {
  readonly url: string
  readonly dir: string
  private readonly options: TestRedisOptions
  private readonly clients: Redis[] = []
  private running: RedisProcess | undefined

  constructor(dir: string, options: TestRedisOptions) {
    this.dir = dir
    this.options = options
    this.url = `unix://${this.socket}`
  }

  private get socket(): string {
    return join(this.dir, 'redis.sock')
  }

  get pid(): number {
    if (!this.running) throw new Error('expected the test server to run; call restart() first')
    return this.running.pid
  }

  async launch(): Promise<void> {
    const { appendonly = false, port = 0, args = [] } = this.options
    this.running = await startRedisProcess(
      [
        ...[
          '--port',
          String(port),
          '--bind',
          '127.0.0.1',
          '--unixsocket',
          this.socket,
          '--dir',
          this.dir,
          '--save',
          '',
        ],
        ...['--appendonly', appendonly ? 'yes' : 'no', '--appendfsync', 'always', ...args],
      ],
      { path: this.socket },
    )
  }

  client(options: RedisOptions = {}): Redis {
    const client = new Redis({ path: this.socket, retryStrategy: () => 20, ...options })
    client.on('error', () => undefined)
    this.clients.push(client)
    return client
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    this.running?.kill(signal)
    if (!['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGABRT', 'SIGSEGV'].includes(signal)) return
    await this.running?.exited
    this.running = undefined
  }

  async restart(): Promise<void> {
    await this.running?.stop()
    await this.launch()
  }

  async stop(): Promise<void> {
    // A second disconnect() of a closed client would keep the process alive for two seconds.
    for (const client of this.clients.splice(0)) if (client.status !== 'end') client.disconnect()
    this.running?.kill('SIGKILL')
    await this.running?.exited
    this.running = undefined
    await rm(this.dir, { recursive: true, force: true })
  }
}

/**
 * One server for a test file, emptied before each test. Call it at the top of the file; what it returns may be used
 * inside tests and hooks.
 */
export function useRedis(options: TestRedisOptions = {}): TestRedis {
  let server: TestRedis | undefined
  before(async () => {
    server = await startRedis(options)
  })
  beforeEach(async () => {
    const client = running().client()
    await client.flushall()
    await client.script('FLUSH')
    client.disconnect()
  })
  after(() => server?.stop())
  const running = (): TestRedis => {
    if (!server) throw new Error('expected useRedis() to be used inside a test or a hook')
    return server
  }
  return {
    get url() {
      return running().url
    },
    get dir() {
      return running().dir
    },
    get pid() {
      return running().pid
    },
    client: (clientOptions) => running().client(clientOptions),
    kill: (signal) => running().kill(signal),
    restart: () => running().restart(),
    stop: () => running().stop(),
  }
}

/** A port of 127.0.0.1 that nothing listens on. */
export async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const { port } = probe.address() as AddressInfo
  await new Promise((resolve) => probe.close(resolve))
  return port
}

import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { chownSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before } from 'node:test'
import { promisify } from 'node:util'
import pg from 'pg'
import { eventually } from './wait.ts'

/**
 * The server beside a watcher that waits for the end of standard input, whose other end only this process holds: however
 * this process dies, the server is told to go. Its number is the first line on standard output.
 */
const WRAPPER = `
exec 3<&0
"$@" </dev/null 3<&- >&2 & server=$!
echo $server
(read -r _ <&3; kill -QUIT $server) >/dev/null 2>&1 & watcher=$!
wait $server; status=$?
kill $watcher 2>/dev/null
exit $status`

/** A real PostgreSQL server of a test's own, on a unix socket in a temporary folder. It cannot outlive the test's process. */
export interface TestPostgres {
  /** Makes an empty database. @returns its `postgres://` address, the same over restarts */
  database(): Promise<string>
  /** Ends the server at once, as a crash would. */
  kill(): Promise<void>
  /** Starts it again on the same data. */
  restart(): Promise<void>
  /** Ends the server and removes the folder. */
  stop(): Promise<void>
}

/** The server refuses to run as root: then it runs as the user that its package has made. */
function serverUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  const id = (flag: string): number => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}

/** Debian keeps the server's programs off the PATH. */
async function program(name: string): Promise<string> {
  const versions = await readdir('/usr/lib/postgresql').catch(() => [])
  const newest = versions.sort((a, b) => Number(b) - Number(a))[0]
  return newest === undefined ? name : join('/usr/lib/postgresql', newest, 'bin', name)
}

/** Starts a server; call `stop()` in the end. */
export async function startPostgres(settings: Record<string, string> = {}): Promise<TestPostgres> {
  const dir = await mkdtemp(join(tmpdir(), 'test-pg-'))
  const user = serverUser()
  if (user) chownSync(dir, user.uid, user.gid)
  const data = join(dir, 'data')
  const init = ['-D', data, '-U', 'test', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync', '--no-instructions']
  await promisify(execFile)(await program('initdb'), init, { ...user, cwd: dir })
  const server = new Server(dir, data, user, settings)
  await server.restart()
  return server
}

class Server implements TestPostgres {
  readonly #dir: string
  readonly #data: string
  readonly #user: { uid: number; gid: number } | undefined
  readonly #settings: Record<string, string>
  #running: { wrapper: ChildProcess; pid: number; gone: Promise<unknown> } | undefined
  #databases = 0

  constructor(
    dir: string,
    data: string,
    user: { uid: number; gid: number } | undefined,
    settings: Record<string, string>,
  ) {
    this.#dir = dir
    this.#data = data
    this.#user = user
    this.#settings = settings
  }

  async database(): Promise<string> {
    this.#databases += 1
    const name = `db${this.#databases}`
    await this.#query(`create database ${name}`)
    return this.#url(name)
  }

  async restart(): Promise<void> {
    await this.kill()
    const settings = {
      listen_addresses: '',
      unix_socket_directories: this.#dir,
      // No machine crashes here, but the server may be ended at any moment: commits reach the kernel, not the disk.
      fsync: 'off',
      full_page_writes: 'off',
      shared_buffers: '32MB',
      log_min_messages: 'fatal',
      ...this.#settings,
    }
    const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    const args = ['-c', WRAPPER, 'sh', await program('postgres'), '-D', this.#data, ...flags]
    const wrapper = spawn('/bin/sh', args, { ...this.#user, cwd: this.#dir, detached: true, stdio: 'pipe' })
    wrapper.stdin.on('error', () => undefined)
    wrapper.stderr.resume()
    const gone = new Promise((resolve) => wrapper.once('exit', resolve))
    const pid = await new Promise<number>((resolve) => wrapper.stdout.once('data', (text) => resolve(Number(text))))
    this.#running = { wrapper, pid, gone }
    await eventually(() => this.#query('select 1').then(() => true), {
      timeoutMs: 30_000,
      intervalMs: 50,
      what: 'PostgreSQL',
    })
  }

  async kill(): Promise<void> {
    if (!this.#running) return
    process.kill(this.#running.pid, 'SIGQUIT')
    await this.#running.gone
    this.#running = undefined
  }

  async stop(): Promise<void> {
    await this.kill()
    await rm(this.#dir, { recursive: true, force: true })
  }

  #url(database: string): string {
    return `postgres://test@${encodeURIComponent(this.#dir)}/${database}`
  }

  async #query(text: string): Promise<void> {
    const client = new pg.Client(this.#url('postgres'))
    client.on('error', () => undefined)
    await client.connect()
    await client.query(text).finally(() => client.end())
  }
}

/** One server for a test file. Call it at the top; what it returns may be used inside tests and hooks. */
export function usePostgres(settings: Record<string, string> = {}): TestPostgres {
  let server: TestPostgres | undefined
  before(async () => {
    server = await startPostgres(settings)
  })
  after(() => server?.stop())
  const running = (): TestPostgres => {
    if (!server) throw new Error('expected usePostgres() to be used inside a test or a hook')
    return server
  }
  return {
    database: () => running().database(),
    kill: () => running().kill(),
    restart: () => running().restart(),
    stop: () => running().stop(),
  }
}

import { createWriteStream, type WriteStream } from 'node:fs'
import { cp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadConfig } from '../../config/load.ts'
import { RuntimeError } from '../../runtime/core/errors.ts'
import { configureWith, defaultClient } from '../../runtime/jobs/default-client.ts'
import type { Client } from '../../runtime/jobs/client.ts'
import type { JobDefinition } from '../../runtime/jobs/job.ts'
import type { SupervisorInfo } from '../../runtime/store/workers/supervisors.ts'
import { ChildCommand, withoutSettings } from '../child-command.ts'
import { loadAppHere, sourceOf } from '../context.ts'
import { EmbeddedRedis } from '../embedded-redis.ts'
import { exportNamed } from '../arguments.ts'
import type { DemoContext } from './demo-jobs.ts'
import { packageRoot } from '../../runtime/core/package.ts'

/** Where the demo keeps everything, under the folder it was called in. */
export const DEMO_FOLDER = '.runtime/demo'
const START_MS = 30_000
const POLL_MS = 50

/** What the demo runs on: a Redis, an application, a worker and a scheduler of its own, each a process. */
export class Demo {
  readonly folder: string
  /** Rejects when something it stands on ends by itself. */
  readonly broken: Promise<never>
  readonly redis: EmbeddedRedis
  readonly #children: ChildCommand[] = []
  #log: WriteStream | undefined
  #client: Client | undefined
  #stopped = false
  #break: (error: Error) => void = () => undefined

  constructor(root: string) {
    this.folder = join(root, DEMO_FOLDER)
    this.redis = new EmbeddedRedis({
      root,
      folder: join(DEMO_FOLDER, 'redis'),
      onLost: (how) => this.#lost(`redis-server ended by itself: ${how}`),
    })
    this.broken = new Promise((_, reject) => (this.#break = reject))
    this.broken.catch(() => undefined)
  }

  /** @param isolation how jobs get their processes; the worker decides when it is not given */
  async start(isolation?: string): Promise<DemoContext> {
    await this.redis.start()
    const app = join(this.folder, 'app')
    const data = await makeDemoApp(app)
    const config = loadConfig({ cwd: app, env: {}, flags: { redis: { url: this.redis.url } } })
    configureWith(config)
    const client = defaultClient()
    this.#client = client
    // What an earlier demo left there; only the demo uses this Redis.
    await client.store.connection.ask((redis) => redis.flushdb())
    this.#log = createWriteStream(join(this.folder, 'log'))
    this.#child('work', app, ['work', ...(isolation === undefined ? [] : ['--isolation', isolation])])
    this.#child('scheduler', app, ['scheduler'])
    const { registry } = await loadAppHere(sourceOf(config))
    return {
      client,
      data,
      page: join(this.folder, 'report.html'),
      jobNamed: (name) => exportNamed(registry, 'job', name).definition as JobDefinition,
      ended: (id) => client.store.jobs.waitForEnd(id, START_MS),
      fired: (entry) => this.#poll(`a firing of ${entry}`, async () => (await client.store.schedules.find(entry))?.job),
    }
  }

  /** Processes of the demo: their pids, and how the worker starts jobs. */
  async processes(): Promise<{ redis: number; work: number; scheduler: number; launcher: string }> {
    const { store } = this.#started()
    const about = await this.#poll('a worker that has started', async () =>
      (await store.supervisors.list()).find(({ about: { launcher } }: SupervisorInfo) => launcher !== undefined),
    )
    const [work, scheduler] = this.#children.map(({ pid }) => pid)
    return {
      redis: this.redis.pid ?? 0,
      work: work ?? 0,
      scheduler: scheduler ?? 0,
      launcher: about.about['launcher'] ?? '',
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#children.map((child) => child.stop()))
    await this.redis.stop()
    await new Promise<void>((resolve) => (this.#log ? this.#log.end(() => resolve()) : resolve()))
  }

  #child(name: string, cwd: string, args: string[]): void {
    if (this.#stopped) throw new RuntimeError('ERR_STATE', 'the demo was stopped while it started')
    const child = new ChildCommand({
      cwd,
      args: [...args, '--redis', this.redis.url],
      env: withoutSettings(process.env),
      onLine: (line) => this.#log?.write(`${name}: ${line}\n`),
    })
    this.#children.push(child)
    void child.exited.then((how) => this.#lost(`runtime ${name} ended by itself: ${how}`))
  }

  #lost(what: string): void {
    if (this.#stopped) return
    const log = join(this.folder, 'log')
    void readFile(log, 'utf8')
      .catch(() => '')
      .then((text) => {
        const last = text.trim().split('\n').slice(-10).join('\n')
        this.#break(new RuntimeError('ERR_STATE', `${what}; the end of ${log}:\n${last}`))
      })
  }

  #started(): Client {
    if (!this.#client) throw new Error('start() comes first')
    return this.#client
  }

  async #poll<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
    for (const deadline = performance.now() + START_MS; performance.now() < deadline;) {
      const found = await look()
      if (found !== undefined) return found
      await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    }
    throw new RuntimeError('ERR_TIMEOUT', `the demo: expected ${what} within ${START_MS / 1000} seconds, saw none`)
  }
}

/**
 * Makes the demo's application, in a folder of its own, as a user's would be: a copy of examples/demo that finds this
 * package under node_modules. Whatever was there goes.
 * @returns the folder of the imported data
 */
async function makeDemoApp(folder: string): Promise<string> {
  await rm(folder, { recursive: true, force: true })
  await mkdir(join(folder, 'node_modules'), { recursive: true })
  await cp(join(packageRoot, 'examples/demo'), folder, { recursive: true })
  await symlink(packageRoot, join(folder, 'node_modules/resque-runtime'), 'dir')
  await writeFile(join(folder, 'package.json'), `${JSON.stringify({ private: true, type: 'module' })}\n`)
  return join(packageRoot, 'examples/data')
}

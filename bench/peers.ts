// One contestant a function: how many empty jobs a second it runs, each in a fresh process (but for BullMQ's sandbox).
import { execFileSync, fork, spawn, type ChildProcess } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Queue, Worker } from 'bullmq'
import { buildSync } from 'esbuild'
import type { Redis } from 'ioredis'
import { external } from '../script/externals.ts'
import { item, push, runtime } from './support.ts'

export interface Redises {
  url: string
  port: number
  client: Redis
}

const program = (name: string): string => fileURLToPath(new URL(`./programs/${name}`, import.meta.url))
const PYTHON = '/usr/bin/python3'

/** The flags of the zygote, for the bound. */
const ZYGOTE_FLAGS = [
  '--single-threaded',
  '--v8-pool-size=1',
  '--no-flush-bytecode',
  '--use-largepages=silent',
  '--no-short-builtin-calls',
  '--max-semi-space-size=4',
]

/** The program of the bound with what it imports of the sources, as one file. */
function boundProgram(): string {
  const outfile = join(dirname(fileURLToPath(import.meta.resolve('koffi'))), '../.cache/resque-runtime/bound.mjs')
  buildSync({
    entryPoints: [program('bound.mjs')],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    external: [...external],
    banner: {
      js: "import{createRequire as __require_of}from'node:module';const require=__require_of(import.meta.url);",
    },
    logLevel: 'error',
  })
  return outfile
}

/** fork and _exit, nothing else: what cannot be beaten. `packed`: with the heap laid out as our zygote's is. */
export function bound(jobs: number, slots: number, layout: 'plain' | 'packed', ballastMb = 0): number {
  return Number(
    execFileSync(
      process.execPath,
      [...ZYGOTE_FLAGS, boundProgram(), String(jobs), String(slots), String(ballastMb), layout],
      { encoding: 'utf8' },
    ),
  )
}

/** child_process.fork for each job, no queue. */
export async function bareFork(jobs: number, slots: number): Promise<number> {
  let left = jobs
  const startedAt = performance.now()
  const lane = async (): Promise<void> => {
    while (left > 0) {
      left -= 1
      const child = fork(program('bare-child.mjs'), { stdio: 'ignore', execArgv: [] })
      await new Promise((resolve) => child.once('exit', resolve))
    }
  }
  await Promise.all(Array.from({ length: slots }, lane))
  return jobs / ((performance.now() - startedAt) / 1000)
}

/** This runtime, through Redis. The worker is warm when the jobs come. @param more flags of `work` */
export async function ours(
  isolation: 'fork' | 'spawn',
  jobs: number,
  slots: number,
  { client, url }: Redises,
  more: readonly string[] = [],
): Promise<number> {
  await client.flushall()
  const flags = ['--queues', 'bench', '--concurrency', String(slots), '--isolation', isolation, ...more]
  const worker = runtime(['work', ...flags], url)
  let said = ''
  worker.stderr?.on('data', (chunk: Buffer) => (said += String(chunk)))
  try {
    const processed = async (): Promise<number> => {
      if (worker.exitCode !== null) throw new Error(`the worker left: ${said}`)
      return Number((await client.get('resque:stat:processed')) ?? 0)
    }
    await push(client, 'bench', Array<string>(10).fill(item('Empty')))
    await until(async () => (await processed()) >= 10)
    await push(client, 'bench', Array<string>(jobs).fill(item('Empty')))
    // An idle worker finds what was pushed past our client at its next poll.
    await until(async () => (await processed()) > 10)
    const [startedAt, begun] = [performance.now(), await processed()]
    await until(async () => (await processed()) >= jobs + 10)
    return (jobs + 10 - begun) / ((performance.now() - startedAt) / 1000)
  } finally {
    await end(worker)
  }
}

/** Debian's python3-rq, which forks for each job, too. Undefined where it is not installed. */
export async function rq(jobs: number, slots: number, { client, port }: Redises): Promise<number | undefined> {
  try {
    execFileSync(PYTHON, ['-c', 'import rq'], { stdio: 'ignore' })
  } catch {
    return undefined
  }
  await client.flushall()
  const cwd = dirname(program('rq_jobs.py'))
  execFileSync(PYTHON, ['rq_jobs.py', String(port), String(jobs)], { cwd })
  const args = ['-m', 'rq.cli', 'worker', '--burst', '--quiet', '--url', `redis://127.0.0.1:${port}`, 'bench']
  const workers = Array.from({ length: slots }, () =>
    spawn(PYTHON, args, { cwd, stdio: 'ignore', env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' } }),
  )
  const finished = (): Promise<number> => client.zcard('rq:finished:bench')
  await until(async () => (await finished()) >= 1)
  const [startedAt, first] = [performance.now(), await finished()]
  await until(async () => (await finished()) >= jobs)
  const rate = (jobs - first) / ((performance.now() - startedAt) / 1000)
  await Promise.all(workers.map(end))
  return rate
}

/** BullMQ's sandboxed processor: `slots` processes, used again and again. */
export async function bullmq(jobs: number, slots: number, { client, port }: Redises): Promise<number> {
  await client.flushall()
  const connection = { host: '127.0.0.1', port }
  const queue = new Queue('bench', { connection })
  const worker = new Worker('bench', program('sandbox.mjs'), { connection, concurrency: slots })
  let done = 0
  worker.on('completed', () => (done += 1))
  const add = (count: number): Promise<unknown> =>
    queue.addBulk(Array.from({ length: count }, () => ({ name: 'empty', data: {} })))
  await add(10)
  await until(() => Promise.resolve(done >= 10))
  const startedAt = performance.now()
  await add(jobs)
  await until(() => Promise.resolve(done >= jobs + 10))
  const rate = jobs / ((performance.now() - startedAt) / 1000)
  await worker.close()
  await queue.close()
  return rate
}

export async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 10))
}

export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  await gone
}

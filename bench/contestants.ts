// One contestant a function: how many empty jobs a second it runs, each in a fresh process.
import { execFileSync, fork, type ChildProcess } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildSync } from 'esbuild'
import type { Redis } from 'ioredis'
import { external } from '../script/externals.ts'
import { item, push, runtime } from './support.ts'

interface RunningRedis {
  url: string
  client: Redis
}

const program = (name: string): string => fileURLToPath(new URL(`./programs/${name}`, import.meta.url))

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
  { client, url }: RunningRedis,
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

export async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 10))
}

export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  await gone
}

/**
 * Empty jobs in the worker's own process, beside BullMQ's. Each worker is a process that finds its jobs waiting; rounds are
 * interleaved, and the first fifth of the jobs warms up. Prints jobs a second, and the processor time that one job takes in the
 * worker and in Redis, which depends less on what else the machine does. Needs a build.
 *
 *   node --conditions=source --import tsx bench/inline.ts [--jobs 20000] [--rounds 5] [--slots 10,50] [--prof DIR]
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Queue } from 'bullmq'
import { newId } from '../runtime/core/ids.ts'
import { makeApp, removeApps } from '../test/support/app.ts'
import { startRedis, type TestRedis } from '../test/support/redis.ts'
import { testStore } from '../test/support/store.ts'
import { redisCpuUs } from './redis-probes.ts'
import { median } from './support.ts'

const { values } = parseArgs({
  options: {
    jobs: { type: 'string', default: '20000' },
    rounds: { type: 'string', default: '5' },
    slots: { type: 'string', default: '10,50' },
    prof: { type: 'string' },
  },
})
const jobs = Number(values.jobs)
const warmUp = jobs / 5
const file = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
const app = await makeApp({
  'src/jobs/noop-job.js': `import { Job } from 'resque-runtime'
import { count } from ${JSON.stringify(file('programs/counted.mjs'))}
export class NoopJob extends Job { perform() { count() } }
`,
})

/** What one worker needed for one job. */
interface Cost {
  perSecond: number
  workerUs: number
  redisUs: number
}

interface Contestant {
  fill: (server: TestRedis) => Promise<void>
  program: (server: TestRedis, slots: number) => string[]
}

const ours: Contestant = {
  async fill(server) {
    const store = testStore(server)
    for (let from = 0; from < jobs; from += 100) {
      const part = Array.from({ length: 100 }, (_, n) => from + n)
      const items = part.map((n) => ({ id: newId(), className: 'NoopJob', item: `{"class":"NoopJob","args":[${n}]}` }))
      await store.queues.push('bench', items, Date.now(), 3_600_000)
    }
    store.close()
  },
  program: ({ url }, slots) => [
    ...[file('../bin/runtime.js'), 'work', '--redis', url, '--queues', 'bench'],
    ...['--isolation', 'inline', '--concurrency', String(slots)],
  ],
}

const bullmq: Contestant = {
  async fill(server) {
    const queue = new Queue('bench', { connection: { path: server.url.replace('unix://', '') } })
    const bulk = Array.from({ length: jobs }, (_, n) => ({ name: 'noop', data: { n } }))
    for (let from = 0; from < jobs; from += 1000) await queue.addBulk(bulk.slice(from, from + 1000))
    await queue.close()
  },
  program: ({ url }, slots) => [file('programs/bullmq-worker.mjs'), url.replace('unix://', ''), String(slots)],
}

async function exited(worker: ChildProcess): Promise<void> {
  const over = new Promise((resolve) => worker.once('exit', resolve))
  worker.kill('SIGTERM')
  await over
}

async function round(name: string, { fill, program }: Contestant, slots: number, server: TestRedis): Promise<Cost> {
  const redis = server.client()
  await redis.flushall()
  await fill(server)
  const prof =
    values.prof === undefined ? [] : ['--cpu-prof', '--cpu-prof-interval', '200', '--cpu-prof-dir', values.prof]
  const worker = spawn(process.execPath, [...prof, ...program(server, slots)], {
    cwd: app,
    env: { ...process.env, BENCH_JOBS: String(jobs), BENCH_WARM_UP: String(warmUp) },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  worker.stderr.on('data', (chunk: Buffer) => (said += String(chunk)))
  const lines = createInterface(worker.stdout)[Symbol.asyncIterator]()
  const told = async (): Promise<{ ms: number; cpuUs: number }> => {
    const { value } = (await lines.next()) as { value?: string }
    if (value === undefined) throw new Error(`${name} has left: ${said}`)
    return JSON.parse(value) as { ms: number; cpuUs: number }
  }
  await told()
  const before = await redisCpuUs(redis)
  const { ms, cpuUs } = await told()
  const redisUs = (await redisCpuUs(redis)) - before
  await exited(worker)
  redis.disconnect()
  const counted = jobs - warmUp
  return { perSecond: counted / (ms / 1000), workerUs: cpuUs / counted, redisUs: redisUs / counted }
}

const server = await startRedis()
for (const slots of values.slots.split(',').map(Number)) {
  const costs = new Map<string, Cost[]>()
  for (let n = 0; n < Number(values.rounds); n += 1)
    for (const [name, contestant] of Object.entries({ 'resque-runtime, inline': ours, BullMQ: bullmq }))
      costs.set(name, [...(costs.get(name) ?? []), await round(name, contestant, slots, server)])
  console.log(`${slots} at a time, medians of ${values.rounds} rounds, node ${process.version}`)
  console.table(
    [...costs].map(([worker, all]) => ({
      worker,
      'jobs a second': Math.round(median(all.map((cost) => cost.perSecond))),
      'worker, µs a job': Math.round(median(all.map((cost) => cost.workerUs))),
      'Redis, µs a job': Math.round(median(all.map((cost) => cost.redisUs))),
      'jobs a second, all rounds': all.map((cost) => Math.round(cost.perSecond)).join(' '),
    })),
  )
}
await removeApps()
await server.stop()

// Jobs per second by launcher, no-op jobs: what one process a job costs; BullMQ in the same run, on the same Redis.
//   node --conditions=source --import tsx bench/launchers.ts [--jobs 500] [--concurrency 2] [--rounds 3] [--json FILE]
// Workers are idle and warm before the jobs arrive; the time runs from the first push until the last job is done. `inline`
// and BullMQ's own process run fifty times as many jobs. Needs a build: workers run from dist, as users' do.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Queue, Worker } from 'bullmq'
import { systemClock } from '../runtime/core/clock.ts'
import { Client } from '../runtime/jobs/client.ts'
import { Job } from '../runtime/jobs/job.ts'
import { makeApp, removeApps } from '../test/support/app.ts'
import { startCli } from '../test/support/process.ts'
import { startRedis } from '../test/support/redis.ts'
import { testStore } from '../test/support/store.ts'
import { eventually } from '../test/support/wait.ts'

class NoopJob extends Job {
  static override queue = 'bench'
  perform(_n: number): void {}
}

const { values } = parseArgs({
  options: {
    jobs: { type: 'string', default: '500' },
    concurrency: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '3' },
    json: { type: 'string' },
  },
})
const [few, concurrency, rounds] = [Number(values.jobs), Number(values.concurrency), Number(values.rounds)]
const many = few * 50

const server = await startRedis()
const redis = server.client()
const connection = { path: server.url.replace('unix://', '') }
const app = await makeApp({
  'src/jobs/noop-job.js': "import { Job } from 'resque-runtime'\nexport class NoopJob extends Job { perform() {} }\n",
  'sandbox.js': 'export default async () => undefined\n',
})
const patience = { timeoutMs: 600_000, intervalMs: 2 }

/** @returns jobs per second */
async function ours(isolation: string, jobs: number): Promise<number> {
  const store = testStore(server)
  const client = new Client(store, { maxPayloadBytes: 1e6, recordTtlMs: 3.6e6, waitingTtlMs: 3.6e6 }, systemClock)
  const worker = startCli(
    ['work', '--redis', server.url, '--isolation', isolation, '--concurrency', String(concurrency)],
    { cwd: app },
  )
  await worker.waitForLine(/working on/, patience)
  await settle()
  const list = Array.from({ length: jobs }, (_, n) => [n] as [number])
  const startedAt = performance.now()
  await client.enqueueBulk(NoopJob, list)
  await eventually(async () => (await redis.get('resque:stat:processed')) === String(jobs), patience)
  const elapsedMs = performance.now() - startedAt
  await worker.stop('SIGQUIT')
  store.close()
  return jobs / (elapsedMs / 1000)
}

/** @param processor a function, or the path of a file for BullMQ's sandboxed processes (which it uses again and again) */
async function bullmq(processor: string | (() => Promise<void>), jobs: number): Promise<number> {
  const queue = new Queue('bench', { connection })
  const worker = new Worker('bench', processor, { connection, concurrency })
  let done = 0
  let finish: () => void = () => undefined
  const all = new Promise<void>((resolve) => (finish = resolve))
  worker.on('completed', () => (done += 1) === jobs + 1 && finish())
  await worker.waitUntilReady()
  // One job first: it starts the sandbox's process.
  await queue.add('noop', { n: -1 })
  await eventually(() => done === 1, patience)
  await settle()
  const startedAt = performance.now()
  for (let from = 0; from < jobs; from += 1000) {
    const part = Array.from({ length: Math.min(1000, jobs - from) }, (_, n) => ({ name: 'noop', data: { n } }))
    await queue.addBulk(part)
  }
  await all
  const elapsedMs = performance.now() - startedAt
  await worker.close()
  await queue.close()
  return jobs / (elapsedMs / 1000)
}

/** Warm processes are still starting when a worker says it is ready. */
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1500))

const ways: Record<string, () => Promise<number>> = {
  'resque-runtime fork: a fresh process a job': () => ours('fork', few),
  'resque-runtime spawn: a fresh process a job': () => ours('spawn', Math.ceil(few / 5)),
  'bullmq sandbox: processes used again': () => bullmq(join(app, 'sandbox.js'), few),
  "resque-runtime inline: the worker's own process": () => ours('inline', many),
  "bullmq: the worker's own process": () => bullmq(async () => undefined, many),
}

const rates = new Map<string, number[]>(Object.keys(ways).map((name) => [name, []]))
for (let round = 0; round < rounds; round += 1) {
  for (const [name, run] of Object.entries(ways)) {
    await redis.flushall()
    rates.get(name)?.push(await run())
  }
}
const results = [...rates].map(([name, all]) => ({
  name,
  jobsPerSecond: Math.round(all.sort((a, b) => a - b)[Math.floor(all.length / 2)] ?? 0),
}))
console.log(`${concurrency} at a time, median of ${rounds} rounds, node ${process.version}`)
console.table(results)
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`)
await removeApps()
await server.stop()

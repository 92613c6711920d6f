// Memory of Redis for a job that waits and for one that has ended, beside BullMQ on the same server; then many waiting jobs:
// enqueued in bulk, looked at, run for a part, and cleared. Memory is `used_memory`, without replicas and persistence.
//   node --conditions=source --import tsx bench/memory.ts [--jobs 10000] [--waiting 1000000] [--run 10000] [--json FILE]
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { Queue, Worker } from 'bullmq'
import { systemClock } from '../runtime/core/clock.ts'
import { Client } from '../runtime/jobs/client.ts'
import { Job } from '../runtime/jobs/job.ts'
import { startRedis } from '../test/support/redis.ts'
import { testStore } from '../test/support/store.ts'
import { inlineSupervisor } from './inline-supervisor.ts'
import { usedBytes } from './redis-probes.ts'

const { values } = parseArgs({
  options: {
    jobs: { type: 'string', default: '10000' },
    waiting: { type: 'string', default: '1000000' },
    run: { type: 'string', default: '10000' },
    json: { type: 'string' },
  },
})
const [jobs, waiting, part] = [Number(values.jobs), Number(values.waiting), Number(values.run)]
const dayMs = 86_400_000

const server = await startRedis()
const redis = server.client()
const store = testStore(server)
const client = new Client(store, { maxPayloadBytes: 1e6, recordTtlMs: dayMs, waitingTtlMs: 30 * dayMs }, systemClock)
const results: Record<string, string | number> = {}

let [ended, reached, goal] = [0, (): void => undefined, Infinity]
class NoopJob extends Job {
  static override queue = 'q'
  perform(_user: string, _options: { n: number }): void {
    if ((ended += 1) === goal) reached()
  }
}

async function timed<T>(act: () => Promise<T>): Promise<{ ms: number; value: T }> {
  const startedAt = performance.now()
  const value = await act()
  return { ms: performance.now() - startedAt, value }
}

async function enqueue(count: number): Promise<void> {
  for (let from = 0; from < count; from += 1000)
    await client.enqueueBulk(
      NoopJob,
      Array.from({ length: Math.min(1000, count - from) }, (_, n) => ['user-1', { n: from + n }]),
    )
}

/** Runs so many of the jobs that wait, or a few more. */
async function work(count: number): Promise<void> {
  ;[ended, goal] = [0, count]
  const done = new Promise<void>((resolve) => (reached = resolve))
  const own = testStore(server)
  const supervisor = inlineSupervisor(own, { NoopJob }, 'q', 10)
  await supervisor.start()
  await done
  await supervisor.stop()
  own.close()
}

/** Bytes a job for each state. @param fill leaves so many waiting @param run runs them all */
async function perJob(name: string, fill: () => Promise<unknown>, run: () => Promise<unknown>): Promise<void> {
  await redis.flushall()
  const empty = await usedBytes(redis)
  await fill()
  results[`${name}, waiting, bytes a job`] = Math.round(((await usedBytes(redis)) - empty) / jobs)
  await run()
  results[`${name}, ended, bytes a job`] = Math.round(((await usedBytes(redis)) - empty) / jobs)
}

await perJob(
  'resque-runtime',
  () => enqueue(jobs),
  () => work(jobs),
)
const archived = Number(await redis.memory('USAGE', 'resque:rt:archive', 'SAMPLES', 0))
results['of that the record in the archive'] = Math.round(archived / jobs)

const connection = { path: server.url.replace('unix://', '') }
const queue = new Queue('bench', { connection })
await queue.waitUntilReady()
await perJob(
  'BullMQ',
  async () => {
    for (let from = 0; from < jobs; from += 1000)
      await queue.addBulk(
        Array.from({ length: Math.min(1000, jobs - from) }, (_, n) => ({ name: 'noop', data: ['user-1', { n }] })),
      )
  },
  async () => {
    const worker = new Worker('bench', async () => undefined, { connection, concurrency: 10 })
    let completed = 0
    await new Promise<void>((resolve) => worker.on('completed', () => (completed += 1) === jobs && resolve()))
    await worker.close()
  },
)
await queue.close()

await redis.flushall()
const before = await usedBytes(redis)
const filled = await timed(() => enqueue(waiting))
results[`${waiting} jobs: enqueued in bulk, a second`] = Math.round(waiting / (filled.ms / 1000))
results[`${waiting} jobs: MB in Redis`] = Math.round(((await usedBytes(redis)) - before) / 1024 ** 2)
results[`${waiting} jobs: first page, ms`] = Number((await timed(() => store.queues.peek('q', 0, 100))).ms.toFixed(1))
results[`${waiting} jobs: a page in the middle, ms`] = Number(
  (await timed(() => store.queues.peek('q', waiting / 2, 100))).ms.toFixed(1),
)
const ran = await timed(() => work(part))
results[`${part} of them run by one inline worker, a second`] = Math.round(part / (ran.ms / 1000))
const cleared = await timed(() => store.queues.remove('q', Date.now(), dayMs))
results[`the other ${cleared.value} cleared, a second`] = Math.round(cleared.value / (cleared.ms / 1000))
results['left in the queue'] = await redis.llen('resque:queue:q')
results['MB in Redis after that'] = Math.round(((await usedBytes(redis)) - before) / 1024 ** 2)

console.table(results)
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`)
store.close()
await server.stop()

// How fast jobs are enqueued: one after another, many at a time, in bulk; BullMQ on the same Redis in the same run.
//   node --conditions=source --import tsx bench/enqueue.ts [--jobs 10000] [--rounds 5] [--json FILE]
// Every round runs all ways, in turn, on an empty Redis (unix socket, no persistence); the figure is the median of rounds.
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { Queue } from 'bullmq'
import { systemClock } from '../runtime/core/clock.ts'
import { Client } from '../runtime/jobs/client.ts'
import { Job } from '../runtime/jobs/job.ts'
import { startRedis } from '../test/support/redis.ts'
import { testStore } from '../test/support/store.ts'

class NoopJob extends Job {
  static override queue = 'bench'
  perform(_id: string, _options: { n: number }): void {}
}

/** Calls under way at a time, for "concurrent". */
const width = 100

const { values } = parseArgs({
  options: {
    jobs: { type: 'string', default: '10000' },
    rounds: { type: 'string', default: '5' },
    json: { type: 'string' },
  },
})
const [jobs, rounds] = [Number(values.jobs), Number(values.rounds)]

const server = await startRedis()
const store = testStore(server)
const client = new Client(store, { maxPayloadBytes: 1e6, recordTtlMs: 3.6e6, waitingTtlMs: 3.6e6 }, systemClock)
const bull = new Queue('bench', { connection: { path: server.url.replace('unix://', '') } })
const numbers = Array.from({ length: jobs }, (_, n) => n)

async function concurrently(one: (n: number) => Promise<unknown>): Promise<void> {
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < jobs) await one(next++)
  }
  await Promise.all(Array.from({ length: width }, lane))
}
async function serially(one: (n: number) => Promise<unknown>): Promise<void> {
  for (const n of numbers) await one(n)
}

const ours = (n: number): Promise<unknown> => client.enqueue(NoopJob, [`user ${n}`, { n }])
const theirs = (n: number): Promise<unknown> => bull.add('noop', { id: `user ${n}`, n })
const ways: Record<string, () => Promise<unknown>> = {
  'resque-runtime, one after another': () => serially(ours),
  'bullmq, one after another': () => serially(theirs),
  [`resque-runtime, ${width} at a time`]: () => concurrently(ours),
  [`bullmq, ${width} at a time`]: () => concurrently(theirs),
  'resque-runtime, enqueueBulk': () =>
    client.enqueueBulk(
      NoopJob,
      numbers.map((n) => [`user ${n}`, { n }] as [string, { n: number }]),
    ),
  'bullmq, addBulk': async () => {
    for (let from = 0; from < jobs; from += 1000) {
      await bull.addBulk(numbers.slice(from, from + 1000).map((n) => ({ name: 'noop', data: { id: `user ${n}`, n } })))
    }
  },
}

const rates = new Map<string, number[]>(Object.keys(ways).map((name) => [name, []]))
const redis = server.client()
await bull.waitUntilReady()
for (let round = 0; round <= rounds; round += 1) {
  for (const [name, run] of Object.entries(ways)) {
    await redis.flushall()
    const startedAt = performance.now()
    await run()
    // The first round warms up.
    if (round > 0) rates.get(name)?.push(jobs / ((performance.now() - startedAt) / 1000))
  }
}
const results = [...rates].map(([name, all]) => ({
  name,
  jobsPerSecond: Math.round(all.sort((a, b) => a - b)[Math.floor(all.length / 2)] ?? 0),
}))
console.log(`${jobs} jobs, median of ${rounds} rounds, node ${process.version}`)
console.table(results)
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`)
await bull.close()
store.close()
await server.stop()

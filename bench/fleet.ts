// What one enqueued job costs Redis while a fleet of workers is idle, and what the idle fleet costs; BullMQ in the same run.
//   node --conditions=source --import tsx bench/fleet.ts [--workers 1,20,100,300,1000] [--jobs 100] [--wakes one,every,bullmq] [--json FILE]
// The workers are stand-ins in this process: real fetchers and scripts, without processes for jobs, on shared connections.
// `every`: each push wakes every worker, as in version 0.1: the same scripts, with workers that all look after each push.
import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Queue, Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import { systemClock } from '../runtime/core/clock.ts'
import { newId } from '../runtime/core/ids.ts'
import { silentLogger } from '../runtime/core/logger.ts'
import type { Store } from '../runtime/store/store.ts'
import { Fetcher } from '../runtime/worker/reserve/fetcher.ts'
import { startRedis } from '../test/support/redis.ts'
import { testStore } from '../test/support/store.ts'
import { eventually } from '../test/support/wait.ts'
import { redisCpuUs } from './redis-probes.ts'
import { reserveOne } from '../test/support/reserve.ts'

const { values } = parseArgs({
  options: {
    workers: { type: 'string', default: '1,20,100,300,1000' },
    jobs: { type: 'string', default: '100' },
    wakes: { type: 'string', default: 'one,every,bullmq' },
    json: { type: 'string' },
  },
})
const jobs = Number(values.jobs)
const hourMs = 3_600_000
const queues = ['high', 'default', 'low']

/** An idle fleet. `taken` counts its jobs; `takenAt` is when it took the last one. */
interface Fleet {
  taken: number
  takenAt: number
  stop: () => unknown
}

type Start = (store: Store, workers: number, pollMs: number) => Promise<Fleet>

async function oneWakes(store: Store, workers: number, pollMs: number): Promise<Fleet> {
  const fetchers: Fetcher[] = []
  const fleet = { taken: 0, takenAt: 0, stop: () => fetchers.forEach((fetcher) => fetcher.stop()) }
  for (let n = 0; n < workers; n += 1) {
    const fetcher = new Fetcher({
      ...{ store, clock: systemClock, log: silentLogger, queues, slots: 1, weights: {}, pollMs },
      supervisorId: () => `worker${n}`,
      onFenced: () => console.error('fenced'),
      onEmpty: () => undefined,
    })
    fetchers.push(fetcher)
    await fetcher.start()
    void (async () => {
      while (await fetcher.next(`vm:${n}:high`)) [fleet.taken, fleet.takenAt] = [fleet.taken + 1, performance.now()]
    })()
    await sleep(Math.min(pollMs, 1000) / workers)
  }
  return fleet
}

async function allWake(store: Store, workers: number, pollMs: number): Promise<Fleet> {
  const look = async (n: number): Promise<void> => {
    const reply = await reserveOne(store, `worker${n}`, `vm:${n}:high`, queues, newId(), Date.now())
    if (reply.kind === 'job') [fleet.taken, fleet.takenAt] = [fleet.taken + 1, performance.now()]
  }
  const everyone = Array.from({ length: workers }, (_, n) => n)
  const timers: NodeJS.Timeout[] = []
  const unlisten = await store.connection.listen(store.connection.keys.wake(), () =>
    everyone.forEach((n) => void look(n)),
  )
  const fleet = { taken: 0, takenAt: 0, stop: () => (unlisten(), timers.forEach(clearInterval)) }
  for (const n of everyone) {
    timers.push(setInterval(() => void look(n), pollMs))
    await sleep(Math.min(pollMs, 1000) / workers)
  }
  return fleet
}

/** BullMQ's workers: the ordinary commands of all go over one connection, each waits on one of its own. */
async function bullmqWorkers(_store: Store, workers: number): Promise<Fleet> {
  const all: Worker[] = []
  const fleet = { taken: 0, takenAt: 0, stop: () => Promise.all(all.map((worker) => worker.close(true))) }
  const take = async (): Promise<void> => void ([fleet.taken, fleet.takenAt] = [fleet.taken + 1, performance.now()])
  for (let n = 0; n < workers; n += 1) {
    const worker = new Worker('default', take, { connection: bullConnection })
    worker.on('error', () => undefined)
    all.push(worker)
    await worker.waitUntilReady()
  }
  return fleet
}

/** Script calls and their time in Redis, in microseconds. */
async function scriptCalls(redis: Redis): Promise<{ calls: number; us: number }> {
  const [, calls, us] = /cmdstat_evalsha:calls=(\d+),usec=(\d+)/.exec(await redis.info('commandstats')) ?? []
  return { calls: Number(calls), us: Number(us) }
}

/** A fleet on an empty Redis, all of it idle. */
async function idleFleet(redis: Redis, store: Store, start: Start, workers: number, pollMs: number): Promise<Fleet> {
  await redis.flushall()
  for (let n = 0; n < workers; n += 1) await redis.zadd('resque:rt:supervisors', Date.now() + hourMs, `worker${n}`)
  const fleet = await start(store, workers, pollMs)
  await sleep(1000)
  return fleet
}

async function measure(redis: Redis, store: Store, wakes: keyof typeof fleets, workers: number): Promise<object> {
  const start = fleets[wakes]
  const idle = await idleFleet(redis, store, start, workers, 1000)
  const idleFrom = { ...(await scriptCalls(redis)), cpuUs: await redisCpuUs(redis), at: performance.now() }
  await sleep(3000)
  const idleTo = { ...(await scriptCalls(redis)), cpuUs: await redisCpuUs(redis), at: performance.now() }
  const idleMs = idleTo.at - idleFrom.at
  await idle.stop()
  // A fleet that does not poll: what is counted belongs to the jobs.
  const fleet = await idleFleet(redis, store, start, workers, hourMs)
  const from = await scriptCalls(redis)
  const delays: number[] = []
  for (let n = 0; n < jobs; n += 1) {
    const [before, pushedAt] = [fleet.taken, performance.now()]
    if (wakes === 'bullmq') await bullQueue.add('X', [n])
    else {
      const item = `{"class":"X","args":[${n}]}`
      await store.queues.push('default', [{ id: newId(), className: 'X', item }], Date.now(), hourMs)
    }
    await eventually(() => fleet.taken > before, { intervalMs: 1 })
    delays.push(fleet.takenAt - pushedAt)
    await sleep(20)
  }
  await sleep(200)
  const to = await scriptCalls(redis)
  await fleet.stop()
  await sleep(200)
  return {
    workers,
    wakes,
    'script calls a job': Number(((to.calls - from.calls) / jobs).toFixed(1)),
    'Redis ms a job': Number(((to.us - from.us) / jobs / 1000).toFixed(3)),
    'pickup ms, median': Number((delays.sort((a, b) => a - b)[Math.floor(jobs / 2)] ?? 0).toFixed(1)),
    'idle calls a second and worker': Number(((idleTo.calls - idleFrom.calls) / workers / (idleMs / 1000)).toFixed(2)),
    'idle Redis, % of a core': Number(((idleTo.cpuUs - idleFrom.cpuUs) / idleMs / 10).toFixed(1)),
  }
}

const server = await startRedis()
const redis = server.client()
const store = testStore(server)
const fleets = { one: oneWakes, every: allWake, bullmq: bullmqWorkers }
const bullConnection = server.client({ maxRetriesPerRequest: null })
const bullQueue = new Queue('default', { connection: bullConnection })
const results: object[] = []
for (const workers of values.workers.split(',').map(Number))
  for (const wakes of values.wakes.split(',') as (keyof typeof fleets)[])
    results.push(await measure(redis, store, wakes, workers))
console.table(results)
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`)
store.close()
await server.stop()
process.exit(0)

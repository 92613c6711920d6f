// What a plain job costs Redis, in microseconds of its own time, by script; the archive is on.
//   node --conditions=source --import tsx bench/redis-cost.ts [--jobs 5000] [--inflight 10] [--json FILE]
// From INFO commandstats, the median of many spans. Redis's processor time, which includes reading and writing the socket,
// stands beside it. `a whole job`: a real supervisor with the inline launcher, and BullMQ's worker, both in this process.
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { Queue, Worker } from 'bullmq'
import { newId } from '../runtime/core/ids.ts'
import { Job } from '../runtime/jobs/job.ts'
import type { Delivery } from '../runtime/store/workers/supervisors.ts'
import { startRedis } from '../test/support/redis.ts'
import { testStore } from '../test/support/store.ts'
import { inlineSupervisor } from './inline-supervisor.ts'
import { redisCpuUs } from './redis-probes.ts'

const { values } = parseArgs({
  options: {
    jobs: { type: 'string', default: '5000' },
    inflight: { type: 'string', default: '10' },
    json: { type: 'string' },
  },
})
const [jobs, inflight, ttlMs] = [Number(values.jobs), Number(values.inflight), 3_600_000]
const server = await startRedis()
const redis = server.client()

/** Script calls, commands in them and their time so far. */
async function stats(): Promise<{ calls: number; us: number; commands: number; cpuUs: number }> {
  const rows = [...(await redis.info('commandstats')).matchAll(/cmdstat_(\S+):calls=(\d+),usec=(\d+)/g)]
  const sum = (part: 2 | 3, of: (name: string) => boolean): number =>
    rows.filter(([, name = '']) => of(name)).reduce((total, row) => total + Number(row[part]), 0)
  const isScript = (name: string): boolean => /^eval(sha)?$/.test(name)
  const own = (name: string): boolean => /^(info|config\|.*|client\|.*)$/.test(name)
  return {
    calls: sum(2, isScript),
    us: sum(3, isScript),
    commands: sum(2, (name) => !isScript(name) && !own(name)),
    cpuUs: await redisCpuUs(redis),
  }
}

type Cost = Awaited<ReturnType<typeof stats>>
/** Per job, one element for each span: other processes on the machine make single ones long. */
const spans = new Map<string, Cost[]>()

async function measure(what: string, spanJobs: number, act: () => Promise<unknown>): Promise<void> {
  const before = await stats()
  await act()
  const after = await stats()
  const perJob = (name: keyof Cost): number => (after[name] - before[name]) / spanJobs
  const cost = { us: perJob('us'), commands: perJob('commands'), calls: perJob('calls'), cpuUs: perJob('cpuUs') }
  spans.set(what, [...(spans.get(what) ?? []), cost])
}

const store = testStore(server)
await store.supervisors.register('s', ['vm:1:q'], {}, ttlMs)
const list = (from: number, count: number) =>
  Array.from({ length: count }, (_, n) => ({
    id: newId(),
    className: 'NoopJob',
    item: `{"class":"NoopJob","args":[${from + n}]}`,
  }))
const evidence = JSON.stringify({
  wall_ms: 1.2,
  cpu_user_ms: 0.5,
  cpu_system_ms: 0.1,
  waited_ms: 3,
  pid: 4711,
  exit_code: 0,
})
const idle = { list: 'list', listener: 'me', forMs: 1500, listed: false, polled: false }

/** Takes jobs as a worker with so many free slots does. */
async function take(slots: number): Promise<Delivery[]> {
  const workers = Array.from({ length: slots }, (_, n) => `vm:1+${n}:q`)
  const reply = await store.supervisors.reserve('s', { workers, newId: newId() }, ['q'], Date.now(), idle)
  if (reply.kind !== 'taken') throw new Error(`expected jobs, got ${reply.kind}`)
  return reply.jobs.map(({ id, delivery }, n) => ({ id, delivery, worker: workers[n] ?? '' }))
}

const end = (taken: readonly Delivery[]): Promise<unknown> => {
  const done = { state: 'done' as const, fields: { evidence }, ttlMs, mayHaveLog: false }
  return Promise.all(taken.map((job) => store.supervisors.settle('s', job, Date.now(), 1000, done)))
}

const span = 50 * inflight
for (let n = 0; n < jobs; n += span)
  await measure('enqueue, one a call', span, async () => {
    for (let i = 0; i < span; i += 1) await store.queues.push('one', list(n + i, 1), Date.now(), ttlMs)
  })
for (let n = 0; n < 3 * jobs; n += span)
  await measure('enqueue, a hundred a call', span, () => store.queues.push('q', list(n, span), Date.now(), ttlMs))
for (const slots of [1, inflight])
  for (let n = 0; n < jobs; n += span) {
    const inHand: Delivery[][] = []
    await measure(`reserve, ${slots} in a call`, span, async () => {
      for (let i = 0; i < span / slots; i += 1) inHand.push(await take(slots))
    })
    await measure(`settle, ${slots} in a call`, span, async () => {
      for (const taken of inHand) await end(taken)
    })
  }
await redis.flushall()

/** Measures each span of a thousand jobs while a worker runs. */
async function whileRunning(
  what: string,
  start: (onJob: () => void) => Promise<() => Promise<unknown>>,
): Promise<void> {
  let [done, reached] = [0, (): void => undefined]
  const stop = await start(() => {
    if ((done += 1) % 1000 === 0) reached()
  })
  for (let n = 1000; n <= jobs; n += 1000)
    await measure(what, 1000, () => new Promise<void>((resolve) => (done >= n ? resolve() : (reached = resolve))))
  await stop()
}

for (let n = 0; n < jobs; n += 100) await store.queues.push('q', list(n, 100), Date.now(), ttlMs)
await whileRunning(`a whole job, ${inflight} at a time`, async (onJob) => {
  class NoopJob extends Job {
    override perform(_n: number): void {
      onJob()
    }
  }
  const own = testStore(server)
  const supervisor = inlineSupervisor(own, { NoopJob }, 'q', inflight)
  await supervisor.start()
  return () => supervisor.stop().then(() => own.close())
})

const connection = { path: server.url.replace('unix://', '') }
const queue = new Queue('bench', { connection })
const bulk = Array.from({ length: jobs }, (_, n) => ({ name: 'noop', data: { n } }))
for (let from = 0; from < jobs; from += 1000) await queue.addBulk(bulk.slice(from, from + 1000))
await whileRunning(`BullMQ, a whole job, ${inflight} at a time`, async (onJob) => {
  const worker = new Worker('bench', async () => undefined, { connection, concurrency: inflight })
  worker.on('completed', onJob)
  await worker.waitUntilReady()
  return () => worker.close()
})
await queue.close()

const median = (numbers: number[]): number => numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0
const results = [...spans].map(([what, costs]) => {
  const of = (name: keyof Cost): number => Number(median(costs.map((cost) => cost[name])).toFixed(1))
  const perJob = { 'µs a job': of('us'), 'commands a job': of('commands'), 'script calls a job': of('calls') }
  return { what, ...perJob, 'processor µs a job': of('cpuUs') }
})
console.table(results)
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`)
store.close()
await server.stop()
process.exit(0)

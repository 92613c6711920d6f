/**
 * What metrics cost, and traces where no SDK is registered, beside the cheapest kind of job: one that runs in the worker itself.
 * Each round measures the processor time of jobs with their enqueueing, then of all calls for metrics and for traces that
 * one job makes, of the write to Redis (every 5 s) and of a scrape (every 15 s). Medians.
 *   node --conditions=source --import tsx bench/overhead.ts [--jobs 300] [--rounds 31]
 */
import { Registry } from 'prom-client'
import { systemClock } from '../runtime/core/clock.ts'
import { Client } from '../runtime/jobs/client.ts'
import { Job } from '../runtime/jobs/job.ts'
import { flushTelemetry, traceJobs } from '../runtime/jobs/telemetry.ts'
import { ProcessMetrics } from '../runtime/metrics/process-metrics.ts'
import { Tally, writeTally } from '../runtime/metrics/tally.ts'
import type { Assignment, JobEnd } from '../runtime/messages.ts'
import { JobSpan, traceEnded, traceReceived } from '../runtime/worker/tracing.ts'
import { startRedis } from '../test/support/redis.ts'
import { testStore } from '../test/support/store.ts'
import { eventually } from '../test/support/wait.ts'
import { inlineSupervisor } from './inline-supervisor.ts'
import { flag, median } from './support.ts'

class EmptyJob extends Job {
  static override queue = 'bench'
  perform(_n: number): void {}
}

const [jobs, rounds] = [flag('jobs', 300), flag('rounds', 31)]
const server = await startRedis()
const store = testStore(server)
const client = new Client(store, { maxPayloadBytes: 1e6, recordTtlMs: 60_000, waitingTtlMs: 60_000 }, systemClock)
const registry = new Registry()
const own = new ProcessMetrics(registry, 'worker', async () => ({ redisMs: 1, total: 1, busy: 1 }))
const tally = new Tally()
const supervisor = inlineSupervisor(store, { EmptyJob }, 'bench', 4)
await supervisor.start()

/** @returns microseconds of processor time for one job */
async function round(): Promise<number> {
  const upTo = supervisor.processed + jobs
  const before = process.cpuUsage()
  await client.enqueueBulk(
    EmptyJob,
    Array.from({ length: jobs }, (_, n) => [n] as [number]),
  )
  await eventually(() => supervisor.processed >= upTo, { timeoutMs: 300_000, intervalMs: 5 })
  const { user, system } = process.cpuUsage(before)
  return (user + system) / jobs
}

/** @returns microseconds of processor time */
async function timed(act: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage()
  await act()
  const { user, system } = process.cpuUsage(before)
  return user + system
}

const assignment: Assignment = {
  phase: 'perform',
  jobId: 'id',
  className: 'EmptyJob',
  queue: 'bench',
  args: '[]',
  attempt: 1,
  worker: 'w',
}
const ending = { pid: 1, exitCode: 0, signal: null, started: true, output: [] }
const list = [{ id: 'id', className: 'EmptyJob' }]

const end: JobEnd = {
  queue: 'bench',
  className: 'EmptyJob',
  outcome: 'done',
  cause: '',
  waitMs: 3,
  runMs: 2,
  forkMs: 1,
}

/** @returns microseconds of what is counted of one job */
function counts(): number {
  const times = 50_000
  const before = process.cpuUsage()
  for (let n = 0; n < times; n += 1) {
    tally.add(end)
    own.ended(end)
  }
  const { user, system } = process.cpuUsage(before)
  return (user + system) / times
}

/** @returns microseconds of all calls for traces that one job makes, from enqueue to exit */
async function traces(): Promise<number> {
  const times = 50_000
  const before = process.cpuUsage()
  for (let n = 0; n < times; n += 1) {
    await traceJobs(list, 'bench', () => Promise.resolve())
    traceReceived(assignment, 1)
    const span = new JobSpan(assignment)
    await span.within(() => Promise.resolve())
    span.end({ kind: 'done' })
    await flushTelemetry()
    traceEnded(assignment, ending, { kind: 'done' }, 1)
  }
  const { user, system } = process.cpuUsage(before)
  return (user + system) / times
}

await round()
const [plain, counted, traced]: [number[], number[], number[]] = [[], [], []]
const [written, scraped]: [number[], number[]] = [[], []]
for (let n = 0; n < rounds; n += 1) {
  plain.push(await round())
  counted.push(counts())
  written.push(await timed(() => writeTally(tally, store.metrics, Date.now())))
  scraped.push(await timed(() => registry.metrics()))
  traced.push(await traces())
}
const base = median(plain)
const perJob = median(counted)
const [write, scrape] = [median(written), median(scraped)]
const percent = 100 * (perJob / base + write / 5e6 + scrape / 15e6)
console.log(`one job, enqueued and run in the worker: ${base.toFixed(1)} us of processor time (median of ${rounds})`)
console.log(
  `metrics: ${perJob.toFixed(2)} us a job, ${write.toFixed(0)} us a write, ${scrape.toFixed(0)} us a scrape: ${percent.toFixed(2)} % of a worker that is always busy`,
)
console.log(`traces without an SDK: ${median(traced).toFixed(2)} us, ${((100 * median(traced)) / base).toFixed(2)} %`)
await supervisor.stop()
store.close()
await server.stop()
process.exit(0)

// The archive: searching among many records in PostgreSQL, writing them, and what archiving costs a worker.
//   node --conditions=source --import tsx bench/archive.ts [--records 1000000] [--jobs 1000] [--pairs 20] [--isolation inline] [--json FILE]
// PostgreSQL and Redis are the benchmark's own, on unix sockets, on the machine's disk, with their usual buffers. Overhead is
// measured in pairs of slices of one worker: the same jobs with and without the archive, one right after the other, the
// order changing from pair to pair; the figures are medians of the pairs' ratios, of the jobs a second and of the processor
// time of the supervisor and Redis (not of job processes), which says more where others use the machine, too. `inline` has
// no process a job, so it shows the most that archiving can cost. Needs a build: workers run from dist. `--records 0` or
// `--jobs 0` leaves that part out.
import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import type { Redis } from 'ioredis'
import type { ArchiveQuery } from '../runtime/archive/archive.ts'
import { migrate, openPool } from '../runtime/archive/postgres.ts'
import { PostgresArchive } from '../runtime/archive/postgres-archive.ts'
import type { ArchiveRecord } from '../runtime/archive/record.ts'
import { makeApp, removeApps } from '../test/support/app.ts'
import { startCli } from '../test/support/process.ts'
import { startPostgres } from '../test/support/postgres.ts'
import { startRedis } from '../test/support/redis.ts'
import { eventually } from '../test/support/wait.ts'

const { values } = parseArgs({
  options: {
    records: { type: 'string', default: '1000000' },
    jobs: { type: 'string', default: '1000' },
    pairs: { type: 'string', default: '20' },
    isolation: { type: 'string', default: 'inline' },
    json: { type: 'string' },
  },
})
const [records, jobs, pairs] = [Number(values.records), Number(values.jobs), Number(values.pairs)]
const patience = { timeoutMs: 600_000, intervalMs: 2 }
const report: Record<string, unknown> = { node: process.version, records, jobs, pairs, isolation: values.isolation }

const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN
const round = (value: number): number => Math.round(value * 10) / 10
const none = (): { rates: number[]; cpuMs: number[] } => ({ rates: [], cpuMs: [] })
const median = (list: readonly number[]): number =>
  quantile(
    [...list].sort((a, b) => a - b),
    0.5,
  )

const postgres = await startPostgres({
  shared_buffers: '128MB',
  fsync: 'on',
  full_page_writes: 'on',
  max_wal_size: '2GB',
})
const url = await postgres.database()
const pool = openPool(url)
await migrate(pool)

if (records > 0) {
  await fill(records)
  report.search = await searches()
  report.write = await writing()
}
if (jobs > 0) report.overhead = await overhead()
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`)
await pool.end()
await postgres.stop()

/** Records as a year's end would have them: 40 classes of unequal share, thirty days, one in twenty failed. */
async function fill(count: number): Promise<void> {
  const startedAt = performance.now()
  const chunk = 100_000
  for (let from = 0; from < count; from += chunk) {
    await pool.query(
      `insert into runtime_archive.records (namespace, id, kind, class, queue, outcome, cause, args, args_search,
         enqueued_at, started_at, ended_at, wait_ms, run_ms, cpu_ms, peak_rss_bytes, attempts, details)
       select 'resque', 'id' || n, 'job', 'Class' || floor(40 * random() * random()) || 'Job', 'q' || n % 4,
         case when n % 20 = 0 then 'failed' else 'done' end, case when n % 20 = 0 then 'exception' end,
         a, a::jsonb, t - interval '9s', t - interval '5s', t, 4000 * random(), 5000 * random(), 900 * random(),
         (40 + 60 * random())::bigint * 1048576, 1 + (n % 20 = 0)::int, '{"worker":"host:1:q","evidence":{"pid":1,"output":["a line","another"]}}'
       from (select n, now() - (30 * (n / $2::float8)) * interval '1 day' as t,
         '[{"user":' || n % 50000 || ',"path":"/data/' || n || '"}]' as a from generate_series($1::int, $1::int + $3::int - 1) n) rows`,
      [from, count, Math.min(chunk, count - from)],
    )
  }
  await pool.query('vacuum analyze runtime_archive.records')
  console.log(`${count} records, written in ${Math.round((performance.now() - startedAt) / 1000)} s`)
}

/** Milliseconds of searches as the command makes them, the first one included. */
async function searches(): Promise<object[]> {
  const archive = new PostgresArchive(pool, 'resque')
  const day = 86_400_000
  const now = Date.now()
  const queries: Record<string, ArchiveQuery> = {
    'class, last day': { class: 'Class0Job', sinceMs: now - day },
    'rare class, last day': { class: 'Class38Job', sinceMs: now - day },
    'class, a day three weeks ago': { class: 'Class3Job', sinceMs: now - 21 * day, untilMs: now - 20 * day },
    'class, failed, last day': { class: 'Class1Job', outcome: 'failed', sinceMs: now - day },
    'class, user, all time': { class: 'Class2Job', args: [{ name: 'user', value: '777' }] },
    'class, failed, user, last week': {
      class: 'Class0Job',
      outcome: 'failed',
      sinceMs: now - 7 * day,
      args: [{ name: 'user', value: '60' }],
    },
    'failed, last day': { outcome: 'failed', sinceMs: now - day },
    'nothing such': { class: 'NobodyJob' },
  }
  const rows = []
  for (const [name, query] of Object.entries(queries)) {
    const times: number[] = []
    let found = 0
    for (let n = 0; n < 20; n += 1) {
      const startedAt = performance.now()
      found = (await archive.search(query, 50)).length
      times.push(performance.now() - startedAt)
    }
    const sorted = times.sort((a, b) => a - b)
    rows.push({
      search: name,
      found,
      medianMs: round(quantile(sorted, 0.5)),
      p95Ms: round(quantile(sorted, 0.95)),
      slowestMs: round(sorted.at(-1) ?? NaN),
    })
  }
  console.table(rows)
  return rows
}

/** Records a second through the archiver's own statement, into a table that is full already. */
async function writing(): Promise<object> {
  const archive = new PostgresArchive(pool, 'resque')
  const startedAt = performance.now()
  const batches = 40
  for (let batch = 0; batch < batches; batch += 1) {
    await archive.write(Array.from({ length: 500 }, (_, n) => sample(`new${batch}-${n}`, n)))
  }
  const result = {
    batch: 500,
    recordsPerSecond: Math.round((batches * 500) / ((performance.now() - startedAt) / 1000)),
  }
  console.table([result])
  return result
}

function sample(id: string, n: number): ArchiveRecord {
  return {
    ...{
      id,
      kind: 'job',
      class: 'NewJob',
      queue: 'q',
      outcome: 'done',
      args: `[{"user":${n}}]`,
      endedAtMs: Date.now(),
      attempts: 1,
    },
    ...{
      waitMs: 5,
      runMs: 7,
      cpuMs: 3,
      peakRssBytes: 5e7,
      details: { worker: 'host:1:q', evidence: { pid: 1, output: ['a line'] } },
    },
  }
}

/** Pairs of slices, with and without, in one worker: the archive is switched where every settle looks for it. */
async function overhead(): Promise<object[]> {
  const app = await makeApp({
    'src/jobs/noop-job.js': "import { Job } from 'resque-runtime'\nexport class NoopJob extends Job { perform() {} }\n",
  })
  const places: [string, Record<string, string>][] = [
    ['in Redis', {}],
    ['in PostgreSQL', { RUNTIME_ARCHIVE_URL: url }],
  ]
  const rows = []
  for (const [archive, env] of places) {
    rows.push({ archive, ...(await compare(app, env)) })
    console.table([rows.at(-1)])
  }
  await removeApps()
  return rows
}

type Side = 'without' | 'with'

async function compare(app: string, env: Record<string, string>): Promise<object> {
  const server = await startRedis()
  const redis = server.client()
  const args = ['work', '--redis', server.url, '--isolation', values.isolation, '--log-level', 'info']
  const worker = startCli(args, { cwd: app, env })
  const seen: Record<Side, { rates: number[]; cpuMs: number[] }> = { without: none(), with: none() }
  try {
    await worker.waitForLine(/working on/, patience)
    const bound = await eventually(() => redis.hget('resque:rt:archive:settings', 'max'), patience)
    await redis.sadd('resque:queues', 'bench')
    for (let pair = -1; pair < pairs; pair += 1) {
      for (const side of pair % 2 === 0 ? (['without', 'with'] as const) : (['with', 'without'] as const)) {
        await redis.hset('resque:rt:archive:settings', 'max', side === 'with' ? bound : 0)
        const { rate, cpuMs } = await slice(redis, worker.pid, server.pid)
        // What is left for PostgreSQL must not burden the next slice. The first pair warms up.
        if (Object.keys(env).length > 0)
          await eventually(async () => (await redis.xlen('resque:rt:archive')) === 0, patience)
        if (pair < 0) continue
        seen[side].rates.push(rate)
        seen[side].cpuMs.push(cpuMs)
      }
    }
  } finally {
    await worker.stop('SIGQUIT')
    await server.stop()
  }
  const cost = (ratios: number[]): number => round(100 * median(ratios))
  return {
    without: Math.round(median(seen.without.rates)),
    with: Math.round(median(seen.with.rates)),
    costPercent: cost(seen.with.rates.map((rate, i) => 1 - rate / (seen.without.rates[i] ?? NaN))),
    cpuPercent: cost(seen.with.cpuMs.map((cpuMs, i) => cpuMs / (seen.without.cpuMs[i] ?? NaN) - 1)),
  }
}

/** Jobs a second, from the push to the last job's count, and the processor time that the supervisor and Redis took for one. */
async function slice(redis: Redis, workerPid: number, redisPid: number): Promise<{ rate: number; cpuMs: number }> {
  const item = '{"class":"NoopJob","args":[{"user":7,"path":"/data/7"}]}'
  const before = Number((await redis.get('resque:stat:processed')) ?? 0)
  const cpuBefore = cpuTicks(workerPid) + cpuTicks(redisPid)
  const startedAt = performance.now()
  await redis.rpush('resque:queue:bench', ...Array.from({ length: jobs }, () => item))
  await eventually(async () => Number(await redis.get('resque:stat:processed')) === before + jobs, {
    ...patience,
    intervalMs: 5,
  })
  const rate = jobs / ((performance.now() - startedAt) / 1000)
  return { rate, cpuMs: ((cpuTicks(workerPid) + cpuTicks(redisPid) - cpuBefore) * 10) / jobs }
}

/** Hundredths of a second of a process and of its children that have ended. */
function cpuTicks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0)
}

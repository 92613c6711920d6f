// The archive: searching among many records in PostgreSQL, writing them, and what archiving costs a worker.
//   node --conditions=source --import tsx bench/archive.ts [--records 1000000] [--jobs 10000] [--pairs 7] [--isolation inline] [--json FILE]
// PostgreSQL and Redis are the benchmark's own, on unix sockets, on the machine's disk, with their usual buffers. Overhead is
// measured in pairs: the same jobs with and without the archive, one right after the other, the order changing from pair
// to pair; the figure is the median of the pairs' ratios. `inline` has no process a job, so it shows the most that archiving
// can cost. Needs a build: workers run from dist. `--records 0` or `--jobs 0` leaves that part out.
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
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
    jobs: { type: 'string', default: '10000' },
    pairs: { type: 'string', default: '7' },
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

/** Pairs of runs, with and without. */
async function overhead(): Promise<object[]> {
  const app = await makeApp({
    'src/jobs/noop-job.js': "import { Job } from 'resque-runtime'\nexport class NoopJob extends Job { perform() {} }\n",
  })
  const none = { RUNTIME_ARCHIVE_MAX_RECORDS: '0' }
  const ways: Record<string, Record<string, string>> = { 'in Redis': {}, 'in PostgreSQL': { RUNTIME_ARCHIVE_URL: url } }
  const rows = []
  for (const [name, env] of Object.entries(ways)) {
    const ratios: number[] = []
    const rates = { without: [] as number[], with: [] as number[] }
    for (let pair = 0; pair < pairs; pair += 1) {
      const measured = { without: 0, with: 0 }
      for (const side of pair % 2 === 0 ? (['without', 'with'] as const) : (['with', 'without'] as const)) {
        measured[side] = await throughput(app, side === 'with' ? env : none)
        rates[side].push(measured[side])
      }
      ratios.push(measured.with / measured.without)
    }
    const median = (list: number[]): number =>
      quantile(
        list.sort((a, b) => a - b),
        0.5,
      )
    rows.push({
      archive: name,
      without: Math.round(median(rates.without)),
      with: Math.round(median(rates.with)),
      costPercent: round(100 * (1 - median(ratios))),
      pairs: ratios.map((ratio) => round(100 * (1 - ratio))).join(' '),
    })
    console.table([rows.at(-1)])
  }
  await removeApps()
  return rows
}

/** Jobs a second of one worker, from the moment it is told to go on until the last job is counted. */
async function throughput(app: string, env: Record<string, string>): Promise<number> {
  const server = await startRedis()
  const redis = server.client()
  const worker = startCli(['work', '--redis', server.url, '--isolation', values.isolation, '--log-level', 'info'], {
    cwd: app,
    env,
  })
  try {
    await worker.waitForLine(/working on/, patience)
    const item = '{"class":"NoopJob","args":[{"user":7,"path":"/data/7"}]}'
    await redis.sadd('resque:queues', 'bench')
    const push = (count: number): Promise<number> =>
      redis.rpush('resque:queue:bench', ...Array.from({ length: count }, () => item))
    const processed = async (count: number): Promise<void> =>
      void (await eventually(async () => (await redis.get('resque:stat:processed')) === String(count), patience))
    // The first jobs find cold code.
    const warm = Math.ceil(jobs / 5)
    await push(warm)
    await processed(warm)
    const startedAt = performance.now()
    for (let from = 0; from < jobs; from += 5000) await push(Math.min(5000, jobs - from))
    await processed(warm + jobs)
    return jobs / ((performance.now() - startedAt) / 1000)
  } finally {
    await worker.stop('SIGQUIT')
    await server.stop()
  }
}

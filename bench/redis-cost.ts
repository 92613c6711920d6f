// What a plain job costs Redis from reserve to settled, in microseconds of its own time, by script; the archive is on.
//   node --conditions=source --import tsx bench/redis-cost.ts [--jobs 5000] [--inflight 10] [--json FILE]
// From INFO commandstats; Redis's processor time, which includes reading and writing the socket, stands beside it.
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { Queue, Worker } from 'bullmq'
import { newId } from '../runtime/core/ids.ts'
import { startRedis } from '../test/support/redis.ts'
import { testStore } from '../test/support/store.ts'
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

const empty = { calls: 0, us: 0, commands: 0, cpuUs: 0 }
const totals = new Map<string, typeof empty>()

async function measure(what: string, act: () => Promise<unknown>): Promise<void> {
  const before = await stats()
  await act()
  const after = await stats()
  const sum = totals.get(what) ?? { ...empty }
  for (const name of Object.keys(empty) as (keyof typeof empty)[]) sum[name] += after[name] - before[name]
  totals.set(what, sum)
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
const taken: { id: string; delivery: string; worker: string }[] = []
const idle = { list: 'list', listener: 'me', forMs: 1500, polled: false }
async function take(n: number): Promise<void> {
  const worker = `vm:1+${n % inflight}:q`
  const reply = await store.supervisors.reserve('s', worker, ['q'], newId(), Date.now(), idle)
  if (reply.kind === 'job') taken.push({ id: reply.job.id, delivery: reply.job.delivery, worker })
}
const end = async (): Promise<void> => {
  const job = taken.pop()
  if (job) await store.supervisors.settle('s', job, Date.now(), 1000, { state: 'done', fields: { evidence }, ttlMs })
}
await store.queues.push('q', list(-50, 50), Date.now(), ttlMs)
for (let n = 0; n < 50; n += 1) await take(n).then(end)
await measure('enqueue, a hundred a call', () => store.queues.push('q', list(0, jobs), Date.now(), ttlMs))
for (let n = 0; n < jobs; n += inflight) {
  const some = Array.from({ length: Math.min(inflight, jobs - n) }, (_, i) => n + i)
  await measure('reserve', () => Promise.all(some.map(take)))
  await measure('settle', () => Promise.all(some.map(end)))
}
store.close()

const connection = { path: server.url.replace('unix://', '') }
const queue = new Queue('bench', { connection })
const bulk = Array.from({ length: jobs }, (_, n) => ({ name: 'noop', data: { n } }))
for (let from = 0; from < jobs; from += 1000) await queue.addBulk(bulk.slice(from, from + 1000))
await measure('BullMQ, from taken to completed', async () => {
  let done = 0
  const worker = new Worker('bench', async () => undefined, { connection, concurrency: inflight })
  await new Promise<void>((resolve) => worker.on('completed', () => (done += 1) === jobs && resolve()))
  await worker.close()
})
await queue.close()
const [reserve = empty, settle = empty] = [totals.get('reserve'), totals.get('settle')]
totals.set('reserve and settle', {
  ...{ calls: reserve.calls + settle.calls, us: reserve.us + settle.us },
  ...{ commands: reserve.commands + settle.commands, cpuUs: reserve.cpuUs + settle.cpuUs },
})
const results = [...totals].map(([what, { calls, us, commands, cpuUs }]) => ({
  what,
  'µs a job': Number((us / jobs).toFixed(1)),
  'commands a job': Number((commands / jobs).toFixed(1)),
  'script calls a job': Number((calls / jobs).toFixed(2)),
  'processor µs a job': Math.round(cpuUs / jobs),
}))
console.table(results)
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`)
await server.stop()
process.exit(0)

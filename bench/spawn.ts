/**
 * What a fresh Node process for each job costs through this runtime, beside `child_process.fork` of a file that loads the same built application and
 * runs the same job, and of an empty file; one slot and two, in turn. Processor time is that of all processes but Redis: a busy machine does not
 * stretch it. `fork` is the part of a job's time line in which it waits for its process, with jobs at random moments: a boot shows there.
 *
 *   node --conditions=source --import tsx bench/spawn.ts [--jobs 40] [--rounds 3]
 */
import { fork } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { silentLogger } from '../runtime/core/logger.ts'
import { close, configure, enqueue } from '../runtime/index.ts'
import { extraFiles, jobFiles } from '../runtime/jobs/app.ts'
import { buildForSpawn } from '../runtime/worker/launchers/fork/app-build/built-app.ts'
import { locateBuilt } from '../runtime/worker/launchers/fork/zygote/core/built-imports.ts'
import { Empty } from './app/src/jobs/empty.ts'
import { end, until } from './contestants.ts'
import { APP, flag, item, median, push, quantile, runtime, startRedis } from './support.ts'

const jobs = flag('jobs', 40)
const rounds = flag('rounds', 3)
const redis = await startRedis()
configure({ redis: { url: redis.url } })

/** What one contestant took for a job. */
interface Cost {
  perSecond: number
  cpuMs: number
}

const TICK_MS = 10

/** Of a process and of its children that have ended, from /proc, in steps of 10 ms: fields 14 to 17 of stat (proc(5)). */
function cpuMs(pid: number | 'self'): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at]), 0) * TICK_MS
}

/** A process for each job without a queue, by Node's own means. */
async function bare(program: string, args: readonly string[], slots: number): Promise<Cost> {
  const path = fileURLToPath(new URL(`./programs/${program}`, import.meta.url))
  let left = jobs
  const lane = async (): Promise<void> => {
    while (left > 0) {
      left -= 1
      const child = fork(path, args, { stdio: 'ignore', execArgv: [] })
      await new Promise((resolve) => child.once('exit', resolve))
    }
  }
  const [startedAt, before] = [performance.now(), cpuMs('self')]
  await Promise.all(Array.from({ length: slots }, lane))
  return { perSecond: jobs / ((performance.now() - startedAt) / 1000), cpuMs: (cpuMs('self') - before) / jobs }
}

const WARM_UP = 10

/** `runtime work --isolation spawn`, warm, and what `act` finds of it. */
async function withWorker<T>(
  slots: number,
  act: (pid: number, processed: () => Promise<number>) => Promise<T>,
): Promise<T> {
  await redis.client.flushall()
  const worker = runtime(
    ['work', '--queues', 'bench', '--concurrency', String(slots), '--isolation', 'spawn', '--log-level', 'debug'],
    redis.url,
  )
  for (const stream of [worker.stdout, worker.stderr]) stream?.on('data', (chunk: Buffer) => log.push(String(chunk)))
  try {
    const processed = async (): Promise<number> => Number((await redis.client.get('resque:stat:processed')) ?? 0)
    await push(redis.client, 'bench', Array<string>(WARM_UP).fill(item('Empty')))
    await until(async () => (await processed()) >= WARM_UP)
    return await act(Number(worker.pid), processed)
  } finally {
    await end(worker)
  }
}
const log: string[] = []

/** At least as many as there are spares: these jobs find theirs started, so the rate is that of the jobs after them. */
const SPARED = 8
/** Until spares that were taken are there again: then as many processes were started as jobs have run. */
const REFILLED_MS = 2000

const ours = (slots: number): Promise<Cost> =>
  withWorker(slots, async (pid, processed) => {
    await sleep(REFILLED_MS)
    const before = cpuMs(pid)
    await push(redis.client, 'bench', Array<string>(jobs + SPARED).fill(item('Empty')))
    await until(async () => (await processed()) >= WARM_UP + SPARED)
    const startedAt = performance.now()
    await until(async () => (await processed()) >= WARM_UP + SPARED + jobs)
    const perSecond = jobs / ((performance.now() - startedAt) / 1000)
    await sleep(REFILLED_MS)
    return { perSecond, cpuMs: (cpuMs(pid) - before) / (jobs + SPARED) }
  })

/** Jobs that come at random moments, `perSecond` on average: what each waited for its process, in ms. */
async function waits(slots: number, perSecond: number): Promise<number[]> {
  log.length = 0
  await withWorker(slots, async (_pid, processed) => {
    await sleep(REFILLED_MS)
    log.length = 0
    for (let n = 0; n < jobs; n += 1) {
      await enqueue.with({ queue: 'bench' })(Empty)
      await sleep((-Math.log(Math.random()) * 1000) / perSecond)
    }
    await until(async () => (await processed()) >= jobs + WARM_UP)
  })
  return [...log.join('').matchAll(/"?\bfork"?[ :]+([\d.]+)/g)].map(([, ms]) => Number(ms))
}

const source = { root: APP, paths: ['src/jobs'] }
const built = await buildForSpawn(source, silentLogger)
const files = [...extraFiles(source), ...jobFiles(source)].map(locateBuilt(built?.files ?? {}))
const contestants: Record<string, (slots: number) => Promise<Cost>> = {
  'this runtime, spawn, through Redis': ours,
  'child_process.fork, same application': (slots) => bare('bare-app-child.mjs', files, slots),
  'child_process.fork, empty file': (slots) => bare('bare-child.mjs', [], slots),
}
console.log(`Node ${process.version}`)
for (const slots of [1, 2]) {
  const costs = new Map<string, Cost[]>()
  for (let round = 0; round < rounds; round += 1)
    for (const [name, run] of Object.entries(contestants))
      costs.set(name, [...(costs.get(name) ?? []), await run(slots)])
  console.log(`\n${slots} at a time, medians of ${rounds}`)
  const of = (name: string, what: keyof Cost): number => median((costs.get(name) ?? []).map((cost) => cost[what]))
  const [own = ''] = costs.keys()
  for (const name of costs.keys()) {
    const [rate, cpu] = [of(name, 'perSecond'), of(name, 'cpuMs')]
    const ratios = `spawn has ${(of(own, 'perSecond') / rate).toFixed(2)} of its rate, ${(cpu / of(own, 'cpuMs')).toFixed(2)} by processor time`
    console.log(
      `  ${name.padEnd(38)} ${rate.toFixed(1).padStart(6)} jobs/s ${cpu.toFixed(1).padStart(7)} ms a job   ${ratios}`,
    )
  }
}
for (const perSecond of [2, 5, 10]) {
  const found = await waits(2, perSecond)
  const [half, most] = [quantile(found, 0.5), quantile(found, 0.99)].map((ms) => ms.toFixed(1))
  console.log(
    `waits for a process, ${perSecond} jobs/s at random: p50 ${half} ms, p99 ${most} ms, ${found.filter((ms) => ms > 20).length} of ${found.length} over 20 ms`,
  )
}
built?.remove()
close()
await redis.stop()

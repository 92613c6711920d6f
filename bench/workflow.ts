// What a workflow costs per job, by shape and size; BullMQ flows on the same Redis in the same run.
//   npm run build && node --conditions=source --import tsx bench/workflow.ts [--sizes 100,1000,10000,100000]
//        [--shapes fan-in,chain,lattice,random] [--modes engine,inline,fork,bullmq] [--rounds 1] [--json FILE]
// engine: steps are taken, begun and settled by one client, without any job code or process: what Redis and the scripts cost.
// inline: a whole supervisor, whose jobs run in its own process. fork: `runtime work`, a process for each job, two at a time.
// bullmq: FlowProducer and Worker, no-op jobs (fan-in only: its flows are trees). Each has carried a graph of three hundred
// jobs before it is measured. Of several rounds, the median time and the shortest of the longest script calls are told: a call
// that is long in one round only was waiting for the machine.
import { writeFileSync } from 'node:fs'
import { setPriority } from 'node:os'
import { parseArgs } from 'node:util'
import { redisCpuUs, slowest, usedBytes } from './redis-probes.ts'
import { median } from './support.ts'
import { bullmq, engine, fork, inline, type Drive } from './workflow-drives.ts'
import { graphOf, shapes } from './workflow-graphs.ts'
import { removeApps } from '../test/support/app.ts'
import { startRedis, type TestRedis } from '../test/support/redis.ts'

interface Measured {
  mode: string
  shape: string
  jobs: number
  createMs: number
  msPerJob: number
  /** Processor time of Redis: the same on a busy machine. */
  redisUsPerJob: number
  bytesPerJob: number
  longestScript: { ms: number; script: string; p999Ms: number }
}

/** A Redis of its own, first in line for the processor where we may ask for that: so that its clock times the scripts, not its neighbours. */
async function quietRedis(): Promise<TestRedis> {
  const redis = await startRedis()
  try {
    setPriority(redis.pid, -20)
  } catch {
    // Not root: the figures are a little noisier.
  }
  return redis
}

async function measure(
  mode: string,
  drive: (redis: TestRedis) => Promise<Drive>,
  shape: string,
  jobs: number,
): Promise<Measured> {
  const redis = await quietRedis()
  const client = redis.client()
  const driver = await drive(redis)
  try {
    await driver.run(await driver.create(graphOf(shape, 300)))
    await client.config('SET', 'slowlog-log-slower-than', '500')
    await client.config('SET', 'slowlog-max-len', '10000')
    await client.config('RESETSTAT')
    const graph = graphOf(shape, jobs)
    const before = await usedBytes(client)
    const created = performance.now()
    const id = await driver.create(graph)
    const createMs = performance.now() - created
    const bytesPerJob = ((await usedBytes(client)) - before) / jobs
    const cpu = await redisCpuUs(client)
    const started = performance.now()
    await driver.run(id)
    const msPerJob = (performance.now() - started) / jobs
    const redisUsPerJob = ((await redisCpuUs(client)) - cpu) / jobs
    return { mode, shape, jobs, createMs, bytesPerJob, msPerJob, redisUsPerJob, longestScript: await slowest(client) }
  } finally {
    await driver.stop()
    await redis.stop()
  }
}

/** One line out of the same measured several times. */
function summary(rounds: readonly Measured[]): Measured {
  const of = (pick: (one: Measured) => number): number => median(rounds.map(pick))
  const [first] = rounds as [Measured]
  return {
    ...first,
    createMs: of((one) => one.createMs),
    msPerJob: of((one) => one.msPerJob),
    redisUsPerJob: of((one) => one.redisUsPerJob),
    bytesPerJob: of((one) => one.bytesPerJob),
    longestScript: rounds.map((one) => one.longestScript).reduce((a, b) => (a.ms <= b.ms ? a : b)),
  }
}

const { values } = parseArgs({
  options: {
    sizes: { type: 'string', default: '100,1000,10000,100000' },
    shapes: { type: 'string', default: Object.keys(shapes).join() },
    modes: { type: 'string', default: 'engine,inline,fork,bullmq' },
    rounds: { type: 'string', default: '1' },
    json: { type: 'string' },
  },
})
const drives = { engine, inline, fork, bullmq }
const results: Measured[] = []
console.log(
  ['mode', 'shape', 'jobs', 'create ms', 'ms/job', 'Redis µs/job', 'bytes/job', 'script ms p99.9', 'longest'].join(
    '\t',
  ),
)
for (const mode of values.modes.split(',') as (keyof typeof drives)[]) {
  for (const shape of mode === 'bullmq' ? ['fan-in'] : values.shapes.split(',')) {
    for (const jobs of values.sizes.split(',').map(Number)) {
      const rounds: Measured[] = []
      while (rounds.length < Number(values.rounds)) rounds.push(await measure(mode, drives[mode], shape, jobs))
      const result = summary(rounds)
      results.push(...rounds)
      const { createMs, msPerJob, redisUsPerJob, bytesPerJob, longestScript } = result
      console.log(
        [
          mode,
          shape,
          jobs,
          createMs.toFixed(0),
          msPerJob.toFixed(3),
          redisUsPerJob.toFixed(0),
          bytesPerJob.toFixed(0),
          longestScript.p999Ms <= 0.5 ? '< 0.5' : longestScript.p999Ms.toFixed(1),
          longestScript.ms === 0 ? '< 0.5' : longestScript.ms.toFixed(1),
          longestScript.script,
        ].join('\t'),
      )
    }
  }
}
await removeApps()
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`)

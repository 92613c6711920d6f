// What a workflow costs per job, by shape and size; BullMQ flows on the same Redis in the same run.
//   node --conditions=source --import tsx bench/workflow.ts [--sizes 100,1000,10000,100000] [--shapes fan-in,chain,lattice,random]
//        [--modes engine,inline,bullmq] [--json FILE]
// engine: steps are taken, begun and settled by one client, without any job code or process: what Redis and the scripts cost.
// inline: a whole supervisor, whose jobs run in its own process. bullmq: FlowProducer and Worker, no-op jobs (fan-in only: its flows are trees).
import { writeFileSync } from 'node:fs'
import { setPriority } from 'node:os'
import { parseArgs } from 'node:util'
import { FlowProducer, Worker } from 'bullmq'
import { systemClock } from '../runtime/core/clock.ts'
import { silentLogger } from '../runtime/core/logger.ts'
import { Job } from '../runtime/jobs/job.ts'
import { Registry } from '../runtime/jobs/registry.ts'
import type { Store } from '../runtime/store/store.ts'
import { InlineLauncher } from '../runtime/worker/launchers/inline.ts'
import { Supervisor } from '../runtime/worker/supervisor.ts'
import { createRun } from '../runtime/workflow/create-run.ts'
import { Steps } from '../runtime/workflow/steps.ts'
import { redisCpuUs, slowest, usedBytes } from './redis-probes.ts'
import { graphOf, shapes } from './workflow-graphs.ts'
import { startRedis, type TestRedis } from '../test/support/redis.ts'
import { testStore } from '../test/support/store.ts'

class NoopStep extends Job {
  static override queue = 'bench'
  perform(): number {
    return 1
  }
}

const concurrency = 8

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

type Drive = (store: Store, redis: TestRedis, runId: string) => Promise<void>

/** Takes, begins and ends steps without running anything. */
const engine: Drive = async (store, _redis, runId) => {
  const supervisor = 'bench'
  const steps = new Steps(store.runs, systemClock, { maxOutputBytes: 1e6, maxPayloadsBytes: 1e9 })
  await store.supervisors.beat(supervisor, ['bench:1:bench'], 3_600_000, true)
  const slot = async (n: number): Promise<void> => {
    const worker = `bench:${n}:bench`
    for (let job = 0; ; job += 1) {
      const reply = await store.supervisors.reserve(supervisor, worker, ['bench'], `${runId}${n}-${job}`, Date.now())
      if (reply.kind !== 'job') {
        const run = await store.runs.read.find(runId)
        if (run?.status !== 'running') return
        await new Promise((resolve) => setTimeout(resolve, 1))
        continue
      }
      const { args } = JSON.parse(reply.job.item) as { args: unknown[] }
      const step = await steps.prepare(reply.job, JSON.stringify(args))
      const delivery = { worker, id: reply.job.id, delivery: reply.job.delivery }
      if ('gone' in step) throw new Error(step.gone)
      await store.supervisors.settle(supervisor, delivery, Date.now(), 100, {
        state: 'done',
        ttlMs: 1000,
        step: { output: '1' },
      })
    }
  }
  await Promise.all(Array.from({ length: concurrency }, (_, n) => slot(n)))
}

/** A whole supervisor with the inline launcher. */
const inline: Drive = async (_store, redis, runId) => {
  const store = testStore(redis)
  const registry = new Registry()
  registry.addModule({ NoopStep }, 'bench')
  const limits = {
    failedMax: 100,
    recordTtlMs: 1000,
    attemptsKept: 5,
    backtraceLines: 20,
    logLines: 20,
    logLineBytes: 1000,
  }
  const supervisor = new Supervisor({
    store,
    clock: systemClock,
    log: silentLogger,
    launcher: new InlineLauncher({ root: '.', paths: [] }, { registry, hooks: {} }),
    steps: new Steps(store.runs, systemClock, { maxOutputBytes: 1e6, maxPayloadsBytes: 1e9 }),
    queues: ['bench'],
    weights: {},
    concurrency,
    heartbeatMs: 5000,
    leaseMs: 30_000,
    maxRedeliveries: 3,
    pollMs: 1000,
    termTimeoutMs: 1000,
    preShutdownTimeoutMs: 0,
    shutdownTimeoutMs: 0,
    gracefulTerm: false,
    drain: false,
    limits,
  })
  await supervisor.start()
  const ended = new Promise<void>((resolve) => void store.runs.read.listen(runId, resolve))
  const watch = setInterval(
    () => void store.runs.read.find(runId).then((run) => run?.status === 'finished' && wake()),
    500,
  )
  let wake = (): void => undefined
  await Promise.race([ended, new Promise<void>((resolve) => (wake = resolve))])
  clearInterval(watch)
  await supervisor.stop()
  store.close()
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

async function measure(mode: string, drive: Drive, shape: string, jobs: number): Promise<Measured> {
  const redis = await quietRedis()
  const store = testStore(redis)
  const client = redis.client()
  try {
    await client.config('SET', 'slowlog-log-slower-than', '500')
    await client.config('SET', 'slowlog-max-len', '10000')
    const graph = graphOf(shape, jobs)
    const before = await usedBytes(client)
    const target = { store, clock: systemClock, ttlMs: 3_600_000, maxPayloadBytes: 1e6, recordTtlMs: 1000 }
    const created = performance.now()
    const id = await createRun(target, { className: 'BenchFlow', graph })
    const createMs = performance.now() - created
    const bytesPerJob = ((await usedBytes(client)) - before) / jobs
    const cpu = await redisCpuUs(client)
    const started = performance.now()
    await Promise.all([store.runs.start(id, Date.now()), drive(store, redis, id)])
    const run = await store.runs.read.find(id)
    if (run?.status !== 'finished') throw new Error(`${mode} ${shape} ${jobs}: the run is ${run?.status}`)
    return {
      mode,
      shape,
      jobs,
      createMs,
      bytesPerJob,
      msPerJob: (performance.now() - started) / jobs,
      redisUsPerJob: ((await redisCpuUs(client)) - cpu) / jobs,
      longestScript: await slowest(client),
    }
  } finally {
    store.close()
    await redis.stop()
  }
}

/** A BullMQ flow: n - 1 children and their parent, which reads what they returned. */
async function measureBullmq(jobs: number): Promise<Measured> {
  const redis = await quietRedis()
  const client = redis.client()
  const connection = { path: redis.url.replace('unix://', ''), maxRetriesPerRequest: null }
  const flow = new FlowProducer({ connection })
  await client.config('SET', 'slowlog-log-slower-than', '500')
  await client.config('SET', 'slowlog-max-len', '10000')
  const before = await usedBytes(client)
  const created = performance.now()
  await flow.add({
    name: 'join',
    queueName: 'join',
    children: Array.from({ length: jobs - 1 }, () => ({
      name: 'row',
      queueName: 'rows',
      data: {},
      opts: { removeOnComplete: true },
    })),
  })
  const createMs = performance.now() - created
  const bytesPerJob = ((await usedBytes(client)) - before) / jobs
  const cpu = await redisCpuUs(client)
  const started = performance.now()
  const rows = new Worker('rows', () => Promise.resolve(1), { connection, concurrency })
  const joiner = new Worker('join', async (job) => void (await job.getChildrenValues()), { connection })
  await new Promise<void>((resolve) => joiner.once('completed', () => resolve()))
  const msPerJob = (performance.now() - started) / jobs
  const redisUsPerJob = ((await redisCpuUs(client)) - cpu) / jobs
  const longestScript = await slowest(client)
  await Promise.all([rows.close(true), joiner.close(true), flow.close()])
  await redis.stop()
  return { mode: 'bullmq', shape: 'fan-in', jobs, createMs, bytesPerJob, msPerJob, redisUsPerJob, longestScript }
}

const { values } = parseArgs({
  options: {
    sizes: { type: 'string', default: '100,1000,10000,100000' },
    shapes: { type: 'string', default: Object.keys(shapes).join() },
    modes: { type: 'string', default: 'engine,inline,bullmq' },
    json: { type: 'string' },
  },
})
const drives: Record<string, Drive> = { engine, inline }
const results: Measured[] = []
console.log(
  ['mode', 'shape', 'jobs', 'create ms', 'ms/job', 'Redis µs/job', 'bytes/job', 'script ms p99.9', 'longest'].join(
    '\t',
  ),
)
for (const mode of values.modes.split(',')) {
  for (const shape of mode === 'bullmq' ? ['fan-in'] : values.shapes.split(',')) {
    for (const jobs of values.sizes.split(',').map(Number)) {
      const drive = drives[mode]
      const result = drive ? await measure(mode, drive, shape, jobs) : await measureBullmq(jobs)
      results.push(result)
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
          longestScript.p999Ms.toFixed(1),
          longestScript.ms.toFixed(1),
          longestScript.script,
        ].join('\t'),
      )
    }
  }
}
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`)

import { FlowProducer, Worker } from 'bullmq'
import { systemClock } from '../runtime/core/clock.ts'
import { Job } from '../runtime/jobs/job.ts'
import type { Store } from '../runtime/store/store.ts'
import { createRun } from '../runtime/workflow/run/create-run.ts'
import type { Graph } from '../runtime/workflow/graph/graph.ts'
import { Steps } from '../runtime/workflow/run/steps.ts'
import { makeApp } from '../test/support/app.ts'
import { startCli } from '../test/support/process.ts'
import type { TestRedis } from '../test/support/redis.ts'
import { testStore } from '../test/support/store.ts'
import { reserveOne } from '../test/support/reserve.ts'
import { inlineSupervisor } from './inline-supervisor.ts'

/** What carries graphs of no-op jobs. It is warm, and idle, between `create` and `run`. */
export interface Drive {
  /** Writes the graph; nothing of it runs. @returns its id */
  create(graph: Graph): Promise<string>
  /** Runs it to its end. */
  run(id: string): Promise<void>
  stop(): Promise<void>
}

/** Jobs in flight at once, where a job costs no process. */
const concurrency = 8

class NoopStep extends Job {
  static override queue = 'bench'
  perform(): number {
    return 1
  }
}

/** This runtime's runs; `carry` resolves when the run may have ended, `stop` ends what carries them. */
function runsOf(store: Store, carry: (id: string) => Promise<void>, stop: () => Promise<void>): Drive {
  const target = { store, clock: systemClock, ttlMs: 3_600_000, maxPayloadBytes: 1e6, recordTtlMs: 1000 }
  return {
    create: (graph) => createRun(target, { className: 'BenchFlow', graph }),
    run: async (id) => {
      await Promise.all([store.runs.start(id, Date.now()), carry(id)])
      const run = await store.runs.read.find(id)
      if (run?.status !== 'finished') throw new Error(`the run is ${run?.status}`)
    },
    stop: async () => {
      await stop()
      store.close()
    },
  }
}

/** Takes, begins and ends steps without any job code or process. */
export async function engine(redis: TestRedis): Promise<Drive> {
  const store = testStore(redis)
  const supervisor = 'bench'
  const steps = new Steps(store.runs, systemClock, { maxOutputBytes: 1e6, maxPayloadsBytes: 1e9 })
  await store.supervisors.register(supervisor, ['bench:1:bench'], {}, 3_600_000)
  const slot = async (runId: string, n: number): Promise<void> => {
    const worker = `bench:${n}:bench`
    for (let job = 0; ; job += 1) {
      const reply = await reserveOne(store, supervisor, worker, ['bench'], `${runId}${n}-${job}`, Date.now())
      if (reply.kind !== 'job') {
        if ((await store.runs.read.find(runId))?.status !== 'running') return
        await new Promise((resolve) => setTimeout(resolve, 1))
        continue
      }
      const { args } = JSON.parse(reply.job.item) as { args: unknown[] }
      const step = await steps.prepare(reply.job, JSON.stringify(args))
      if ('gone' in step) throw new Error(step.gone)
      const delivery = { worker, id: reply.job.id, delivery: reply.job.delivery }
      const end = { state: 'done', ttlMs: 1000, step: { output: '1' } } as const
      await store.supervisors.settle(supervisor, delivery, Date.now(), 100, end)
    }
  }
  const carry = (id: string): Promise<void> =>
    Promise.all(Array.from({ length: concurrency }, (_, n) => slot(id, n))).then(() => undefined)
  return runsOf(store, carry, () => Promise.resolve())
}

/** A whole supervisor with the inline launcher. */
export async function inline(redis: TestRedis): Promise<Drive> {
  const store = testStore(redis)
  const own = testStore(redis)
  const supervisor = inlineSupervisor(own, { NoopStep }, 'bench', concurrency)
  await supervisor.start()
  return runsOf(
    store,
    (id) => ended(store, id),
    async () => {
      await supervisor.stop()
      own.close()
    },
  )
}

/** `runtime work` as users run it: a fresh process for each job, two at a time. */
export async function fork(redis: TestRedis): Promise<Drive> {
  const app = await makeApp({
    'src/jobs/noop-step.js':
      "import { Job } from 'resque-runtime'\nexport class NoopStep extends Job { perform() { return 1 } }\n",
  })
  const worker = startCli(
    ['work', '--redis', redis.url, '--queues', 'bench', '--isolation', 'fork', '--concurrency', '2'],
    { cwd: app },
  )
  await worker.waitForLine(/working on/, { timeoutMs: 20_000 })
  const store = testStore(redis)
  return runsOf(
    store,
    (id) => ended(store, id),
    async () => void (await worker.stop('SIGQUIT')),
  )
}

/** Resolves at the run's end: told by Redis, and looked after now and then, since messages can be missed. */
async function ended(store: Store, id: string): Promise<void> {
  let wake = (): void => undefined
  const told = new Promise<void>((resolve) => (wake = resolve))
  const unlisten = await store.runs.read.listen(id, wake)
  const watch = setInterval(() => {
    void store.runs.read.find(id).then((run) => run?.status === 'finished' && wake())
  }, 500)
  await told
  clearInterval(watch)
  unlisten()
}

/** BullMQ: the last node is a flow, all others its children; it reads what they returned. */
export async function bullmq(redis: TestRedis): Promise<Drive> {
  const connection = { path: redis.url.replace('unix://', ''), maxRetriesPerRequest: null }
  const flow = new FlowProducer({ connection })
  const rows = new Worker('rows', () => Promise.resolve(1), { connection, concurrency })
  const joiner = new Worker('join', async (job) => void (await job.getChildrenValues()), { connection })
  await Promise.all([rows.waitUntilReady(), joiner.waitUntilReady()])
  await rows.pause()
  return {
    create: async ({ nodes }) => {
      const row = { name: 'row', queueName: 'rows', data: {}, opts: { removeOnComplete: true } }
      const children = Array.from({ length: nodes.length - 1 }, () => row)
      return String((await flow.add({ name: 'join', queueName: 'join', children })).job.id)
    },
    run: async () => {
      const joined = new Promise<void>((resolve) => void joiner.once('completed', () => resolve()))
      void rows.resume()
      await joined
      await rows.pause()
    },
    stop: async () => void (await Promise.all([rows.close(true), joiner.close(true), flow.close()])),
  }
}

// node-resque: `node-resque.mjs produce`, or `node-resque.mjs work inline CONCURRENCY`: as many of its workers, which take one job
// at a time each, in one process, and a scheduler. It asks Redis for jobs at intervals.
import { Redis } from 'ioredis'
import { Queue, Scheduler, Worker } from 'node-resque'
import { note, stay } from './note.mjs'
import { produce } from './produce.mjs'

const POLL_MS = 100
const redis = new Redis(process.env.BENCH_URL.replace('unix://', ''), { maxRetriesPerRequest: null })
redis.setMaxListeners(100)
const connection = { redis }
const [role, , concurrency] = process.argv.slice(2)
const jobs = { note: { perform: note }, stay: { perform: stay } }

if (role === 'work') {
  const scheduler = new Scheduler({ connection, timeout: POLL_MS })
  scheduler.on('error', console.error)
  await scheduler.connect()
  await scheduler.start()
  for (let n = 0; n < Number(concurrency); n += 1) {
    const worker = new Worker(
      { connection, queues: ['bench'], timeout: POLL_MS, name: `bench:${process.pid}+${n}` },
      jobs,
    )
    worker.on('error', console.error)
    worker.on('failure', console.error)
    await worker.connect()
    await worker.start()
  }
} else {
  const queue = new Queue({ connection }, jobs)
  await queue.connect()
  await produce({
    add: ({ kind, mark, payload, delayMs }) =>
      delayMs === undefined
        ? queue.enqueue('bench', kind, [mark, payload])
        : queue.enqueueIn(delayMs, 'bench', kind, [mark, payload]),
  })
}

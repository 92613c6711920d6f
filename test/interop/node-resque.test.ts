// node-resque, which this project did not write, as producer, worker and scheduler on the same Redis, in both directions.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Queue, Scheduler, Worker } from 'node-resque'
import { encodeItem } from '../../runtime/core/codec.ts'
import { Job } from '../../runtime/index.ts'
import { systemClock } from '../../runtime/core/clock.ts'
import { Client } from '../../runtime/jobs/client.ts'
import type { Store } from '../../runtime/store/store.ts'
import { makeApp, removeApps } from '../support/app.ts'
import { leavesNoProcess, runCli, startCli } from '../support/process.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { testStore } from '../support/store.ts'
import { eventually } from '../support/wait.ts'

class AddJob extends Job {
  static override queue = 'math'
  perform(_a: number, _b: number): void {}
}

const source = `
import { appendFileSync } from 'node:fs'
import { Job } from 'resque-runtime'
export class AddJob extends Job {
  static queue = 'math'
  perform(a, b) {
    if (typeof b !== 'number') throw new Error('expected two numbers')
    appendFileSync('sums', a + b + '\\n')
  }
}`

let server: TestRedis
let store: Store
let client: Client
let queue: Queue
let cwd: string
const connection = () => ({ connection: { redis: server.client() as never, namespace: 'resque' } })

/** Makes a delayed second one that has passed. */
async function pass(second: number): Promise<void> {
  const redis = server.client()
  const key = 'resque:delayed_queue_schedule'
  const [at = ''] = await redis.zrangebyscore(key, second - 1, second + 1)
  assert.notEqual(at, '')
  await redis.multi().rename(`resque:delayed:${at}`, 'resque:delayed:1').zrem(key, at).zadd(key, '1', '1').exec()
}

before(async () => {
  server = await startRedis()
  store = testStore(server)
  client = new Client(store, { maxPayloadBytes: 1000, recordTtlMs: 60_000, waitingTtlMs: 600_000 }, systemClock)
  queue = new Queue(connection())
  await queue.connect()
  cwd = await makeApp({ 'src/jobs/add-job.js': source })
})
after(async () => {
  await queue?.end()
  store?.close()
  await server?.stop()
  await removeApps()
})

describe('node-resque as producer', () => {
  leavesNoProcess({ withinMs: 20_000 })

  it('enqueues and delays jobs that this runtime moves and runs; it reads and retries those that failed', async () => {
    const env = { REDIS_URL: server.url }
    await queue.enqueue('math', 'AddJob', [1, 2])
    await queue.enqueue('math', 'AddJob', ['one'])
    await queue.enqueueIn(1, 'math', 'AddJob', [3, 4])
    const scheduler = startCli(['scheduler'], { cwd, env, timeoutMs: 60_000 })
    await eventually(async () => (await queue.length('math')) === 3, { timeoutMs: 40_000 })
    assert.deepEqual(await queue.allDelayed(), {})
    await scheduler.stop()
    const args = ['work', '--isolation', 'inline', '--queues', 'math', '--drain']
    assert.equal((await runCli(args, { cwd, env, timeoutMs: 60_000 })).exitCode, 0)
    assert.equal(await readFile(join(cwd, 'sums'), 'utf8'), '3\n7\n')

    const [failed] = await queue.failed(0, -1)
    assert.deepEqual([failed?.error, failed?.queue, failed?.payload.args], ['expected two numbers', 'math', ['one']])
    const { processed } = await queue.stats()
    assert.equal(Number(processed), 3)
    assert.ok(failed)
    await queue.retryAndRemoveFailed(failed)
    assert.deepEqual([await queue.failedCount(), await queue.length('math')], [0, 1])
    assert.equal(await queue.del('math', 'AddJob', ['one']), 1)
  })

  it('does not find items of this runtime by its own bytes, and this runtime finds its items', async () => {
    await client.enqueue(AddJob, [5, 6])
    assert.equal(await queue.del('math', 'AddJob', [5, 6]), 0)
    assert.equal(await client.dequeue(AddJob, [5, 6]), 1)
    await queue.enqueueIn(3_600_000, 'math', 'AddJob', [7, 8])
    const item = encodeItem('AddJob', [7, 8], 1000)
    assert.equal((await store.delayed.scheduledAt({ className: 'AddJob', item, queue: 'math' })).length, 1)
    await queue.delDelayed('math', 'AddJob', [7, 8])
  })
})

describe('node-resque as worker and scheduler', () => {
  it('moves a delayed job of this runtime when it is due, runs it, and writes a failure that this runtime reads', async () => {
    const due = new Date(Date.now() + 120_000)
    await client.enqueueAt(due, AddJob, [9, 10])
    await pass(Math.ceil(due.getTime() / 1000))
    await client.enqueue(AddJob, [11, 0])
    const scheduler = new Scheduler(connection())
    await scheduler.connect()
    await scheduler.start()
    const ran: number[][] = []
    const perform = async (a: number, b: number): Promise<number> => {
      ran.push([a, b])
      if (b === 0) throw new Error('nothing to add')
      return a + b
    }
    const worker = new Worker({ ...connection(), queues: ['math'], timeout: 20 }, { AddJob: { perform } })
    await worker.connect()
    const failure = once(worker, 'failure')
    await worker.start()
    await eventually(async () => ran.length === 2, { timeoutMs: 20_000 })
    await failure
    await worker.end()
    await scheduler.end()
    assert.deepEqual(
      ran.toSorted(([a = 0], [b = 0]) => a - b),
      [
        [9, 10],
        [11, 0],
      ],
    )
    const [entry] = await store.failures.list(0, 1)
    assert.match(JSON.stringify(entry), /nothing to add/)
  })

  it('registers workers that this runtime lists, and reads those of this runtime', async () => {
    const worker = new Worker({ ...connection(), queues: ['math'], name: 'foreign' }, {})
    await worker.connect()
    await worker.init()
    assert.ok((await server.client().smembers('resque:workers')).some((name) => name.includes('foreign')))
    const listed = await runCli(['workers', '--json'], { cwd, env: { REDIS_URL: server.url } })
    assert.match(listed.stdout, /foreign/)
    await worker.end()
  })
})

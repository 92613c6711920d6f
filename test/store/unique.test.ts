// Unique locks: how long they last, and what becomes of one whose job is gone.
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { newId } from '../../runtime/core/ids.ts'
import { encodeFailure } from '../../runtime/store/queues/failures.ts'
import type { UniqueLock } from '../../runtime/store/queues/new-job.ts'
import type { Store } from '../../runtime/store/store.ts'
import type { Delivery } from '../../runtime/store/workers/supervisors.ts'
import { useRedis } from '../support/redis.ts'
import { testStore } from '../support/store.ts'
import { reserveOne } from '../support/reserve.ts'

const server = useRedis()
const item = '{"class":"OkJob","args":["u"]}'
const bucketForm = '{"class":"OkJob","args":["u"],"queue":"q"}'
const lockKey = 'resque:rt:unique:k'
const ttlMs = 86_400_000
const worker = 'host:1:q'
let store: Store

beforeEach(async () => {
  store = testStore(server)
  await store.supervisors.register('s', [worker], {}, 600_000)
})
afterEach(() => store.close())

/** Enqueues a job of the lock. @returns its id, or that of the job that holds the lock */
async function enqueue(lock: Partial<UniqueLock> = {}): Promise<string> {
  const id = newId(Date.now())
  const job = { id, className: 'OkJob', item, unique: { key: 'k', forMs: 1, ...lock } }
  const [holder] = await store.queues.push('q', [job], Date.now(), ttlMs)
  return holder ?? id
}

async function delay(inMs: number): Promise<string> {
  const id = newId(Date.now())
  const unique = { key: 'k', forMs: 1 }
  const job = { id, className: 'OkJob', item, queue: 'q', dueMs: Date.now() + inMs, unique }
  const [holder] = await store.delayed.add([job], Date.now(), ttlMs)
  return holder ?? id
}

async function take(): Promise<Delivery & { uniqueUntil: string }> {
  const reply = await reserveOne(store, 's', worker, ['q'], newId(Date.now()), Date.now())
  assert.ok(reply.kind === 'job')
  const { id, delivery, uniqueUntil } = reply.job
  return { id, delivery, worker, uniqueUntil }
}

const end = (job: Delivery, state: 'done' | 'failed', entry?: string): Promise<boolean> =>
  store.supervisors.settle('s', job, Date.now(), 100, { state, ttlMs: 60_000, ...(entry ? { entry } : {}) })

describe('a unique lock lasts', () => {
  it('while its job waits, however long, and until it has ended', async () => {
    const first = await enqueue()
    const redis = server.client()
    assert.ok((await redis.pttl(lockKey)) > 80_000_000, 'as long as the record of its job')
    assert.equal(await enqueue(), first)
    const job = await take()
    assert.equal(await redis.pttl(lockKey), -1, 'a job that runs holds it, however long it runs')
    assert.equal(await enqueue(), first)
    await store.supervisors.requeue('s', job, Date.now(), 0, false, ttlMs)
    assert.ok((await redis.pttl(lockKey)) > 80_000_000, 'put back, it waits again')
    assert.equal(await enqueue(), first)
    await end(await take(), 'done')
    assert.equal(await redis.exists(lockKey), 0)
  })

  it('while its job is delayed by days, in the millisecond set, or between two attempts', async () => {
    const redis = server.client()
    const late = await delay(2 * 86_400_000)
    assert.ok((await redis.pttl(lockKey)) > 2 * 86_400_000)
    assert.equal(await enqueue(), late)
    assert.equal(await store.jobs.cancel(late, Date.now(), 1000), 'cancelled')
    const soon = await delay(30_000)
    assert.equal(await redis.pttl(lockKey), -1)
    assert.equal(await enqueue(), soon)
    await store.delayed.moveDue(Date.now() + 60_000, 10, { ttlMs, failedMax: 10 })
    assert.ok((await redis.pttl(lockKey)) > 80_000_000)
    assert.equal(await enqueue(), soon)
    const job = await take()
    await store.supervisors.requeue('s', job, Date.now(), Date.now() + 600_000, true, ttlMs)
    assert.equal(await enqueue(), soon)
    assert.equal(await store.jobs.cancel(soon, Date.now(), 1000), 'cancelled')
    assert.equal(await redis.exists(lockKey), 0)
  })

  it('until the start, where it says so, and again when the job has to wait for its turn after all', async () => {
    const first = await enqueue({ until: 'start' })
    assert.equal(await enqueue({ until: 'start' }), first)
    const job = await take()
    assert.equal(job.uniqueUntil, 'start')
    assert.equal(await enqueue(), first, 'it is taken, and has not started')
    assert.ok(await store.supervisors.begin('s', job, false))
    await server.client().zadd('resque:rt:limit:x', Date.now(), 'other')
    await server.client().hset('resque:rt:job:other', 'state', 'running')
    const permit = { kind: 'concurrency' as const, key: 'x', limit: 1 }
    assert.equal(await store.limits.acquire('s', job, [permit], Date.now()), 'held')
    assert.equal(await enqueue(), first)
    assert.equal(await store.jobs.cancel(first, Date.now(), 1000), 'cancelled')
    const second = await enqueue({ until: 'start' })
    assert.notEqual(second, first)
    const running = await take()
    await store.supervisors.begin('s', running, false)
    const third = await enqueue({ until: 'start' })
    assert.notEqual(third, second)
    await end(running, 'done')
    assert.equal(await server.client().get(lockKey), third, 'the end of the one that started leaves it')
    assert.equal(await store.supervisors.begin('s', running, false), false)
  })
})

describe('a unique lock whose job is gone', () => {
  it('is taken over: a Ruby worker took the job, Ruby removed it, or its queue, or its record is gone', async () => {
    const redis = server.client()
    const ways = [
      () => redis.lpop('resque:queue:q'),
      () => redis.lrem('resque:queue:q', 0, item),
      () => redis.del('resque:queue:q'),
      (id: string) => redis.del(`resque:rt:job:${id}`),
      (id: string) => redis.hset(`resque:rt:job:${id}`, 'state', 'done'),
    ]
    for (const [i, way] of ways.entries()) {
      const first = await enqueue()
      await way(first)
      assert.deepEqual(await store.uniqueLocks.stale(), [{ lock: 'k', job: first }], `way ${i}`)
      const second = await enqueue()
      assert.notEqual(second, first, `way ${i}`)
      assert.deepEqual(await store.uniqueLocks.stale(), [])
      assert.equal(await enqueue(), second)
      await redis.flushall()
      await store.supervisors.register('s', [worker], {}, 600_000)
    }
  })

  it("stays held while Ruby's scheduler only moved the job, and is stale when it left the queue or the bucket", async () => {
    const redis = server.client()
    const first = await delay(86_400_000)
    const second = (await redis.zrange('resque:delayed_queue_schedule', 0, '0'))[0] ?? ''
    await redis.lpop(`resque:delayed:${second}`)
    await redis.srem(`resque:timestamps:${bucketForm}`, `delayed:${second}`)
    assert.deepEqual(await store.uniqueLocks.stale(), [{ lock: 'k', job: first }])
    await redis.rpush('resque:queue:q', item)
    assert.equal(await enqueue(), first)
    await redis.lpop('resque:queue:q')
    const taker = await delay(2 * 86_400_000)
    assert.notEqual(taker, first)
    await store.jobs.cancel(first, Date.now(), 1000)
    assert.equal(await enqueue(), taker, 'the end of the job that lost it leaves it')
  })

  it('in a queue too long to be looked through lasts `for`', async () => {
    const redis = server.client()
    const many = Array.from({ length: 50_001 }, (_, i) => `{"class":"Other","args":[${i}]}`)
    await redis.rpush('resque:queue:q', ...many)
    const first = await enqueue({ forMs: 600_000 })
    assert.equal(await enqueue(), first, 'for 10 minutes')
    await redis.hset(`resque:rt:job:${first}`, 'unique_ms', '1')
    assert.notEqual(await enqueue(), first)
  })
})

describe('a failed unique job', () => {
  const entry = (id: string): string =>
    encodeFailure({
      failedAtMs: Date.now(),
      item,
      exception: 'Error',
      error: 'boom',
      backtrace: [],
      worker,
      queue: 'q',
      id,
      cause: 'exception',
    })

  it('takes its lock again when it is retried, once', async () => {
    const job = (await enqueue(), await take())
    await end(job, 'failed', entry(job.id))
    await server.client().rpush('resque:failed', entry(job.id))
    const [failed, twin] = await store.failures.list()
    assert.ok(failed && twin)
    const retried = newId(Date.now())
    assert.ok(await store.failures.retry(failed, retried, Date.now(), ttlMs))
    assert.equal(await enqueue(), retried)
    await assert.rejects(store.failures.retry(twin, newId(Date.now()), Date.now(), ttlMs), {
      code: 'ERR_STATE',
      message: new RegExp(`expected no other job of its unique key, job ${retried} waits or runs`),
    })
    assert.equal(await server.client().llen('resque:queue:q'), 1)
    await end(await take(), 'done')
    assert.ok(await store.failures.retry(twin, newId(Date.now()), Date.now(), ttlMs))
  })
})

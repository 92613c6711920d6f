// Promise 13: however much there is, no script call does more than a batch.
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test, type TestContext } from 'node:test'
import type { Redis } from 'ioredis'
import { newId } from '../../runtime/core/ids.ts'
import type { NewDelayedJob } from '../../runtime/store/queues/delayed-pages.ts'
import type { Store } from '../../runtime/store/store.ts'
import { useRedis } from '../support/redis.ts'
import { testStore } from '../support/store.ts'
import { reserveOne } from '../support/reserve.ts'

const server = useRedis()
const ttlMs = 86_400_000
const item = '{"class":"OkJob","args":[1,"two"]}'
const name = { className: 'OkJob', item, queue: 'q' }
let store: Store
let redis: Redis

beforeEach(() => {
  store = testStore(server)
  redis = server.client()
})
afterEach(() => store.close())

/** `count` jobs with the same bytes. */
const jobs = (count: number, more: (i: number) => Partial<NewDelayedJob> = () => ({})): NewDelayedJob[] =>
  Array.from({ length: count }, (_, i) => ({ id: newId(), className: 'OkJob', item, queue: 'q', dueMs: 0, ...more(i) }))

/** Asserts that a step needs at least `calls` script calls, short ones in the mean: a busy machine may hold up any one. */
async function inBatches<T>(t: TestContext, calls: number, step: () => Promise<T>): Promise<T> {
  // The first call may have to load the script.
  await redis.config('RESETSTAT')
  const result = await step()
  const stats = await redis.info('commandstats')
  const [, made, meanUs] = /cmdstat_evalsha:calls=(\d+),usec=\d+,usec_per_call=([\d.]+)/.exec(stats) ?? []
  t.diagnostic(`${made} script calls, ${meanUs} microseconds each`)
  assert.ok(Number(made) >= calls, `${made} calls`)
  assert.ok(Number(meanUs) < 8000, `${meanUs} microseconds a call`)
  return result
}

describe('jobs with the same bytes', () => {
  test('are dequeued in batches, and all end as cancelled', async (t) => {
    const all = jobs(3000)
    await store.queues.push('q', all, Date.now(), ttlMs)
    await store.queues.push(
      'q',
      jobs(1, () => ({ item: '{"class":"OkJob","args":[]}' })),
      Date.now(),
      ttlMs,
    )
    assert.equal(await inBatches(t, 60, () => store.queues.removeItem('q', item, Date.now(), ttlMs)), 3000)
    assert.equal(await redis.llen('resque:queue:q'), 1)
    assert.equal(await redis.hlen('resque:rt:tickets:q'), 1)
    for (const at of [0, 1500, 2999]) assert.equal((await store.jobs.find(all[at]?.id ?? ''))?.state, 'cancelled')
  })

  test('are dequeued by their class as well', async (t) => {
    await store.queues.push(
      'q',
      jobs(1000, (i) => ({ item: `{"class":"OkJob","args":[${i % 2}]}` })),
      Date.now(),
      ttlMs,
    )
    assert.equal(await inBatches(t, 20, () => store.queues.removeClass('q', 'OkJob', Date.now(), ttlMs)), 1000)
    assert.equal(await redis.exists('resque:queue:q', 'resque:rt:tickets:q'), 0)
  })

  test('are taken out of one delayed bucket, many buckets and the millisecond set in batches', async (t) => {
    const now = Date.now()
    const all = jobs(1500, (i) => ({ dueMs: now + (i < 500 ? 90_000 : i < 1000 ? 90_000 + i * 1000 : 30_000) }))
    await store.delayed.add(all, now, ttlMs)
    assert.equal(await inBatches(t, 20, () => store.delayed.remove(name, now, ttlMs)), 1500)
    assert.equal(await store.delayed.count(), 0)
    assert.deepEqual(await redis.keys('resque:timestamps*'), [])
    for (const at of [0, 700, 1400]) assert.equal((await store.jobs.find(all[at]?.id ?? ''))?.state, 'cancelled')
  })

  test('are delayed anew in batches, and those that lie in the right bucket already are counted once', async (t) => {
    const now = Date.now()
    const [from, to] = [now + 90_000, Math.ceil((now + 200_000) / 1000) * 1000]
    const all = jobs(500, (i) => ({ dueMs: i < 300 ? from : to }))
    await store.delayed.add(all, now, ttlMs)
    assert.equal(await inBatches(t, 6, () => store.delayed.delayOrEnqueue(name, to, now, ttlMs)), 500)
    assert.equal(await redis.llen(`resque:delayed:${to / 1000}`), 500)
    assert.deepEqual(await store.delayed.scheduledAt(name), [to])
    assert.equal(await inBatches(t, 10, () => store.delayed.enqueueNow(name, now, ttlMs)), 500)
    const ids = new Set(await redis.hvals('resque:rt:tickets:q'))
    assert.ok(all.every(({ id }) => ids.has(id)))
  })
})

test('cancelling one job does not read the bucket in which it lies', async (t) => {
  const now = Date.now()
  const all = jobs(20_000, (i) => ({ dueMs: now + 90_000, item: `{"class":"OkJob","args":[${i}]}` }))
  await store.delayed.add(all, now, ttlMs)
  for (const at of [0, 10_000, 19_999])
    assert.equal(await inBatches(t, 0, () => store.jobs.cancel(all[at]?.id ?? '', now, ttlMs)), 'cancelled')
  assert.equal(await redis.llen(`resque:delayed:${Math.ceil((now + 90_000) / 1000)}`), 19_997)
  assert.deepEqual(await redis.keys('resque:timestamps:{"class":"OkJob","args":\\[10000\\]*'), [])
})

test('a worker looks at ten thousand queues a thousand at a time, in their order', async (t) => {
  const queues = Array.from({ length: 10_000 }, (_, i) => `q${i}`)
  await store.queues.push('q9999', jobs(1), Date.now(), ttlMs)
  await store.queues.push('q4500', jobs(1), Date.now(), ttlMs)
  await store.supervisors.register('s', ['vm:1:*'], {}, 60_000)
  const take = async (): Promise<string> => {
    const reply = await reserveOne(store, 's', 'vm:1:*', queues, newId(), Date.now())
    return reply.kind === 'job' ? reply.job.queue : reply.kind
  }
  assert.equal(await inBatches(t, 5, take), 'q4500')
  assert.equal(await inBatches(t, 10, take), 'q9999')
  assert.equal(await inBatches(t, 10, take), 'empty')
})

test("a dead worker's fifteen hundred jobs go back in batches, each once", async (t) => {
  await store.supervisors.register('dead', ['vm:1:q'], {}, 60_000)
  const calls = redis.pipeline().zadd('resque:rt:supervisors', 1, 'dead')
  for (const { id } of jobs(1500)) {
    calls.hset('resque:rt:inflight:dead', id, '1 vm:1:q')
    calls.hset(`resque:rt:job:${id}`, 'queue', 'q', 'item', item, 'state', 'running')
  }
  await calls.exec()
  const limits = { maxRedeliveries: 3, failedMax: 100, ttlMs }
  const { back } = await inBatches(t, 30, () => store.supervisors.reclaim('dead', limits, Date.now()))
  assert.deepEqual([new Set(back).size, await redis.llen('resque:queue:q')], [1500, 1500])
  assert.deepEqual([await redis.exists('resque:rt:inflight:dead'), await store.supervisors.list()], [0, []])
})

test('a queue is removed in whole batches, and what comes in meanwhile stays', async (t) => {
  await store.queues.push('q', jobs(100), Date.now(), ttlMs)
  await inBatches(t, 2, () => store.queues.remove('q', Date.now(), ttlMs))
  await store.queues.push('q', jobs(121), Date.now(), ttlMs)
  // Pushed once the queue's length has been read.
  const run = store.connection.run.bind(store.connection)
  store.connection.run = async (...args) => {
    store.connection.run = run
    await store.queues.push('q', jobs(30), Date.now(), ttlMs)
    return run(...args)
  }
  assert.equal(await store.queues.remove('q', Date.now(), ttlMs), 121)
  assert.equal(await redis.llen('resque:queue:q'), 30)
})

test('no more copies of a job are removed than were asked for', async () => {
  await store.queues.push('q', jobs(60), Date.now(), ttlMs)
  assert.equal(await store.queues.removeItem('q', item, Date.now(), ttlMs, 51), 51)
  assert.equal(await redis.llen('resque:queue:q'), 9)
})

test('the head of a queue is the job that waits longest in it, since when it was enqueued or due', async () => {
  const now = Date.now()
  await store.queues.push('q', jobs(2), now, ttlMs)
  const [first, none] = await store.queues.heads(['q', 'none'])
  const id = first?.firstId ?? assert.fail('no head')
  assert.deepEqual(first, { name: 'q', size: 2, firstId: id, waitingSinceMs: now })
  assert.deepEqual(none, { name: 'none', size: 0, firstId: undefined, waitingSinceMs: undefined })
  assert.equal((await reserveOne({ supervisors: store.supervisors }, 's', 'vm:1:q', ['q'], 'new', now)).kind, 'fenced')
  assert.equal((await store.jobs.find(id))?.state, 'waiting')
})

test('delayed jobs of more seconds than one page are each listed once', async () => {
  const calls = redis.pipeline()
  const seconds = Array.from({ length: 501 }, (_, n) => 4_000_000_000 + n)
  for (const second of seconds)
    calls.rpush(`resque:delayed:${second}`, item).zadd('resque:delayed_queue_schedule', second, second)
  await calls.exec()
  const listed: (number | undefined)[] = []
  for await (const { dueMs } of store.delayed.all()) listed.push(dueMs)
  assert.deepEqual(
    listed,
    seconds.map((second) => second * 1000),
  )
})

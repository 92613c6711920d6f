import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { Redis } from 'ioredis'
import { newId } from '../../runtime/core/ids.ts'
import type { NewDelayedJob } from '../../runtime/store/queues/delayed-pages.ts'
import type { Store } from '../../runtime/store/store.ts'
import { rubyDelays } from '../support/delayed.ts'
import { useRedis } from '../support/redis.ts'
import { testStore } from '../support/store.ts'
import { reserveOne } from '../support/reserve.ts'

const server = useRedis()
const ttlMs = 86_400_000
const owner = { id: 'vm:1', lockPrefix: '' }
const limits = { ttlMs, failedMax: 100 }
let store: Store
let redis: Redis

beforeEach(async () => {
  store = testStore(server)
  redis = server.client()
  await redis.set('resque:resque:resque_scheduler_master_lock', owner.id)
})
afterEach(() => store.close())

const job = (dueMs: number, more: Partial<NewDelayedJob> = {}): NewDelayedJob => ({
  id: newId(),
  className: 'OkJob',
  item: '{"class":"OkJob","args":[1,"two"]}',
  queue: 'default',
  dueMs,
  ...more,
})
const name = { className: 'OkJob', item: '{"class":"OkJob","args":[1,"two"]}', queue: 'default' }
const bucketForm = '{"class":"OkJob","args":[1,"two"],"queue":"default"}'

async function moveAllBuckets(
  nowMs: number,
  routes?: Record<string, string>,
): Promise<{ moved: number; failed: number }> {
  const total = { moved: 0, failed: 0 }
  for (;;) {
    const reply = await store.delayed.moveBuckets(owner, nowMs, 100, limits, routes)
    assert.equal(reply.kind, 'ok')
    if (reply.kind !== 'ok') return total
    total.moved += reply.moved
    total.failed += reply.failed
    if (reply.moved + reply.failed === 0) return total
  }
}

describe('a delay of a minute and more', () => {
  test("lies in Resque's own structures, byte for byte, in a whole second that is rounded up", async () => {
    const now = Date.now()
    const dueMs = Math.floor(now / 1000) * 1000 + 90_001
    const second = Math.floor(dueMs / 1000) + 1
    await store.delayed.add([job(dueMs)], now, ttlMs)
    assert.deepEqual(await redis.lrange(`resque:delayed:${second}`, 0, -1), [bucketForm])
    assert.deepEqual(await redis.zrange('resque:delayed_queue_schedule', 0, '-1', 'WITHSCORES'), [
      `${second}`,
      `${second}`,
    ])
    assert.deepEqual(await redis.smembers(`resque:timestamps:${bucketForm}`), [`delayed:${second}`])
    assert.deepEqual(await store.delayed.scheduledAt(name), [second * 1000])
  })

  test('keeps its id on the way to its queue, and leaves nothing behind', async () => {
    const now = Date.now()
    const first = job(now + 60_000)
    const second = job(now + 60_000)
    await store.delayed.add([first, second], now, ttlMs)
    assert.equal((await store.jobs.find(first.id))?.state, 'delayed')
    assert.deepEqual(await moveAllBuckets(now + 61_000), { moved: 2, failed: 0 })
    assert.deepEqual(await redis.lrange('resque:queue:default', 0, -1), [name.item, name.item])
    assert.equal((await store.jobs.find(first.id))?.state, 'waiting')
    assert.ok(Number(await redis.pttl(`resque:rt:job:${first.id}`)) > 0)
    await store.supervisors.register('s', ['vm:1:default'], {}, 10_000)
    for (const id of [first.id, second.id]) {
      const taken = await reserveOne(store, 's', 'vm:1:default', ['default'], 'new', now)
      assert.equal(taken.kind === 'job' && taken.job.id, id)
    }
    assert.deepEqual(await redis.keys('resque:*delayed*'), [])
    assert.deepEqual(await redis.keys('resque:timestamps*'), [])
    assert.deepEqual(await redis.keys('resque:rt:tickets*'), [])
  })

  test('is not moved before its second has come', async () => {
    const now = Date.now()
    const second = Math.floor(now / 1000) + 70
    await rubyDelays(redis, second, bucketForm)
    assert.deepEqual(await moveAllBuckets(second * 1000 - 1), { moved: 0, failed: 0 })
    assert.deepEqual(await moveAllBuckets(second * 1000), { moved: 1, failed: 0 })
  })

  test("is never put into a bucket whose second is due by Redis's clock, whatever the producer's clock says", async () => {
    const behind = Date.now() - 3_600_000
    await store.delayed.add([job(behind + 61_000)], behind, ttlMs)
    assert.deepEqual(await redis.keys('resque:delayed:*'), [])
    assert.equal(await redis.zcard('resque:rt:delayed'), 1)
  })

  test("is moved by the holder of Ruby's lock alone", async () => {
    await rubyDelays(redis, 1, bucketForm)
    assert.deepEqual(await store.delayed.moveBuckets({ ...owner, id: 'vm:2' }, Date.now(), 100, limits), {
      kind: 'lost',
    })
    await redis.del('resque:resque:resque_scheduler_master_lock')
    assert.deepEqual(await store.delayed.moveBuckets(owner, Date.now(), 100, limits), { kind: 'lost' })
    assert.equal(await redis.llen('resque:delayed:1'), 1)
  })

  test('can be cancelled, also one of several with the same bytes', async () => {
    const now = Date.now()
    const jobs = [job(now + 90_000), job(now + 90_000), job(now + 90_000)]
    await store.delayed.add(jobs, now, ttlMs)
    assert.equal(await store.jobs.cancel(jobs[1]?.id ?? '', now, ttlMs), 'cancelled')
    assert.deepEqual(await moveAllBuckets(now + 95_000), { moved: 2, failed: 0 })
    assert.equal((await store.jobs.find(jobs[0]?.id ?? ''))?.state, 'waiting')
    assert.equal((await store.jobs.find(jobs[1]?.id ?? ''))?.state, 'cancelled')
    assert.equal((await store.jobs.find(jobs[2]?.id ?? ''))?.state, 'waiting')
  })
})

describe('a short delay', () => {
  test('lies in the millisecond set, and moves in the order of its due times, never early', async () => {
    const now = Date.now()
    const [late, soon] = [job(now + 500, { queue: 'b' }), job(now + 200, { queue: 'a' })]
    await store.delayed.add([late, soon], now, ttlMs)
    assert.deepEqual(await store.delayed.moveDue(now + 199, 100, limits), { moved: 0, nextDueMs: now + 200 })
    assert.deepEqual(await store.delayed.moveDue(now + 200, 100, limits), { moved: 1, nextDueMs: now + 500 })
    assert.deepEqual(await redis.lrange('resque:queue:a', 0, -1), [name.item])
    assert.deepEqual(await store.delayed.moveDue(now + 1000, 100, limits), { moved: 1, nextDueMs: undefined })
    assert.equal((await store.jobs.find(late.id))?.state, 'waiting')
    assert.equal((await redis.pttl(`resque:rt:job:${late.id}`)) > 0, true)
  })

  test('that is over already is none', async () => {
    const now = Date.now()
    await store.delayed.add([job(now), job(now - 5000)], now, ttlMs)
    assert.equal(await redis.llen('resque:queue:default'), 2)
    assert.equal(await redis.exists('resque:rt:delayed'), 0)
  })

  test('never expires while it waits', async () => {
    const now = Date.now()
    const one = job(now + 30_000)
    await store.delayed.add([one], now, 1)
    assert.equal(await redis.pttl(`resque:rt:job:${one.id}`), -1)
  })

  test('is told to those who listen when it comes before all others', async () => {
    const heard: string[] = []
    const stop = await store.connection.listen(store.connection.keys.wakeDelayed(), (message) => heard.push(message))
    const now = Date.now()
    await store.delayed.add([job(now + 500), job(now + 900), job(now + 100)], now, ttlMs)
    await store.delayed.add([job(now + 90_000)], now, ttlMs)
    await store.connection.redis.publish(store.connection.keys.wakeDelayed(), 'end')
    while (heard.at(-1) !== 'end') await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(heard.slice(0, 2), [`${now + 500}`, `${now + 100}`])
    assert.equal(heard.length, 4)
    stop()
  })

  test('keeps a unique lock while it waits', async () => {
    const now = Date.now()
    const unique = { key: 'k', forMs: 10_000 }
    const [one, two] = [job(now + 500, { unique }), job(now + 90_000, { unique })]
    assert.deepEqual(await store.delayed.add([one, two], now, ttlMs), [undefined, one.id])
    assert.equal(await store.delayed.count(), 1)
  })
})

describe("Resque's calls on delayed jobs", () => {
  const now = Date.now()
  const other = { item: '{"class":"OkJob","args":[2]}' }
  beforeEach(async () => {
    await store.delayed.add(
      [job(now + 1000), job(now + 90_000), job(now + 90_000), job(now + 200_000), job(now + 90_000, other)],
      now,
      ttlMs,
    )
    await rubyDelays(redis, Math.ceil(now / 1000) + 300, bucketForm)
    await rubyDelays(redis, Math.ceil(now / 1000) + 300, '{"class":"OkJob","queue":"default","args":[1,"two"]}')
  })

  test('remove takes every copy, from every place and in either order of members, and no other job', async () => {
    assert.equal((await store.delayed.scheduledAt(name)).length, 5)
    assert.equal(await store.delayed.remove(name, now, ttlMs), 6)
    assert.equal(await store.delayed.count(), 1)
    assert.deepEqual(await store.delayed.scheduledAt(name), [])
    assert.deepEqual(await redis.keys('resque:timestamps*'), [
      'resque:timestamps:{"class":"OkJob","args":[2],"queue":"default"}',
    ])
  })

  test('enqueueNow queues as many as there were', async () => {
    assert.equal(await store.delayed.enqueueNow(name, now, ttlMs), 6)
    assert.deepEqual(await redis.lrange('resque:queue:default', 0, -1), new Array(6).fill(name.item))
    assert.equal(await store.delayed.enqueueNow(name, now, ttlMs), 0)
  })

  test('delayOrEnqueue moves all copies to the new time, or makes one', async () => {
    assert.equal(await store.delayed.delayOrEnqueue(name, now + 120_000, now, ttlMs), 6)
    assert.deepEqual(await store.delayed.scheduledAt(name), [Math.ceil((now + 120_000) / 1000) * 1000])
    assert.equal(await redis.llen(`resque:delayed:${Math.ceil((now + 120_000) / 1000)}`), 6)
    assert.equal(
      await store.delayed.delayOrEnqueue({ ...name, item: '{"class":"OkJob","args":[3]}' }, now + 5000, now, ttlMs),
      0,
    )
    assert.equal(await store.delayed.count(), 8)
    assert.deepEqual(await moveAllBuckets(now + 1_000_000), { moved: 7, failed: 0 })
    assert.equal((await store.delayed.moveDue(now + 1_000_000, 100, limits)).moved, 1)
  })

  test('removeSelection takes what the function names', async () => {
    assert.equal(await store.delayed.removeSelection((each) => each.args === '[2]', now, ttlMs), 1)
    assert.equal(await store.delayed.removeSelection((each) => each.dueMs < now + 100_000, now, ttlMs), 3)
    assert.equal(await store.delayed.count(), 3)
  })

  test('removeSelection leaves none of many, in the millisecond set and in as many seconds', async () => {
    await store.delayed.removeSelection(() => true, now, ttlMs)
    await store.delayed.add(
      Array.from({ length: 1100 }, (_, n) => job(now + 1000 + n)),
      now,
      ttlMs,
    )
    await Promise.all(
      Array.from({ length: 600 }, (_, n) => rubyDelays(redis, Math.ceil(now / 1000) + 300 + n, bucketForm)),
    )
    assert.equal(await store.delayed.removeSelection((each) => each.className === 'OkJob', now, ttlMs), 1700)
    assert.equal(await store.delayed.count(), 0)
  })
})

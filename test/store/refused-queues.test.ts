// A queue whose key holds something else than a list: nothing that has to do with others may be lost by it.
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { Redis } from 'ioredis'
import { newId } from '../../runtime/core/ids.ts'
import type { NewDelayedJob } from '../../runtime/store/queues/delayed-pages.ts'
import type { Store } from '../../runtime/store/store.ts'
import { useRedis } from '../support/redis.ts'
import { testStore } from '../support/store.ts'
import { StepDriver } from '../workflow/support.ts'
import { reserveOne } from '../support/reserve.ts'

const server = useRedis()
const limits = { ttlMs: 86_400_000, failedMax: 100 }
let store: Store
let redis: Redis

beforeEach(async () => {
  store = testStore(server)
  redis = server.client()
  await redis.set('resque:queue:bad', 'no list')
})
afterEach(() => store.close())

const job = (queue: string, dueMs: number, arg: number): NewDelayedJob => ({
  id: newId(),
  className: 'OkJob',
  item: `{"class":"OkJob","args":[${arg}]}`,
  queue,
  dueMs,
})

describe('a due job whose queue takes no jobs', () => {
  for (const delayMs of [1000, 90_000]) {
    test(`goes to the failed list, and takes no other with it (${delayMs} ms)`, async () => {
      const now = Date.now()
      const good = Array.from({ length: 20 }, (_, i) => job(i % 2 === 0 ? 'good' : 'other', now + delayMs, i))
      const bad = job('bad', now + delayMs, 99)
      await store.delayed.add([...good.slice(0, 10), bad, ...good.slice(10)], now, limits.ttlMs)
      await redis.set('resque:resque:resque_scheduler_master_lock', 'vm:1')
      const later = now + delayMs + 2000
      if (delayMs < 60_000) assert.equal((await store.delayed.moveDue(later, 100, limits)).moved, 21)
      else {
        const reply = await store.delayed.moveBuckets({ id: 'vm:1', lockPrefix: '' }, later, 100, limits)
        assert.deepEqual(reply.kind === 'ok' && [reply.moved, reply.failed], [20, 1])
      }
      assert.equal((await redis.llen('resque:queue:good')) + (await redis.llen('resque:queue:other')), 20)
      assert.equal((await store.jobs.find(good[19]?.id ?? ''))?.state, 'waiting')
      assert.equal(await store.delayed.count(), 0)
      const [entry] = (await redis.lrange('resque:failed', 0, -1)).map((text) => JSON.parse(text))
      assert.deepEqual(entry.payload, { class: 'OkJob', args: [99] })
      assert.match(entry.error, /^queue bad takes no jobs: expected a list at its key, Redis says WRONGTYPE/)
      const record = await store.jobs.find(bad.id)
      assert.deepEqual([record?.state, record?.cause, entry.id], ['failed', 'no queue', bad.id])
      assert.deepEqual((await store.queues.names()).sort(), ['good', 'other'])
    })
  }

  test('does so, too, when it waited for a limit', async () => {
    const now = Date.now()
    const [bad, good] = [job('bad', now + 20, 1), job('good', now + 30, 2)]
    await store.delayed.add([good, bad], now, limits.ttlMs)
    await redis.hset(`resque:rt:job:${bad.id}`, 'state', 'held')
    await redis.zadd('resque:rt:delayed', now - 10, bad.id)
    await store.delayed.moveDue(now + 100, 100, limits)
    assert.equal((await store.jobs.find(bad.id))?.state, 'failed')
    assert.equal((await store.jobs.find(good.id))?.state, 'waiting')
    assert.equal(await redis.llen('resque:queue:good'), 1)
    assert.equal(await store.failures.count(), 1)
  })
})

test('a worker passes over such a queue and takes from the others', async () => {
  await redis.rpush('resque:queue:good', '{"class":"OkJob","args":[]}')
  await store.supervisors.register('s', ['vm:1:bad,good'], {}, 10_000)
  const taken = await reserveOne(store, 's', 'vm:1:bad,good', ['bad', 'good'], newId(), Date.now())
  assert.equal(taken.kind === 'job' && taken.job.queue, 'good')
})

test("a dead worker's job that its queue does not take back fails, and the others go back", async () => {
  const queues = ['doomed', 'good']
  for (const queue of queues) await redis.rpush(`resque:queue:${queue}`, '{"class":"OkJob","args":[]}')
  await store.supervisors.register('dead', ['vm:1:*'], {}, 60_000)
  for (const id of queues) await reserveOne(store, 'dead', 'vm:1:*', queues, id, Date.now())
  await redis.set('resque:queue:doomed', 'no list')
  await redis.zadd('resque:rt:supervisors', 1, 'dead')
  const failed = await store.supervisors.reclaim('dead', { maxRedeliveries: 3, ...limits }, Date.now())
  assert.deepEqual(failed, { back: ['good'], failed: ['doomed'] })
  assert.deepEqual([(await store.jobs.find('doomed'))?.cause, await redis.llen('resque:queue:good')], ['no queue', 1])
  assert.deepEqual(await store.supervisors.list(), [])
})

test('a workflow step whose queue takes no jobs fails, and the step before it has ended all the same', async (t) => {
  const driver = await new StepDriver(server, 'driver', 'resque').register()
  t.after(() => driver.close())
  const graph = { a: [], bad: ['a'], c: ['a'], rescue: ['!bad'], after: ['bad'] }
  const { id, names } = await driver.create(graph, { queue: { bad: 'bad' } })
  await driver.store.runs.start(id, Date.now())
  assert.deepEqual(await driver.drain(), ['a', 'c', 'rescue'])
  const states = { a: 'finished', bad: 'failed', c: 'finished', rescue: 'finished', after: 'waiting' }
  assert.deepEqual(await driver.states(id, names), { run: 'failed', ...states })
  assert.deepEqual(await redis.hlen('resque:rt:inflight:driver'), 0)
  assert.match((await redis.hget(`resque:rt:run:${id}:failed`, '1')) ?? '', /NoQueueError.*expected a list at its key/)
  await redis.del('resque:queue:bad')
  await driver.store.runs.decide(id, 1, 'retry', Date.now())
  await driver.store.runs.advance(Date.now())
  assert.equal(await redis.llen('resque:queue:bad'), 1)
})

// Jobs with the same bytes are told apart by their ids alone: those that waited for a slot come first, in order.
import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import type { Reserved } from '../../runtime/store/workers/supervisors.ts'
import type { Store } from '../../runtime/store/store.ts'
import { useRedis } from '../support/redis.ts'
import { testStore } from '../support/store.ts'
import { reserveOne } from '../support/reserve.ts'

const server = useRedis()
const worker = 'vm:1:q'
let store: Store

beforeEach(() => (store = testStore(server)))
afterEach(() => store.close())

async function take(): Promise<Reserved & { worker: string }> {
  const reply = await reserveOne(store, 's', worker, ['q'], 'new', Date.now())
  assert.equal(reply.kind, 'job')
  if (reply.kind !== 'job') throw new Error('no job')
  return { ...reply.job, worker }
}

for (const [what, items] of [
  ['the same bytes', [1, 1, 1, 1, 1, 1, 1]],
  ['different bytes', [1, 2, 3, 4, 5, 6, 7]],
  ['partly the same', [1, 1, 2, 1, 2, 1, 2]],
] as const) {
  test(`jobs of ${what} that were handed a permit run before those that have none`, async () => {
    const jobs = items.map((arg, i) => ({
      id: `job-${i}`,
      className: 'A',
      item: `{"class":"A","args":[${arg}]}`,
    }))
    await store.queues.push('q', jobs, Date.now(), 60_000)
    await store.supervisors.register('s', [worker], {}, 60_000)
    const permits = [{ kind: 'concurrency' as const, key: 'k', limit: 3 }]
    const running = []
    for (const expected of ['granted', 'granted', 'granted', 'held', 'held', 'held']) {
      const job = await take()
      assert.equal(await store.limits.acquire('s', job, permits, Date.now()), expected)
      running.push(job)
    }
    for (const job of running.slice(0, 3))
      await store.supervisors.settle('s', job, Date.now(), 10, { state: 'done', ttlMs: 1000 })
    const order = [await take(), await take(), await take(), await take()].map(({ id }) => id)
    assert.deepEqual(order, ['job-3', 'job-4', 'job-5', 'job-6'])
    assert.equal(await server.client().exists('resque:rt:tickets:q'), 0)
  })
}

test('a line whose limit is raised goes in one sweep, however long it is; limits are listed by name', async () => {
  const redis = server.client()
  const calls = redis.pipeline().zadd('resque:rt:held:z', 0, 'gone').sadd('resque:rt:held-keys', 'z', 'k')
  for (let n = 0; n < 120; n += 1) {
    const permits = '[{"kind":"concurrency","key":"k","limit":200}]'
    calls.hset(`resque:rt:job:${n}`, { state: 'held', queue: 'q', item: `{"class":"A","args":[${n}]}`, held_by: 'k', permits }) // prettier-ignore
    calls.zadd('resque:rt:held:k', n, String(n))
  }
  await calls.zadd('resque:rt:limit:a', Date.now(), '0').exec()
  assert.deepEqual((await store.limits.all()).limits.map(({ key }) => key), ['a', 'k', 'z']) // prettier-ignore
  assert.equal(await store.limits.sweep(), 0)
  assert.equal(await redis.llen('resque:queue:q'), 120)
  assert.equal(await redis.zcard('resque:rt:limit:k'), 120)
})

test('a job that holds a slot is granted it again, however full the limit is; the next one waits at its place', async () => {
  await store.queues.push('q', [1, 2].map((n) => ({ id: `job-${n}`, className: 'A', item: `{"class":"A","args":[${n}]}` })), Date.now(), 60_000) // prettier-ignore
  await store.supervisors.register('s', [worker], {}, 60_000)
  const permits = [{ kind: 'concurrency' as const, key: 'k', limit: 1 }]
  const first = await take()
  assert.equal(await store.limits.acquire('s', first, permits, Date.now()), 'granted')
  assert.equal(await store.supervisors.requeue('s', first, Date.now(), 0, false, 1000), true)
  const again = await take()
  assert.equal(again.id, first.id)
  assert.equal(await store.limits.acquire('s', again, permits, Date.now()), 'granted')
  assert.equal(await store.limits.acquire('s', await take(), permits, Date.now()), 'held')
  assert.deepEqual([await store.limits.place('k', 'job-2'), await store.limits.place('k', 'job-1')], [1, undefined])
})

test('a rate limit: the next start waits for its time by the clock of Redis, whatever the mover says the time is', async () => {
  await store.queues.push('q', [1, 2].map((n) => ({ id: `job-${n}`, className: 'A', item: `{"class":"A","args":[${n}]}` })), Date.now(), 60_000) // prettier-ignore
  await store.supervisors.register('s', [worker], {}, 60_000)
  const permits = [{ kind: 'rate' as const, key: 'k', limit: 1, perMs: 60_000 }]
  assert.equal(await store.limits.acquire('s', await take(), permits, Date.now()), 'granted')
  assert.equal(await store.limits.acquire('s', await take(), permits, Date.now()), 'held')
  const later = Date.now() + 3_600_000
  const bounds = { ttlMs: 60_000, failedMax: 10 }
  const { moved, nextDueMs = 0 } = await store.delayed.moveDue(later, 10, bounds)
  assert.equal(moved, 0)
  assert.ok(nextDueMs > later + 50_000, `${nextDueMs}`)
  const redis = server.client()
  await redis.zadd('resque:rt:delayed', 1, 'job-2')
  await redis.rpush('resque:queue:q', '{"class":"B","args":[]}')
  assert.equal((await store.delayed.moveDue(Date.now(), 10, bounds)).moved, 1)
  assert.equal(await redis.lindex('resque:queue:q', 0), '{"class":"A","args":[2]}')
})

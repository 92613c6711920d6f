// Beside Ruby: its workers take items off a queue and know nothing of the IDs.
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { Redis } from 'ioredis'
import type { Store } from '../../runtime/store/store.ts'
import { useRedis } from '../support/redis.ts'
import { testStore } from '../support/store.ts'
import { reserveOne } from '../support/reserve.ts'

const server = useRedis()
let store: Store
let redis: Redis

beforeEach(() => {
  store = testStore(server)
  redis = server.client()
})
afterEach(() => store.close())

async function push(count: number, argOf: (i: number) => number, from = 0): Promise<string[]> {
  const jobs = Array.from({ length: count }, (_, i) => ({
    id: `job-${from + i}`,
    className: 'A',
    item: `{"class":"A","args":[${argOf(from + i)}]}`,
  }))
  await store.queues.push('q', jobs, Date.now(), 60_000)
  return jobs.map(({ id }) => id)
}
/** Sweeps as many heartbeats would. */
async function sweep(): Promise<void> {
  for (let beat = 0; beat < 40; beat += 1) await store.queues.sweep()
}
/** Takes all that is left. @returns the ids */
async function takeAll(): Promise<string[]> {
  const ids: string[] = []
  await store.supervisors.register('s', ['vm:1:q'], {}, 60_000)
  for (;;) {
    const reply = await reserveOne(store, 's', 'vm:1:q', ['q'], `new-${ids.length}`, Date.now())
    if (reply.kind !== 'job') return ids
    ids.push(reply.job.id)
  }
}

describe('ids of items that others have taken go, and those of items in the queue stay', () => {
  for (const [what, argOf] of [
    ['different bytes', (i: number) => i],
    ['the same bytes', () => 1],
    ['some bytes in common', (i: number) => i % 50],
  ] as const) {
    test(what, async () => {
      const ids = await push(2000, argOf)
      await redis.lpop('resque:queue:q', 1994)
      await sweep()
      assert.ok((await redis.hlen('resque:rt:tickets:q')) <= 2 * 6 + 100)
      const taken = await takeAll()
      assert.equal(taken.length, 6)
      // Those with the same bytes are interchangeable; no item may be without an id of ours.
      assert.ok(taken.every((id) => ids.includes(id)))
      if (what === 'different bytes') assert.deepEqual(taken, ids.slice(-6))
    })
  }

  test('a cancelled job among those with the same bytes costs no other its ID', async () => {
    const ids = await push(400, () => 1)
    for (const id of ids.slice(200, 390)) assert.equal(await store.jobs.cancel(id, Date.now(), 60_000), 'cancelled')
    await redis.lpop('resque:queue:q', 200)
    await push(300, (i) => i, 1000)
    await redis.ltrim('resque:queue:q', 0, 9)
    await sweep()
    assert.deepEqual(await takeAll(), ids.slice(390))
  })

  test('a queue in use, with as many ids as items, is left alone', async () => {
    const ids = await push(3000, (i) => i % 1500)
    await sweep()
    assert.equal((await takeAll()).length, 3000)
    assert.equal(new Set(ids).size, 3000)
    assert.equal(await redis.hlen('resque:rt:tickets:q'), 0)
  })

  test('all go with a queue that others have emptied, and the hash has a time to live in case they remove it', async () => {
    await push(10, (i) => i)
    await store.queues.sweep()
    assert.ok((await redis.ttl('resque:rt:tickets:q')) > 86_400)
    await redis.del('resque:queue:q')
    await store.queues.sweep()
    assert.equal(await redis.exists('resque:rt:tickets:q'), 0)
  })
})

test('no call of a sweep takes long, however long the queue is', async (t) => {
  await push(20_000, (i) => i)
  await redis.lpop('resque:queue:q', 15_000)
  await redis.config('RESETSTAT')
  for (let beat = 0; beat < 20; beat += 1) await store.queues.sweep()
  const stats = await redis.info('commandstats')
  const [, calls, meanUs] = /cmdstat_evalsha:calls=(\d+),usec=\d+,usec_per_call=([\d.]+)/.exec(stats) ?? []
  t.diagnostic(`${calls} script calls, ${meanUs} microseconds each`)
  assert.ok(Number(meanUs) < 8000)
  assert.ok((await redis.hlen('resque:rt:tickets:q')) < 19_000)
})

test('a large item, whose digest its client takes, keeps its id; the same bytes pushed by another client get a new one', async () => {
  const item = `{"class":"A","args":["${'é😀'.repeat(3000)}\ud83d"]}`
  await store.queues.push('q', [{ id: 'large', className: 'A', item, options: '{"timeoutMs":5}' }], Date.now(), 60_000)
  await redis.rpush('resque:queue:q', item)
  assert.deepEqual(await takeAll(), ['large', 'new-1'])
  assert.equal(await redis.hget('resque:rt:job:large', 'options'), '{"timeoutMs":5}')
  assert.equal(await redis.exists('resque:rt:tickets:q'), 0)
})

test('the IDs of many items are a table, which Redis does not look through from its beginning', async () => {
  await push(63, (i) => i)
  assert.notEqual(await redis.object('ENCODING', 'resque:rt:tickets:q'), 'hashtable')
  await push(1, (i) => i, 63)
  assert.equal(await redis.object('ENCODING', 'resque:rt:tickets:q'), 'hashtable')
  assert.equal(await redis.hlen('resque:rt:tickets:q'), 64)
  assert.equal((await takeAll()).length, 64)
})

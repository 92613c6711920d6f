// A record in Redis that cannot be read holds up none of the others: no limit, no delayed job, no burial, no sweep.
import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import type { Redis } from 'ioredis'
import { encodeItem } from '../../runtime/core/codec.ts'
import type { Store } from '../../runtime/store/store.ts'
import { useRedis } from '../support/redis.ts'
import { testStore } from '../support/store.ts'
import { reserveOne } from '../support/reserve.ts'

const server = useRedis()
const limits = { maxRedeliveries: 3, failedMax: 100, ttlMs: 60_000 }
let store: Store
let redis: Redis

beforeEach(async () => {
  store = testStore(server)
  redis = server.client()
  await store.supervisors.register('s', ['host:1:q'], {}, 600_000)
})
afterEach(() => store.close())

const record = (id: string): string => `resque:rt:job:${id}`

async function push(id: string): Promise<void> {
  await store.queues.push('q', [{ id, className: 'OkJob', item: encodeItem('OkJob', [id], 100) }], Date.now(), 60_000)
}

/** A limit of one, held by a job that is gone, with a job in its line. */
async function stuckLine(key: string, permits: string): Promise<void> {
  await redis.zadd(`resque:rt:limit:${key}`, 1, 'gone')
  await redis.hset(record(key), { state: 'held', queue: 'q', item: `{"${key}":1}`, held_by: key, permits })
  await redis.zadd(`resque:rt:held:${key}`, 1, key)
  await redis.sadd('resque:rt:held-keys', key)
}

test('limits that cannot be read stop neither the lines of other limits nor the end of their own job', async () => {
  for (const [i, text] of ['{"', '5', '[1,{"kind":"rate","key":"x"}]', '[{"kind":"rate","key":7}]'].entries()) {
    await stuckLine(`bad${i}`, text)
    await redis.sadd('resque:rt:rate-keys', `r${i}`)
    await redis.zadd(`resque:rt:rate-line:r${i}`, 1, `bad${i}`)
  }
  await stuckLine('type', '')
  await redis.del(record('type'))
  await redis.set(record('type'), 'no hash')
  await redis.set('resque:rt:limit:string', 'no set')
  await redis.sadd('resque:rt:held-keys', 'string')
  const permit = { kind: 'concurrency', key: 'good', limit: 1 }
  await stuckLine('good', JSON.stringify([permit]))
  await store.limits.sweep()
  assert.equal(await redis.hget(record('good'), 'state'), 'waiting')
  assert.deepEqual(
    (await store.queues.peek('q')).sort(),
    ['bad0', 'bad1', 'bad2', 'bad3', 'good'].map((k) => `{"${k}":1}`),
  )
  await redis.del('resque:queue:q')

  await push('own')
  await redis.hset(record('own'), 'permits', '[{')
  const reply = await reserveOne(store, 's', 'host:1:q', ['q'], 'x', Date.now())
  assert.ok(reply.kind === 'job')
  const job = { id: reply.job.id, delivery: reply.job.delivery, worker: 'host:1:q' }
  assert.ok(await store.supervisors.settle('s', job, Date.now(), 100, { state: 'done', ttlMs: 1000 }))
  assert.equal(await redis.hget(record('own'), 'state'), 'done')
})

test('a delayed job whose record is none keeps none of the others from their queues', async () => {
  await redis.set(record('none'), 'no hash')
  await redis.zadd('resque:rt:delayed', 1, 'none')
  const dueMs = Date.now() + 1000
  await store.delayed.add(
    [{ id: 'due', className: 'OkJob', item: '{"class":"OkJob","args":[]}', queue: 'q', dueMs }],
    Date.now(),
    60_000,
  )
  await store.delayed.moveDue(dueMs, 10, limits)
  assert.equal(await redis.llen('resque:queue:q'), 1)
  assert.equal(await redis.zcard('resque:rt:delayed'), 0)
})

test('what a dead supervisor left that cannot be read keeps none of its jobs', async () => {
  await push('fine')
  await reserveOne(store, 's', 'host:1:q', ['q'], 'x', Date.now())
  await redis.hset('resque:rt:inflight:s', {
    garbled: 'x',
    number: '7',
    'no-record': '1 host:1:q',
  })
  await redis.hset('resque:rt:supervisor:s', 'slots', '[')
  await redis.zadd('resque:rt:supervisors', 1, 's')
  assert.deepEqual((await store.supervisors.reclaim('s', limits, Date.now())).back, ['fine'])
  assert.equal(await redis.llen('resque:queue:q'), 1)
  assert.deepEqual([await redis.exists('resque:rt:inflight:s'), await redis.zcard('resque:rt:supervisors')], [0, 0])
})

test('a run whose key is no hash does not stop the removal of the others', async () => {
  await redis.set('resque:rt:run:bad', 'no hash')
  await redis.hset('resque:rt:run:old', 'status', 'finished', 'class', 'Flow')
  await redis.zadd('resque:rt:runs:expiring', 1, 'bad', 2, 'old')
  await store.runs.sweep(Date.now())
  assert.equal(await redis.exists('resque:rt:run:old'), 0)
  assert.equal(await store.runs.sweep(Date.now()), 0)
})

test('a record that has lost its queue or its arguments keeps no line waiting, and its job comes to an end', async () => {
  for (const lost of ['queue', 'item']) {
    await stuckLine('k', JSON.stringify([{ kind: 'concurrency', key: 'k', limit: 1 }]))
    await redis.hset(record('behind'), {
      state: 'held',
      queue: 'q',
      item: `{"${lost}":1}`,
      held_by: 'k',
      permits: '[]',
    })
    await redis.zadd('resque:rt:held:k', 2, 'behind')
    await redis.hdel(record('k'), lost)
    await store.limits.sweep()
    assert.equal(await redis.hget(record('behind'), 'state'), 'waiting', `a held job without ${lost}`)

    for (const state of ['waiting', 'held', 'delayed']) {
      await redis.hset(record('k'), 'state', state)
      const cancelled = await store.jobs.cancel('k', Date.now(), 60_000)
      assert.equal(cancelled, state === 'waiting' ? 'unknown' : 'cancelled')
    }
    await redis.hset('resque:rt:schedule:nightly', 'job', 'k')
    await redis.hset(record('k'), 'state', 'waiting')
    assert.deepEqual(await store.connection.run('entry-busy', { name: 'nightly' }), ['ended', 'k', 0])

    await push('own')
    const reply = await reserveOne(store, 's', 'host:1:q', ['q'], 'x', Date.now())
    assert.ok(reply.kind === 'job')
    const { id, delivery } = reply.job
    await redis.hdel(record(id), lost)
    assert.ok(await store.supervisors.requeue('s', { id, delivery, worker: 'host:1:q' }, Date.now(), 0, false, 60_000))
    assert.equal(await redis.hlen('resque:rt:inflight:s'), 0)
    await redis.flushall()
    await store.supervisors.register('s', ['host:1:q'], {}, 60_000)
  }
})

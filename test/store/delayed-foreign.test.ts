import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { Redis } from 'ioredis'
import type { Store } from '../../runtime/store/store.ts'
import { rubyDelays } from '../support/delayed.ts'
import { useRedis } from '../support/redis.ts'
import { testStore } from '../support/store.ts'

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

describe('a foreign item in a bucket', () => {
  const cases: [what: string, item: string, moved: string][] = [
    [
      'numbers that a decoder would round',
      '{"class":"A","args":[12345678901234567890,1.0,1e400,-0.0],"queue":"q"}',
      '{"class":"A","args":[12345678901234567890,1.0,1e400,-0.0]}',
    ],
    [
      'half an emoji, in a text and in a name',
      '{"class":"A","args":["hello \\ud83d",{"\\uDE00":"\\\\ud83d"}],"queue":"q"}',
      '{"class":"A","args":["hello \\ud83d",{"\\uDE00":"\\\\ud83d"}]}',
    ],
    [
      "half an emoji, in node-resque's order",
      '{"class":"A","queue":"q","args":["hello \\ud83d"]}',
      '{"class":"A","args":["hello \\ud83d"]}',
    ],
    ['empty arrays and objects', '{"class":"A","args":[[],{},[[]]],"queue":"q"}', '{"class":"A","args":[[],{},[[]]]}'],
    ["node-resque's order", '{"class":"A","queue":"q","args":[{"b":1,"a":2}]}', '{"class":"A","args":[{"b":1,"a":2}]}'],
    [
      'blanks and other members',
      '{ "extra" : {"args":[9]} , "class" : "A" ,\n "args" : [ 1 , "}" ] , "queue" : "q" }',
      '{"class":"A","args":[ 1 , "}" ]}',
    ],
    [
      'escapes',
      '{"class":"A","args":["\\u003cb\\u003e \\"],\\"queue\\":\\"x\\"}"],"queue":"\\u0071"}',
      '{"class":"A","args":["\\u003cb\\u003e \\"],\\"queue\\":\\"x\\"}"]}',
    ],
    ['no args', '{"class":"A","queue":"q"}', '{"class":"A","args":[]}'],
    ['null args', '{"class":"A","args":null,"queue":"q"}', '{"class":"A","args":[]}'],
    ['an object as args', '{"class":"A","args":{"x":1.50},"queue":"q"}', '{"class":"A","args":[{"x":1.50}]}'],
    ['a scalar as args', '{"class":"A","args":"x","queue":"q"}', '{"class":"A","args":["x"]}'],
    [
      'a name that stands twice',
      '{"class":"B","class":"A","args":[1],"args":[2],"queue":"q"}',
      '{"class":"A","args":[2]}',
    ],
    [
      'deep nesting',
      `{"class":"A","args":${'['.repeat(1500)}${']'.repeat(1500)},"queue":"q"}`,
      `{"class":"A","args":${'['.repeat(1500)}${']'.repeat(1500)}}`,
    ],
  ]
  for (const [what, item, moved] of cases) {
    test(`is carried as it lies: ${what}`, async () => {
      await rubyDelays(redis, 100, item)
      assert.deepEqual(await moveAllBuckets(Date.now()), { moved: 1, failed: 0 })
      assert.deepEqual(await redis.lrange('resque:queue:q', 0, -1), [moved])
      assert.deepEqual((await redis.keys('*')).sort(), [
        'resque:queue:q',
        'resque:queues',
        'resque:resque:resque_scheduler_master_lock',
      ])
    })
  }

  /** Garbage that is no object is shown inside one, since Ruby's web page reads `payload` as a job. */
  const shown = (payload: string): string =>
    payload.startsWith('{"class":"(garbage)"') ? ((JSON.parse(payload) as { args: string[] }).args[0] ?? '') : payload
  const garbage = [
    'not json',
    '',
    '[1,2]',
    '"x"',
    'null',
    '{"class":5,"args":[]}',
    '{"args":[]}',
    '{"class":"A"',
    '{'.repeat(1200),
    '{"class":NaN}',
  ]
  test('that is no job goes to the failed list whole, and those behind it are moved', async () => {
    for (const item of garbage) await rubyDelays(redis, 100, item)
    await rubyDelays(redis, 100, bucketForm)
    assert.deepEqual(await moveAllBuckets(Date.now()), { moved: 1, failed: garbage.length })
    const entries = await store.failures.list()
    assert.deepEqual(
      entries.map((entry) => shown(entry.payload)),
      garbage,
    )
    assert.ok(entries.every((entry) => entry.worker.split(':').length === 3 && Array.isArray(entry.backtrace)))
    assert.deepEqual(await redis.keys('resque:delayed*'), [])
    assert.deepEqual(await redis.keys('resque:timestamps*'), [])
  })

  test('that is not even UTF-8 is failed, too', async () => {
    await rubyDelays(redis, 100, Buffer.from([0x7b, 0xff, 0xfe, 0x00, 0x7d]))
    assert.deepEqual(await moveAllBuckets(Date.now()), { moved: 0, failed: 1 })
    assert.equal(await store.failures.count(), 1)
  })

  test('without a queue waits for the queue of its class', async () => {
    await rubyDelays(redis, 100, '{"class":"Known","args":[1]}')
    await rubyDelays(redis, 100, '{"class":"Unknown","args":[2]}')
    const first = await store.delayed.moveBuckets(owner, Date.now(), 100, limits)
    assert.deepEqual([first.kind === 'ok' && first.moved, first.kind === 'ok' && first.unrouted], [0, 'Known'])
    assert.deepEqual(await moveAllBuckets(Date.now(), { Known: 'low', Unknown: '' }), { moved: 1, failed: 1 })
    assert.deepEqual(await redis.lrange('resque:queue:low', 0, -1), ['{"class":"Known","args":[1]}'])
    assert.equal((await store.failures.list())[0]?.payload, '{"class":"Unknown","args":[2]}')
  })

  test('the same item twice in one second is two jobs', async () => {
    await rubyDelays(redis, 100, bucketForm)
    await rubyDelays(redis, 100, bucketForm)
    assert.deepEqual(await moveAllBuckets(Date.now()), { moved: 2, failed: 0 })
  })
})

test('a kill between any two steps neither loses nor doubles: the whole move is one step', async () => {
  const now = Date.now()
  const items = Array.from({ length: 250 }, (_, i) => `{"class":"OkJob","args":[${i}],"queue":"default"}`)
  for (const item of items) await rubyDelays(redis, 100, item)
  // Each batch by another connection, dropped as soon as its command is sent: the reply never comes.
  for (let i = 0; i < 4; i += 1) {
    const killed = testStore(server)
    const call = killed.delayed.moveBuckets(owner, now, 100, limits).catch(() => undefined)
    await killed.connection.redis.ping().catch(() => undefined)
    killed.close()
    await call
  }
  await moveAllBuckets(now)
  assert.deepEqual(
    await redis.lrange('resque:queue:default', 0, -1),
    items.map((item) => item.replace(',"queue":"default"', '')),
  )
})

describe("a delayed job of ours that Ruby's scheduler has moved", () => {
  const item = '{"class":"OkJob","args":[1,"two"]}'
  const id = 'moved'
  beforeEach(async () => {
    const now = Date.now()
    await store.delayed.add([{ id, className: 'OkJob', item, queue: 'default', dueMs: now + 90_000 }], now, ttlMs)
    const second = Math.ceil((now + 90_000) / 1000)
    assert.equal(await redis.lpop(`resque:delayed:${second}`), bucketForm)
    await redis.srem(`resque:timestamps:${bucketForm}`, `delayed:${second}`)
    await redis.zrem('resque:delayed_queue_schedule', second)
    await redis.rpush('resque:queue:default', '{"class":"OkJob","args":[0]}', item)
  })

  test('is cancelled on its queue', async () => {
    assert.equal(await store.jobs.cancel(id, Date.now(), ttlMs), 'cancelled')
    assert.deepEqual(await store.queues.peek('default'), ['{"class":"OkJob","args":[0]}'])
    assert.equal((await store.jobs.find(id))?.state, 'cancelled')
  })

  test('is not said to be cancelled once a worker has it, nor one of an earlier version', async () => {
    await redis.rpop('resque:queue:default')
    assert.equal(await store.jobs.cancel(id, Date.now(), ttlMs), 'unknown')
    await redis.hdel(`resque:rt:job:${id}`, 'bucket_item')
    assert.equal(await store.jobs.cancel(id, Date.now(), ttlMs), 'unknown')
    assert.equal((await store.jobs.find(id))?.state, 'delayed')
  })
})

test('a delayed job of an earlier version, whose record has not its bytes, is found by its ticket', async () => {
  const now = Date.now()
  const job = { className: 'OkJob', item: '{"class":"OkJob","args":[1,"two"]}', queue: 'default', dueMs: now + 90_000 }
  await store.delayed.add(
    [
      { id: 'a', ...job },
      { id: 'b', ...job },
    ],
    now,
    ttlMs,
  )
  await redis.hdel('resque:rt:job:b', 'bucket_item')
  assert.equal(await store.jobs.cancel('b', now, ttlMs), 'cancelled')
  assert.equal(await store.delayed.count(), 1)
})

describe('a delayed item that is no job', () => {
  test('names its queue in the failed list, and has a class that Ruby can requeue', async () => {
    await rubyDelays(redis, 100, '{"args":[],"queue":"mail"}')
    await rubyDelays(redis, 100, 'no JSON')
    assert.deepEqual(await moveAllBuckets(200_000), { moved: 0, failed: 2 })
    const [named, bare] = await store.failures.list()
    assert.deepEqual(
      [named, bare].map((entry) => [entry?.queue, JSON.parse(entry?.payload ?? '')]),
      [
        ['mail', { class: '(garbage)', args: ['{"args":[],"queue":"mail"}'] }],
        ['(none)', { class: '(garbage)', args: ['no JSON'] }],
      ],
    )
    await assert.rejects(store.failures.retry(bare!, 'n', Date.now(), ttlMs), { code: 'ERR_STATE', message: /a queue/ })
    assert.deepEqual(await redis.keys('resque:queue*'), [])
  })
})

test('of several copies, in one second and in another, one is run or removed by itself', async () => {
  for (const second of [1_990_000_000, 1_990_000_000, 1_990_000_100]) await rubyDelays(redis, second, bucketForm)
  const all = []
  for await (const each of store.delayed.all()) all.push(each)
  const [first] = all
  assert.ok(first)
  const job = { ...first, className: 'OkJob', queue: 'default' }
  const left = (): Promise<number[]> =>
    Promise.all([1_990_000_000, 1_990_000_100].map((second) => redis.llen(`resque:delayed:${second}`)))
  assert.equal(await store.delayed.runOne(job, Date.now(), ttlMs), 1)
  assert.deepEqual(await redis.lrange('resque:queue:default', '0', '-1'), ['{"class":"OkJob","args":[1,"two"]}'])
  assert.deepEqual(await left(), [1, 1])
  assert.equal(await store.delayed.removeOne(job, Date.now(), ttlMs), 1)
  assert.deepEqual(await left(), [0, 1])
  assert.deepEqual(await redis.zrange('resque:delayed_queue_schedule', '0', '-1'), ['1990000100'])
  assert.equal(await store.delayed.runOne(job, Date.now(), ttlMs), 0, 'no other is taken in its place')
  assert.deepEqual(await redis.smembers(`resque:timestamps:${bucketForm}`), ['delayed:1990000100'])
})

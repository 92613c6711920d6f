// The failed list: what a retry does to an entry, and what becomes of an entry that Ruby wrote for a job of ours.
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { Redis } from 'ioredis'
import type { Store } from '../../runtime/store/store.ts'
import { useRedis } from '../support/redis.ts'
import { testStore } from '../support/store.ts'
import { reserveOne } from '../support/reserve.ts'

const server = useRedis()
const ttlMs = 86_400_000
const item = '{"class":"OkJob","args":[1.50,{}]}'
let store: Store
let redis: Redis

beforeEach(() => {
  store = testStore(server)
  redis = server.client()
})
afterEach(() => store.close())

const entryOf = (more = ''): string =>
  `{"failed_at":"2026/11/21 21:51:52 UTC","payload":${item},"exception":"E","error":"e","backtrace":[],"worker":"vm:1:q","queue":"q"${more}}`
const listed = (): Promise<string[]> => redis.lrange('resque:failed', 0, -1)

async function retryAll(id = 'n'): Promise<boolean[]> {
  const entries = await store.failures.list()
  return Promise.all(entries.map((entry, i) => store.failures.retry(entry, `${id}${i}`, Date.UTC(2026, 0, 2), ttlMs)))
}

const mark = '"retried_at":"2026/01/02 00:00:00 UTC"}'
const bare = entryOf().slice(0, -1)

test('an entry of another producer is read with the texts and lists that readers count on', async () => {
  await redis.rpush(
    'resque:failed',
    `{"payload":${item},"exception":{"toString":1},"error":5,"backtrace":"a.rb:1","worker":null,"queue":"q","evidence":[1],"attempts":{"attempt":1}}`,
  )
  const [entry] = await store.failures.list()
  const { exception, error, backtrace, worker, evidence, attempts, cause } = entry ?? assert.fail()
  assert.deepEqual(
    [exception, error, backtrace, worker, evidence, attempts, cause],
    ['{"toString":1}', '5', ['a.rb:1'], '', undefined, [{ attempt: 1 }], undefined],
  )
  await redis.rpush('resque:failed', `{"payload":${item},"retried_at":null}`)
  const [, bare] = await store.failures.list()
  assert.deepEqual(
    [bare?.failed_at, bare?.exception, bare?.queue, bare?.backtrace, bare?.retried_at],
    ['', '', '', [], undefined],
  )
})

test('a payload without arguments, and one that was no job, go back as they came', async () => {
  await redis.rpush(
    'resque:failed',
    '{"payload":{"class":"A"},"queue":"q"}',
    '{"payload":{"class":"(garbage)","args":["not json"]},"queue":"q"}',
    '{"payload":{"class":"(garbage)","args":null},"queue":"q"}',
  )
  assert.deepEqual(await retryAll(), [true, true, true])
  assert.deepEqual(await redis.lrange('resque:queue:q', 0, -1), [
    '{"class":"A","args":[]}',
    'not json',
    '{"class":"(garbage)","args":null}',
  ])
})

test('what is no entry is left out of a page; of one without a payload there is nothing to put back', async () => {
  await redis.rpush('resque:failed', 'no JSON', '{"queue":"q"}', '[]')
  const { entries, bytes } = await store.failures.newestFirst(0, -1, (text) => text !== '[]')
  assert.deepEqual(
    entries.map(({ index, payload, job }) => [index, payload, job]),
    [[1, 'null', undefined]],
  )
  assert.equal(bytes, 22)
  assert.deepEqual(
    (await store.failures.list(-2)).map(({ index }) => index),
    [1],
  )
})

test('bytes that are not UTF-8 beside an escaped character go back as text: as bytes they would be others', async () => {
  const entry = ['{"payload":{"class":"(garbage)","args":["', Buffer.from([0xff]), ' \\u20ac"]},"queue":"q"}']
  await redis.rpush('resque:failed', Buffer.concat(entry.map((part) => Buffer.from(part))))
  assert.deepEqual(await retryAll(), [true])
  assert.deepEqual(await redis.lrange('resque:queue:q', 0, -1), ['\ufffd €'])
})

test('all entries are removed; a key of another type stays', async () => {
  await redis.rpush('resque:failed', entryOf(), entryOf())
  assert.deepEqual([await store.failures.clear(), await store.failures.clear()], [2, 0])
  await redis.set('resque:failed', 'another type')
  await assert.rejects(store.failures.clear(), { code: 'ERR_REPLY', message: /WRONGTYPE/ })
  assert.equal(await redis.get('resque:failed'), 'another type')
})

for (const [what, text, expected] of [
  ['as Ruby writes it', entryOf(), `${bare},${mark}`],
  ['with blanks behind it', `${entryOf()} \n`, `${bare},${mark}`],
  ['with a blank before its end', `${bare} }`, `${bare} ,${mark}`],
  ['that was retried before', entryOf(',"retried_at":"2025/01/02 00:00:00 UTC"'), `${bare},${mark}`],
] as const)
  test(`a retry marks an entry ${what}, and changes no other byte`, async () => {
    await redis.rpush('resque:failed', text)
    assert.deepEqual(await retryAll(), [true])
    assert.deepEqual(await listed(), [expected])
    assert.deepEqual(await redis.lrange('resque:queue:q', 0, -1), [item])
  })

test('an entry without members takes the mark and stays JSON', async () => {
  await redis.rpush('resque:failed', '{ }')
  const [entry] = await store.failures.list()
  assert.equal(await store.failures.markRetried(entry!, Date.UTC(2026, 0, 2)), true)
  assert.deepEqual(
    (await listed()).map((text) => JSON.parse(text)),
    [{ retried_at: '2026/01/02 00:00:00 UTC' }],
  )
})

test('of two retries of one entry at once, one puts the job back', async () => {
  await redis.rpush('resque:failed', entryOf())
  const replies = await Promise.all([retryAll('a'), retryAll('b')])
  assert.deepEqual(replies.flat().sort(), [false, true])
  assert.equal(await redis.llen('resque:queue:q'), 1)
})

describe("Ruby's Resque::DirtyExit for a job of ours", () => {
  const worker = 'vm:1:q'
  const limits = { maxRedeliveries: 3, failedMax: 1000, ttlMs }

  beforeEach(async () => {
    await redis.rpush('resque:queue:q', item)
    await store.supervisors.register('s', [worker], {}, 60_000)
    await reserveOne(store, 's', worker, ['q'], 'j', Date.now())
  })

  /** What a Ruby worker does on its start: lib/resque/worker.rb, `unregister_worker`. */
  async function prune(exception = 'Resque::DirtyExit', payload = '{"class":"OkJob","args":[1.5,{}]}'): Promise<void> {
    await redis.del(`resque:worker:${worker}`)
    const more = `"exception":"${exception}","error":"Job still being processed","backtrace":[],"worker":"${worker}","queue":"q"`
    await redis.rpush('resque:failed', `{"failed_at":"2026/11/21 21:51:52 UTC","payload":${payload},${more}}`)
    await redis.rpush('resque:failed', ...Array.from({ length: 30 }, () => entryOf(',"id":"other"')))
  }
  const retried = async (): Promise<boolean> => /"retried_at":"20/.test((await listed())[0] ?? '')
  const job = { id: 'j', delivery: '1', worker }

  for (const exception of ['Resque::DirtyExit', 'Resque::PruneDeadWorkerDirtyExit'])
    test(`${exception} is marked when the job is put back`, async () => {
      await prune(exception)
      await redis.zadd('resque:rt:supervisors', 1, 's')
      await store.supervisors.reclaim('s', limits, Date.now())
      assert.deepEqual([await redis.llen('resque:queue:q'), await retried()], [1, true])
    })

  test('is marked when the job ends', async () => {
    await prune()
    assert.equal(await store.supervisors.settle('s', job, Date.now(), 1000, { state: 'done', ttlMs }), true)
    assert.equal(await retried(), true)
  })

  test('of another job is not marked', async () => {
    await prune('Resque::DirtyExit', '{"class":"OkJob","args":[2]}')
    await store.supervisors.settle('s', job, Date.now(), 1000, { state: 'done', ttlMs })
    assert.equal(await retried(), false)
  })
})

describe('an item that is not UTF-8', () => {
  const broken = Buffer.from([...Buffer.from('{"class":"OkJob","args":["h'), 0xe9, ...Buffer.from('llo"]}')])
  const entry = (payload: Buffer, more = ''): Buffer =>
    Buffer.concat([
      Buffer.from('{"failed_at":"2026/11/21 21:51:52 UTC","payload":'),
      payload,
      Buffer.from(`,"exception":"E","error":"e","backtrace":[],"worker":"vm:1:q","queue":"q"${more}}`),
    ])
  const queued = (): Promise<Buffer[]> => redis.lrangeBuffer('resque:queue:q', 0, -1)

  test('goes back byte for byte from the record of its job', async () => {
    await redis.hset('resque:rt:job:old', 'item', broken)
    await redis.rpush('resque:failed', entry(Buffer.from(broken.toString()), ',"id":"old"'))
    assert.deepEqual(await retryAll(), [true])
    assert.deepEqual(await queued(), [broken])
  })

  test('goes back byte for byte from an entry that has the bytes, and can be removed', async () => {
    await redis.rpush('resque:failed', entry(broken))
    assert.deepEqual(await retryAll(), [true])
    assert.deepEqual(await queued(), [broken])
    assert.equal(await store.failures.remove((await store.failures.list())[0]!), true)
  })

  test('goes back as the entry shows it, where no bytes are left', async () => {
    await redis.hset('resque:rt:job:old', 'item', '{"class":"Other","args":[]}')
    await redis.rpush('resque:failed', entry(Buffer.from(broken.toString()), ',"id":"old"'))
    assert.deepEqual(await retryAll(), [true])
    assert.equal((await queued())[0]?.toString(), broken.toString())
  })
})

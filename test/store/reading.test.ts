// What the store reads: of many keys all, of nothing nothing, and of what was changed in Redis what is left of it.
import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import type { Redis } from 'ioredis'
import { storedError } from '../../runtime/store/queues/jobs.ts'
import { queueListName, selectQueues } from '../../runtime/store/queues/queue-list.ts'
import { silentForMs, type WorkerInfo } from '../../runtime/store/workers/workers.ts'
import type { Keys } from '../../runtime/store/keys.ts'
import type { Store } from '../../runtime/store/store.ts'
import { useRedis } from '../support/redis.ts'
import { testStore } from '../support/store.ts'

const server = useRedis()
const ttlMs = 86_400_000
let store: Store
let redis: Redis
let keys: Keys

beforeEach(() => {
  store = testStore(server)
  redis = server.client()
  keys = store.connection.keys
})
afterEach(() => store.close())

test('queue lists are matched as Ruby does: byte order, each queue once, exclusions wherever they stand', () => {
  const known = ['high', 'low', 'mail/a', '.hidden', 'b]', 'a.b', 'h*', 'axb', 'ä']
  for (const [patterns, expected] of [
    [
      ['low', 'gone', 'low'],
      ['low', 'gone', 'low'],
    ],
    [['*'], ['a.b', 'axb', 'b]', 'h*', 'high', 'low', 'mail/a', 'ä']],
    [['.*'], ['.hidden']],
    [['[hl]*'], ['h*', 'high', 'low']],
    [
      ['[!h]ow', '[^x]igh'],
      ['low', 'high'],
    ],
    [['a?b'], ['a.b', 'axb']],
    [['a.?'], ['a.b']],
    [['h\\*'], ['h*']],
    [['b]', '*]'], ['b]']],
    [['[', 'low*'], ['low']],
    [['[z-a]*', 'low*'], ['low']],
    [
      ['low', 'gone', '*', '!high', '!a*'],
      ['low', 'b]', 'h*', 'mail/a', 'ä'],
    ],
    [['*\\'], []],
  ] as const)
    assert.deepEqual(selectQueues(patterns, known), expected, patterns.join())
  assert.equal(queueListName(['*', '!low', 'a']), '*,a')
})

test('searches of many keys go on to the end, or to the page that is asked for', async () => {
  const calls = redis.pipeline()
  for (let i = 0; i < 1200; i += 1)
    calls.set(keys.unique(`lock${i}`), `job${i}`).zadd(keys.limitSlots(`limit${i}`), 1, 'job')
  await calls.exec()
  const { limits, isComplete } = await store.limits.all()
  assert.deepEqual([new Set(limits.map(({ key }) => key)).size, isComplete], [1200, true])
  assert.equal((await store.uniqueLocks.stale()).length, 1200)
  const found = new Set<string>()
  let pages = 0
  for (let next: string | undefined = '0'; next !== undefined; pages += 1) {
    const page: Awaited<ReturnType<Store['uniqueLocks']['page']>> = await store.uniqueLocks.page(next, 1)
    for (const { lock } of page.locks) found.add(lock)
    next = page.next
  }
  assert.equal(found.size, 1200)
  assert.ok(pages > 1)
  const { keys: largest, looked, complete } = await store.health.largestKeys(3)
  assert.deepEqual([largest.length, looked, complete], [3, 2400, true])
})

test('all delayed jobs are read: those of a full list, and one whose record is gone', async () => {
  const due = 2_000_000_000
  const items = Array.from({ length: 600 }, (_, i) => `{"class":"A","args":[${i}],"queue":"q"}`)
  await redis.rpush(keys.delayedBucket(due), ...items)
  await redis.zadd(keys.delayedSchedule(), due, due)
  await redis.zadd(keys.delayed(), 5, 'ghost')
  const all = []
  for await (const job of store.delayed.all()) all.push(job)
  assert.deepEqual(all[0], { id: 'ghost', dueMs: 5, queue: undefined, className: undefined, args: '', bytes: '' })
  assert.deepEqual(
    all.slice(1).map(({ bytes }) => bytes),
    items,
  )
  assert.equal(await store.delayed.removeOne(all[0], Date.now(), ttlMs), 0, 'there is nothing to cancel')
})

test('a wait for the end of a job ends with its record, without one when it is gone, or in time', async () => {
  assert.equal(await store.jobs.waitForEnd('gone', 60_000), undefined)
  await redis.hset(keys.job('j'), { state: 'waiting', queue: 'q', item: '{}' })
  await assert.rejects(store.jobs.waitForEnd('j', 1), { code: 'ERR_TIMEOUT', message: /within 1 ms, it is waiting/ })
  await redis.hset(keys.job('j'), 'state', 'done')
  assert.equal((await store.jobs.waitForEnd('j', 60_000))?.state, 'done')
})

test('a watch ends when its signal does', async () => {
  const stop = new AbortController()
  const states: (string | undefined)[] = []
  await redis.hset(keys.job('j'), 'state', 'running')
  for await (const record of store.jobs.watch('j', () => 60_000, stop.signal)) {
    states.push(record?.state)
    stop.abort()
  }
  assert.deepEqual(states, ['running'])
})

test('an error that is no JSON is its own message', () => {
  assert.deepEqual(storedError('boom'), { name: 'Error', message: 'boom' })
  assert.deepEqual(storedError('{"name":"E","message":5,"backtrace":[]}'), { name: 'E', message: '5', backtrace: [] })
})

test('a worker of another program is listed with what it wrote; one without a heartbeat is not taken for dead', async () => {
  await redis.sadd(keys.workers(), 'vm', 'vm:7:a,b:c')
  await redis.hset(keys.supervisor('s'), 'slots', '["vm:7:a,b:c"]')
  await redis.zadd(keys.supervisors(), 1, 's')
  const [bare, other] = await store.workers.list()
  const none = {
    name: undefined,
    startedAt: undefined,
    heartbeat: undefined,
    working: undefined,
    processed: 0,
    failed: 0,
  }
  assert.deepEqual(bare, { ...none, id: 'vm', host: 'vm', pid: '', queues: [''] })
  assert.deepEqual(other, { ...none, id: 'vm:7:a,b:c', host: 'vm', pid: '7', queues: ['a', 'b:c'] })
  assert.deepEqual(await store.workers.stats(), { processed: 0, failed: 0 })
  const silent = (heartbeat: string | undefined): number | undefined =>
    silentForMs({ heartbeat } as WorkerInfo, Date.UTC(2026, 0, 1, 1))
  const beats = [undefined, '2026-01-01T00:59:00Z', '2026-01-01T00:00:00Z']
  assert.deepEqual(beats.map(silent), [undefined, undefined, 3_600_000])
})

test('a worker that does not answer, or not in JSON, is said not to', async () => {
  const refused = { code: 'ERR_TIMEOUT', message: /^job j: expected its worker to answer within/ }
  await assert.rejects(store.stacks.ask('j', 1), refused)
  await store.connection.listen(
    keys.control(),
    (message) => void store.stacks.answer(message.split(' ')[2]!, 'no JSON'),
  )
  await assert.rejects(store.stacks.ask('j', 60_000), refused)
})

test('run requests and notes that were changed in Redis are read with what is left of them', async () => {
  await redis.hset(keys.pipelineRequest('r'), 'status', 'Pending')
  const { pipeline, instance, params, by, requestedAtMs } = (await store.pipelines.findRequest('r')) ?? assert.fail()
  assert.deepEqual([pipeline, instance, params, by, requestedAtMs], ['', 1, '{}', '', 0])
  assert.deepEqual(await store.pipelines.requests(5, 'gone'), { requests: [], last: undefined })
  await redis.rpush(keys.audit(), 'no JSON', '{"user":5,"atMs":"x"}', '{"atMs":7,"user":"u","action":"a","note":"n"}')
  assert.deepEqual(await store.audit.list(0, 10), [
    { atMs: 0, user: '5', action: '', note: '' },
    { atMs: 7, user: 'u', action: 'a', note: 'n' },
  ])
})

test('an archive that nothing was written to is empty; one archiver at a time takes from it', async () => {
  assert.deepEqual(await store.archive.state(), {
    ...{ keep: 'redis', max: 10_000, length: 0, dropped: 0, taken: 0, takenAtMs: 0 },
    ...{ oldestAtMs: undefined, trouble: '' },
  })
  assert.equal(await store.archive.remove([]), 0)
  await redis.xadd(keys.archive(), '5-1', 'id', 'a', 'state', 'done')
  await redis.xadd(keys.archive(), '6-1', 'id', 'b')
  assert.deepEqual(await store.archive.take('one', 60_000, 1), [{ entry: '5-1', fields: { id: 'a', state: 'done' } }])
  assert.equal(await store.archive.take('two', 60_000, 1), undefined)
  const page = async (before?: string): Promise<string[]> =>
    (await store.archive.page(before, -1, 10)).map(({ entry }) => entry)
  assert.deepEqual([await page(), await page('6-1')], [['6-1', '5-1'], ['5-1']])
})

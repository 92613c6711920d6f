// A text cut in the middle of an emoji: JSON.stringify writes `\\ud83d` for its end, which Redis's cjson refuses.
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { Redis } from 'ioredis'
import type { Delivery } from '../../runtime/store/queues/deliveries.ts'
import { scriptJson } from '../../runtime/store/connection/connection.ts'
import type { Store } from '../../runtime/store/store.ts'
import { useRedis } from '../support/redis.ts'
import { testStore } from '../support/store.ts'
import { reserveOne } from '../support/reserve.ts'

const server = useRedis()
const half = 'hello 😀'.slice(0, 7)
const [supervisor, worker, ttlMs] = ['s1', 'vm:1:q', 60_000]
let store: Store
let redis: Redis

beforeEach(async () => {
  store = testStore(server)
  redis = server.client()
  await store.supervisors.register(supervisor, [worker], {}, 60_000)
})
afterEach(() => store.close())

/** A job with a unique lock, taken by the supervisor. */
async function taken(id = 'j1'): Promise<Delivery> {
  const job = {
    id,
    className: 'A',
    item: `{"class":"A","args":["hello \\ud83d","${id}"]}`,
    unique: { key: id, forMs: 60_000 },
  }
  await store.queues.push('q', [job], Date.now(), ttlMs)
  const reply = await reserveOne(store, supervisor, worker, ['q'], 'none', Date.now())
  assert.ok(reply.kind === 'job' && reply.job.id === id)
  return { worker, id, delivery: reply.job.delivery }
}
const stateOf = async (id: string): Promise<string | undefined> => (await store.jobs.find(id))?.state

test('JSON for scripts has whole characters only, and is otherwise as it was', () => {
  assert.equal(scriptJson({ a: half, [half]: '😀' }), '{"a":"hello \\ufffd","hello \\ufffd":"😀"}')
  assert.equal(scriptJson(['\\ud83d', '\\', '\udfff', '\u001f']), '["\\\\ud83d","\\\\","\\ufffd","\\u001f"]')
})

describe('half an emoji', () => {
  test('in the reason of an end is recorded like any other', async () => {
    const job = await taken()
    const end = { state: 'discarded' as const, fields: { reason: half }, ttlMs }
    assert.equal(await store.supervisors.settle(supervisor, job, Date.now(), 10, end), true)
    assert.deepEqual([await stateOf('j1'), (await store.jobs.find('j1'))?.reason], ['discarded', 'hello \ufffd'])
    assert.equal(await redis.exists('resque:rt:unique:j1'), 0)
  })

  test('in what is noted of an attempt keeps no job from its next one', async () => {
    const job = await taken()
    const due = Date.now() + 1000
    assert.equal(await store.supervisors.requeue(supervisor, job, Date.now(), due, true, ttlMs, { cause: half }), true)
    assert.equal(await stateOf('j1'), 'delayed')
  })

  test('in the key of a limit counts as a key', async () => {
    const permits = [{ kind: 'concurrency' as const, key: `A:${half}`, limit: 1 }]
    const [first, second] = [await taken(), await taken('j2')]
    assert.equal(await store.limits.acquire(supervisor, first, permits, Date.now()), 'granted')
    assert.equal(await store.limits.acquire(supervisor, second, permits, Date.now()), 'held')
    assert.deepEqual((await store.limits.state(`A:${half}`)).holders, ['j1'])
    await store.supervisors.settle(supervisor, first, Date.now(), 10, { state: 'done', ttlMs })
    assert.equal(await stateOf('j2'), 'waiting')
  })

  test("in arguments keeps Resque's own record of the job in hand", async () => {
    await taken()
    assert.match((await redis.get(`resque:worker:${worker}`)) ?? '', /"payload":\{"class":"A","args":\["hello \\ud83d"/)
  })
})

test('what a script cannot read ends no delivery halfway', async () => {
  const job = await taken()
  const { keys } = store.connection
  const args = { supervisor, ...job, now: 1, failedAt: '', ttlMs, fields: '{"reason":"\\ud83d"}' }
  const ends = { state: 'discarded', entry: '', failedMax: 1, output: '', extra: '' }
  await assert.rejects(store.connection.run('settle', { ...args, ...ends }))
  await assert.rejects(store.connection.run('requeue', { ...args, dueAt: 0, counted: 0 }))
  assert.equal(await redis.hexists(keys.inflight(supervisor), 'j1'), 1)
})

// Jobs with the same bytes are told apart by their tickets alone: those that waited for a permit come first, in turn.
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

// One call takes jobs for all free slots.
import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import type { Redis } from 'ioredis'
import type { Store } from '../../runtime/store/store.ts'
import { itemOf, ttlMs, useSupervisor } from '../support/reserve.ts'

const to = useSupervisor()
let store: Store
let redis: Redis
beforeEach(() => ({ store, redis } = to))

test('one call takes a job for each slot, in the order of the queues and of each queue', async () => {
  const of = (ids: string[]) => ids.map((id) => ({ id, className: 'OkJob', item: itemOf(id) }))
  await store.queues.push('high', of(['a', 'b']), Date.now(), ttlMs)
  await store.queues.push('low', of(['c', 'd', 'e']), Date.now(), ttlMs)
  const slots = { workers: ['1', '2', '3', '4'].map((n) => `host:${n}:q`), newId: 'new' }
  const reply = await store.supervisors.reserve('s', slots, ['high', 'low'], Date.now())
  assert.equal(reply.kind, 'taken')
  assert.deepEqual('jobs' in reply && reply.jobs.map(({ id, queue }) => `${queue} ${id}`), [
    'high a',
    'high b',
    'low c',
    'low d',
  ])
  assert.deepEqual(await redis.hgetall('resque:rt:inflight:s'), {
    a: '1 host:1:q',
    b: '1 host:2:q',
    c: '1 host:3:q',
    d: '1 host:4:q',
  })
  const rest = await store.supervisors.reserve('s', slots, ['high', 'low'], Date.now())
  assert.equal(rest.kind, 'empty')
  assert.deepEqual('jobs' in rest && rest.jobs.map(({ id }) => id), ['e'])
})

test('items with the same bytes keep the ids of their jobs, first come first served; a foreign one gets a new id', async () => {
  const same = '{"class":"OkJob","args":[]}'
  await store.queues.push(
    'q',
    ['a', 'b'].map((id) => ({ id, className: 'OkJob', item: same })),
    Date.now(),
    ttlMs,
  )
  await redis.rpush('resque:queue:q', same, itemOf('foreign'))
  const slots = { workers: ['1', '2', '3', '4'].map((n) => `host:${n}:q`), newId: 'new' }
  const reply = await store.supervisors.reserve('s', slots, ['q'], Date.now())
  assert.deepEqual('jobs' in reply && reply.jobs.map(({ id }) => id), ['a', 'b', 'new-2', 'new-3'])
  assert.equal(await redis.exists('resque:rt:tickets:q'), 0)
  await store.queues.push('q', [{ id: 'c', className: 'OkJob', item: same }], Date.now(), ttlMs)
  await redis.rpush('resque:queue:q', same)
  const again = await store.supervisors.reserve('s', slots, ['q'], Date.now())
  assert.deepEqual('jobs' in again && again.jobs.map(({ id }) => id), ['c', 'new-1'])
})

test('a call takes no more than 256 kB of jobs', async () => {
  const jobs = ['a', 'b', 'c'].map((id) => ({ id, className: 'OkJob', item: itemOf(id.repeat(200_000)) }))
  await store.queues.push('q', jobs, Date.now(), ttlMs)
  const slots = { workers: ['1', '2', '3'].map((n) => `host:${n}:q`), newId: 'new' }
  const reply = await store.supervisors.reserve('s', slots, ['q'], Date.now())
  assert.equal(reply.kind, 'taken')
  assert.equal('jobs' in reply && reply.jobs.length, 2)
  assert.equal(await redis.llen('resque:queue:q'), 1)
})

// The ends of one tick are recorded in one call, with which free slots take their next jobs: each end is fenced and answered by
// itself, and one bad end spoils no other, nor do jobs that cannot be taken.
import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import type { Redis } from 'ioredis'
import type { Store } from '../../runtime/store/store.ts'
import type { Delivery } from '../../runtime/store/workers/supervisors.ts'
import { itemOf, ttlMs, useSupervisor } from '../support/reserve.ts'

const to = useSupervisor()
let store: Store
let redis: Redis
beforeEach(() => ({ store, redis } = to))
const deliveryOf = (id: string, delivery = '1'): Delivery => ({ id, delivery, worker: `host:${id}:q` })

async function inHand(...ids: string[]): Promise<Delivery[]> {
  const jobs = ids.map((id) => ({ id, className: 'OkJob', item: itemOf(id) }))
  await store.queues.push('q', jobs, Date.now(), ttlMs)
  const slots = { workers: ids.map((id) => `host:${id}:q`), newId: 'new' }
  const reply = await store.supervisors.reserve('s', slots, ['q'], Date.now())
  assert.ok('jobs' in reply)
  return reply.jobs.map(({ id, delivery }) => deliveryOf(id, delivery))
}

const done = { state: 'done' as const, ttlMs, fields: { evidence: '{"wall_ms":1}' }, mayHaveLog: false }
const settle = (job: Delivery): Promise<boolean> => store.supervisors.settle('s', job, Date.now(), 100, done)
const scriptCalls = async (): Promise<number> => {
  const [, calls] = /cmdstat_evalsha:calls=(\d+)/.exec(await redis.info('commandstats')) ?? []
  return Number(calls)
}

test('the ends of one tick are one call, and each is recorded whole', async () => {
  const jobs = await inHand('a', 'b', 'c')
  const calls = await scriptCalls()
  assert.deepEqual(await Promise.all(jobs.map(settle)), [true, true, true])
  assert.equal((await scriptCalls()) - calls, 1)
  for (const { id, worker } of jobs) {
    const record = await redis.hgetall(`resque:rt:job:${id}`)
    assert.equal(record.state, 'done')
    assert.equal(record.evidence, '{"wall_ms":1}')
    assert.ok((await redis.pttl(`resque:rt:job:${id}`)) > 0)
    assert.equal(await redis.get(`resque:stat:processed:${worker}`), '1')
  }
  assert.equal(await redis.get('resque:stat:processed'), '3')
  assert.equal(await redis.exists('resque:rt:inflight:s'), 0)
  const archived = await redis.xrange('resque:rt:archive', '-', '+')
  assert.deepEqual(archived.map(([, fields]) => fields[fields.indexOf('id') + 1]).sort(), ['a', 'b', 'c'])
  assert.ok(archived.every(([, fields]) => fields.includes('{"wall_ms":1}')))
})

test('of a large item the archive has the class and the size, also where it is not read', async () => {
  const item = itemOf('x'.repeat(9000))
  await store.queues.push('q', [{ id: 'ours', className: 'OkJob', item }], Date.now(), ttlMs)
  await redis.rpush('resque:queue:q', item)
  const workers = ['host:a:q', 'host:b:q', 'host:c:q']
  const reply = await store.supervisors.reserve('s', { workers, newId: 'new' }, ['q'], Date.now())
  const taken = 'jobs' in reply ? reply.jobs.map(({ id, delivery }, i) => ({ id, delivery, worker: workers[i]! })) : []
  assert.deepEqual(await Promise.all(taken.map((job) => store.supervisors.settle('s', job, Date.now(), 100, { ...done, isLarge: true }))), [true, true]) // prettier-ignore
  for (const [, fields] of await redis.xrange('resque:rt:archive', '-', '+')) {
    const of = (name: string) => fields[fields.indexOf(name) + 1]
    assert.deepEqual([of('class'), of('item_bytes'), fields.includes('item')], ['OkJob', String(item.length), false])
  }
  assert.equal(await redis.xlen('resque:rt:archive'), 2)
})

test('a failure is recorded in the same call, whole', async () => {
  const [a, b] = await inHand('a', 'b')
  assert.ok(a && b)
  const calls = await scriptCalls()
  const failed = { state: 'failed' as const, entry: '{"error":"no"}', fields: { cause: 'exception' }, ttlMs }
  assert.deepEqual(
    await Promise.all([settle(a), store.supervisors.settle('s', b, Date.now(), 100, { ...failed, step: {} })]),
    [true, true],
  )
  assert.equal((await scriptCalls()) - calls, 1)
  assert.deepEqual(await redis.lrange('resque:failed', 0, -1), ['{"error":"no"}'])
  assert.equal(await redis.hget('resque:rt:job:b', 'state'), 'failed')
  const counts = ['processed', 'failed', 'failed:host:b:q', 'failed:host:a:q'].map((name) => `resque:stat:${name}`)
  assert.deepEqual(await redis.mget(counts), ['2', '1', '1', null])
})

/** Two jobs end while two slots ask for their next ones. @param obstacle comes before that */
async function exchanged(
  obstacle: () => Promise<unknown> = async () => undefined,
): Promise<{ ends: PromiseSettledResult<boolean>[]; taken: string[]; calls: number }> {
  const jobs = await inHand('a', 'b')
  await obstacle()
  await store.queues.push('q', [{ id: 'c', className: 'OkJob', item: itemOf('c') }], Date.now(), ttlMs)
  const before = await scriptCalls()
  const ends = jobs.map(settle)
  const slots = { workers: ['host:a:q', 'host:b:q'], newId: 'new' }
  const reply = await store.supervisors.reserve('s', slots, ['q'], Date.now()).catch(() => undefined)
  const taken = reply && 'jobs' in reply ? reply.jobs.map(({ id }) => id) : []
  return { ends: await Promise.allSettled(ends), taken, calls: (await scriptCalls()) - before }
}
const recorded = { status: 'fulfilled', value: true }

test('ends and the next jobs are one call: each end is recorded once, each job given once', async () => {
  assert.deepEqual(await exchanged(), { ends: [recorded, recorded], taken: ['c'], calls: 1 })
  assert.deepEqual(await redis.hgetall('resque:rt:inflight:s'), { c: '1 host:a:q' })
  assert.equal(await redis.get('resque:stat:processed'), '2')
  assert.equal(await redis.xlen('resque:rt:archive'), 2)
  assert.equal(await redis.llen('resque:queue:q'), 0)
})

const obstacles: [string, () => Promise<unknown>][] = [
  ['all workers are paused', () => redis.set('resque:pause-all-workers', 'true')],
  ['a key holds another type', () => redis.sadd('resque:pause-all-workers', 'x')],
]
for (const [why, obstacle] of obstacles)
  test(`ends are recorded though no job can be taken: ${why}`, async () => {
    assert.deepEqual(await exchanged(obstacle), { ends: [recorded, recorded], taken: [], calls: 1 })
    assert.equal(await redis.llen('resque:queue:q'), 1)
  })

test('a second delivery has its own number, and its end keeps what came before; a foreign item is written to its record', async () => {
  const [a] = await inHand('a')
  await store.supervisors.requeue('s', a!, Date.now(), 0, true, ttlMs, { error: '{}', redeliveries: '1' })
  await redis.rpush('resque:queue:q', itemOf('b'))
  const slots = { workers: ['host:a:q', 'host:b:q'], newId: 'new' }
  const reply = await store.supervisors.reserve('s', slots, ['q'], Date.now())
  assert.deepEqual('jobs' in reply && reply.jobs.map((job) => `${job.delivery} ${job.attempt}`), ['2 2', '1 1'])
  assert.equal(await redis.hget('resque:rt:job:new-1', 'item'), itemOf('b'))
  assert.deepEqual(await Promise.all([a!, deliveryOf('a', '2')].map(settle)), [false, true])
  const archived = String(await redis.xrange('resque:rt:archive', '-', '+'))
  assert.ok(archived.includes('redeliveries,1,error,{}'), archived)
})

test('ends that one call does not take along are recorded by the next, of their own accord', async () => {
  await store.supervisors.register('s2', ['host:z:q'], {}, ttlMs)
  const jobs = await inHand('a', 'b', 'c')
  const large = { ...done, fields: { evidence: JSON.stringify('x'.repeat(200_000)) } }
  const ends = jobs.map((job) => store.supervisors.settle('s', job, Date.now(), 100, large))
  const others = store.supervisors.settle('s2', deliveryOf('z'), Date.now(), 100, done)
  await store.supervisors.reserve('s', { workers: ['host:a:q'], newId: 'n' }, ['q'], Date.now())
  assert.deepEqual(await Promise.all([...ends, others]), [true, true, true, false])
  assert.equal(await redis.get('resque:stat:processed'), '3')
})

test('an end that is another delivery’s, or comes twice, is refused, and the others are recorded', async () => {
  const [a, b, c] = await inHand('a', 'b', 'c')
  assert.ok(a && b && c)
  const answers = await Promise.all([
    settle(a),
    settle({ ...b, delivery: '2' }),
    settle(c),
    settle(c),
    settle(deliveryOf('x')),
  ])
  assert.deepEqual(answers, [true, false, true, false, false])
  assert.equal(await redis.get('resque:stat:processed'), '2')
  assert.deepEqual(await redis.hkeys('resque:rt:inflight:s'), ['b'])
  assert.equal(await redis.hget('resque:rt:job:b', 'state'), 'running')
  assert.equal(await redis.xlen('resque:rt:archive'), 2)
})

test('an end whose record holds another type fails alone', async () => {
  const [a, b, c] = await inHand('a', 'b', 'c')
  assert.ok(a && b && c)
  await redis.del('resque:rt:job:b')
  await redis.set('resque:rt:job:b', 'x')
  const answers = await Promise.allSettled([a, b, c].map(settle))
  assert.deepEqual(
    answers.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  )
  assert.deepEqual(await redis.hkeys('resque:rt:inflight:s'), ['b'])
  assert.equal(await redis.get('resque:stat:processed'), '2')
})

test('a supervisor whose lease has run out records none of its ends', async () => {
  const jobs = await inHand('a', 'b')
  await redis.zadd('resque:rt:supervisors', 1, 's')
  assert.deepEqual(await Promise.all(jobs.map(settle)), [false, false])
  assert.equal(await redis.get('resque:stat:processed'), null)
  assert.equal(await redis.xlen('resque:rt:archive'), 0)
})

test('Resque’s record of a worker is written for jobs that still run, and goes with their end', async () => {
  const [a, b] = await inHand('a', 'b')
  assert.ok(a && b)
  await settle(a)
  const shown = [a, b, { ...b, delivery: '9', worker: 'host:z:q' }].map((job) => ({ ...job, runAtMs: 0, bytes: 1 }))
  await store.supervisors.show('s', shown)
  assert.deepEqual(await redis.keys('resque:worker:host:?:q'), ['resque:worker:host:b:q'])
  assert.equal(
    await redis.get('resque:worker:host:b:q'),
    `{"queue":"q","run_at":"1970-01-01T00:00:00Z","payload":${itemOf('b')}}`,
  )
  await settle(b)
  assert.deepEqual(await redis.keys('resque:worker:host:?:q'), [])
})

test('a delivery that ends without its job leaves the record as it was before: no worker, no attempt, no ttl that runs', async () => {
  const [a, b] = await inHand('a', 'b')
  assert.equal(await store.supervisors.requeue('s', a!, Date.now(), 0, false, ttlMs), true)
  assert.equal(await store.supervisors.requeue('s', b!, 1000, 5000, true, ttlMs, { error: '{}' }), true)
  const [back, later] = [await redis.hgetall('resque:rt:job:a'), await redis.hgetall('resque:rt:job:b')]
  assert.deepEqual([back.state, back.worker, back.run_at, back.attempt], ['waiting', undefined, undefined, '0'])
  assert.deepEqual([later.state, later.due_at, later.attempt, later.error], ['delayed', '5000', '1', '{}'])
  assert.deepEqual(await redis.lrange('resque:queue:q', 0, -1), [itemOf('a')])
  assert.equal(await redis.zscore('resque:rt:delayed', 'b'), '5000')
  assert.deepEqual(await redis.mget('resque:stat:processed', 'resque:stat:failed'), ['1', null])
  assert.equal(await store.supervisors.requeue('s', a!, Date.now(), 0, false, ttlMs), false)
})

test('ends that Redis refuses are refused, each of them, and none is waited for for ever', async () => {
  const jobs = await inHand('a', 'b')
  await redis.del('resque:rt:inflight:s')
  await redis.set('resque:rt:inflight:s', 'x')
  const ends = await Promise.allSettled(jobs.map(settle))
  assert.deepEqual(
    ends.map(({ status }) => status),
    ['rejected', 'rejected'],
  )
  assert.equal(await redis.get('resque:stat:processed'), null)
})

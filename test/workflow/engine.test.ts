import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { systemClock } from '../../runtime/core/clock.ts'
import { WorkflowRun } from '../../runtime/workflow/run/workflow-run.ts'
import { useRedis } from '../support/redis.ts'
import { StepDriver } from './support.ts'

const redis = useRedis()
let driver: StepDriver

beforeEach(async () => {
  driver = await new StepDriver(redis).register()
})
afterEach(() => driver.close())

test('a diamond runs in order and ends as finished', async () => {
  const { id, names } = await driver.create({ a: [], b: ['a'], c: ['a'], d: ['b', 'c'] })
  assert.deepEqual(await driver.states(id, names), {
    run: 'pending',
    a: 'waiting',
    b: 'waiting',
    c: 'waiting',
    d: 'waiting',
  })
  await driver.store.runs.start(id, Date.now())
  assert.deepEqual(await driver.drain(), ['a', 'b', 'c', 'd'])
  assert.deepEqual(await driver.states(id, names), {
    run: 'finished',
    a: 'finished',
    b: 'finished',
    c: 'finished',
    d: 'finished',
  })
  assert.deepEqual((await driver.store.runs.read.find(id))?.counts, { finished: 4 })
})

test('a run without jobs is finished when it starts', async () => {
  const { id, names } = await driver.create({})
  await driver.store.runs.start(id, Date.now())
  assert.deepEqual(await driver.states(id, names), { run: 'finished' })
})

test('a failed job blocks what hangs on it, the rest runs on, and continue runs only the failed one and its dependents', async () => {
  const { id, names } = await driver.create({ a: [], b: ['a'], c: ['b'], x: [], y: ['x'] })
  await driver.store.runs.start(id, Date.now())
  assert.deepEqual(await driver.drain(['b']), ['a', 'x', 'b', 'y'])
  assert.deepEqual(await driver.states(id, names), {
    run: 'failed',
    a: 'finished',
    b: 'failed',
    c: 'waiting',
    x: 'finished',
    y: 'finished',
  })
  assert.deepEqual(await driver.store.runs.read.failed(id, 10), [
    { index: 1, error: '{"name":"Error","message":"boom"}' },
  ])
  await driver.store.runs.resume(id, Date.now())
  assert.deepEqual(await driver.drain(), ['b', 'c'])
  assert.equal((await driver.states(id, names)).run, 'finished')
  assert.deepEqual(await driver.store.runs.read.failed(id, 10), [])
})

test('a failure branch runs when its parent failed, is skipped when it did not, and never runs twice', async () => {
  const shape = { a: [], alarm: ['!a'], next: ['a'], cleanup: ['~a'], both: ['next', 'alarm'] }
  const first = await driver.create(shape)
  await driver.store.runs.start(first.id, Date.now())
  assert.deepEqual(await driver.drain(), ['a', 'next', 'cleanup', 'both'])
  assert.equal((await driver.states(first.id, first.names)).alarm, 'skipped')
  const second = await driver.create(shape)
  await driver.store.runs.start(second.id, Date.now())
  assert.deepEqual(await driver.drain(['a']), ['a', 'alarm', 'cleanup'])
  assert.equal((await driver.states(second.id, second.names)).run, 'failed')
  await driver.store.runs.resume(second.id, Date.now())
  assert.deepEqual(await driver.drain(['a']), ['a'])
  await driver.store.runs.resume(second.id, Date.now())
  assert.deepEqual(await driver.drain(), ['a', 'next', 'both'])
  assert.equal((await driver.states(second.id, second.names)).run, 'finished')
})

test('a job that skips its children skips what hangs on them alone', async () => {
  const { id, names } = await driver.create({ a: [], b: ['a'], c: ['b'], x: [], report: ['b', 'x'] })
  await driver.store.runs.start(id, Date.now())
  const a = await driver.take()
  await driver.end(a!, 'done', { extra: '{"force_skip":true}' })
  assert.deepEqual(await driver.drain(), ['x', 'report'])
  assert.deepEqual(await driver.states(id, names), {
    run: 'finished',
    a: 'finished',
    b: 'skipped',
    c: 'skipped',
    x: 'finished',
    report: 'finished',
  })
})

test('stop: nothing more is queued, waiting ones never run; continue takes up what was held back', async () => {
  const { id, names } = await driver.create({ a: [], b: ['a'], c: ['b'], x: [] })
  await driver.store.runs.start(id, Date.now())
  const a = await driver.take()
  await driver.store.runs.stop(id, Date.now())
  for await (const owners of driver.store.runs.read.owners(id)) assert.deepEqual(owners, [a!.job.id])
  await driver.end(a!)
  assert.equal(await driver.take(), undefined)
  assert.deepEqual(await driver.states(id, names), {
    run: 'stopped',
    a: 'finished',
    b: 'held',
    c: 'waiting',
    x: 'held',
  })
  await driver.store.runs.resume(id, Date.now())
  assert.deepEqual((await driver.drain()).sort(), ['b', 'c', 'x'])
  assert.equal((await driver.states(id, names)).run, 'finished')
})

test('a run is stopped whatever number of its jobs wait for their time', async () => {
  const names = Array.from({ length: 9000 }, (_, i) => `n${i}`)
  const { id } = await driver.create(Object.fromEntries(names.map((name) => [name, []])), {
    wait: Object.fromEntries(names.map((name) => [name, 3_600_000])),
  })
  const run = await WorkflowRun.open(
    { store: driver.store, clock: systemClock, ttlMs: 1000, maxPayloadBytes: 1e6, recordTtlMs: 1000 },
    id,
  )
  await run.start()
  assert.deepEqual(run.record.counts, { delayed: 9000 })
  await run.stop()
  assert.equal(run.status, 'stopped')
  assert.deepEqual(run.record.counts, { held: 9000 })
})

test('a step is counted once, whatever is delivered again', async () => {
  const { id } = await driver.create({ a: [], b: ['a'], c: ['a', 'b'] })
  await driver.store.runs.start(id, Date.now())
  const client = redis.client()
  const item = (await client.lindex('test:queue:work', 0))!
  await client.rpush('test:queue:work', item, item)
  const a = await driver.take()
  // Both copies are dropped while the step runs, the last one also after its end.
  assert.equal(await driver.take(), undefined)
  assert.equal(await driver.end(a!), true)
  assert.equal(await driver.end(a!), false)
  await client.rpush('test:queue:work', item)
  assert.deepEqual(await driver.drain(), ['b', 'c'])
})

test('the jobs of a dead supervisor come back, and its late word changes nothing', async () => {
  const { id, names } = await driver.create({ a: [], b: ['a'] })
  await driver.store.runs.start(id, Date.now())
  const dead = await new StepDriver(redis, 'dead').register()
  const lost = await dead.take()
  const client = redis.client()
  await client.zadd('test:rt:supervisors', 1, 'dead')
  await driver.store.supervisors.reclaim('dead', { maxRedeliveries: 3, failedMax: 100, ttlMs: 1000 }, Date.now())
  assert.equal((await driver.states(id, names)).a, 'queued')
  assert.equal(await dead.end(lost!), false)
  assert.deepEqual(await driver.drain(), ['a', 'b'])
  assert.equal((await driver.states(id, names)).run, 'finished')
  dead.close()
})

test('wait: a node is delayed from the moment it is ready', async () => {
  const { id, names } = await driver.create({ a: [], b: ['a'] }, { wait: { b: 60_000 } })
  await driver.store.runs.start(id, Date.now())
  assert.deepEqual(await driver.drain(), ['a'])
  assert.deepEqual(await driver.states(id, names), { run: 'running', a: 'finished', b: 'delayed' })
  await driver.store.delayed.moveDue(Date.now() + 61_000, 10, { ttlMs: 1000, failedMax: 10 })
  assert.deepEqual(await driver.drain(), ['b'])
  assert.equal((await driver.states(id, names)).run, 'finished')
})

test('one run of a unique workflow is under way at a time', async () => {
  const first = await driver.create({ a: [] }, { unique: 'U' })
  const second = await driver.create({ a: [] }, { unique: 'U' })
  await driver.store.runs.start(first.id, Date.now())
  await assert.rejects(driver.store.runs.start(second.id, Date.now()), {
    code: 'ERR_STATE',
    message: new RegExp(`run ${first.id} is`),
  })
  await assert.rejects(driver.create({ a: [] }, { unique: 'U' }), { code: 'ERR_STATE' })
  await driver.drain()
  await driver.store.runs.start(second.id, Date.now())
  await driver.drain()
  assert.equal((await driver.states(second.id, [])).run, 'finished')
})

test('retry and skip of one node set a failed run going', async () => {
  const { id, names } = await driver.create({ a: [], b: ['a'], c: ['b'] })
  await driver.store.runs.start(id, Date.now())
  await driver.drain(['a'])
  await driver.store.runs.decide(id, 0, 'retry', Date.now())
  assert.deepEqual(await driver.drain(['b']), ['a', 'b'])
  await driver.store.runs.decide(id, 1, 'skip', Date.now())
  assert.deepEqual(await driver.drain(), ['c'])
  assert.deepEqual(await driver.states(id, names), { run: 'finished', a: 'finished', b: 'skipped', c: 'finished' })
  await assert.rejects(driver.store.runs.decide(id, 0, 'retry', Date.now()), {
    code: 'ERR_STATE',
    message: /it is finished/,
  })
  await assert.rejects(driver.store.runs.decide(id, 9, 'retry', Date.now()), { code: 'ERR_NOT_FOUND' })
})

test('a run does not wait for ever for jobs whose queue was removed: it fails, and continue queues them again', async () => {
  const { id, names } = await driver.create({ a: [], b: [], c: ['a', 'b'] })
  await driver.store.runs.start(id, Date.now())
  await driver.store.runs.advance(Date.now())
  assert.equal(await driver.store.queues.remove('work', Date.now(), 60_000), 2)
  assert.deepEqual(await driver.states(id, names), { run: 'failed', a: 'failed', b: 'failed', c: 'waiting' })
  assert.match((await driver.store.runs.read.failed(id, 1))[0]?.error ?? '', /its queue was removed/)
  await driver.store.runs.resume(id, Date.now())
  assert.deepEqual(await driver.drain(), ['a', 'b', 'c'])
})

test('illegal moves of a run are refused by name', async () => {
  const { id } = await driver.create({ a: [] })
  const now = Date.now()
  await assert.rejects(driver.store.runs.resume(id, now), {
    code: 'ERR_STATE',
    message: /expected it to be failed or stopped, it is pending/,
  })
  await driver.store.runs.start(id, now)
  await assert.rejects(driver.store.runs.start(id, now), { code: 'ERR_STATE', message: /it is running/ })
  await assert.rejects(driver.store.runs.destroy(id), { code: 'ERR_STATE', message: /stop it/ })
  await driver.drain()
  await assert.rejects(driver.store.runs.stop(id, now), { code: 'ERR_STATE', message: /it is finished/ })
  await assert.rejects(driver.store.runs.start('nowhere', now), { code: 'ERR_NOT_FOUND' })
  await driver.store.runs.destroy(id)
  assert.equal(await driver.store.runs.read.find(id), undefined)
  const client = redis.client()
  assert.deepEqual(
    (await client.keys('*run*')).filter((key) => key.includes(id)),
    [],
  )
})

test('a step put back on its queue and lost there can be delivered by hand, and runs once', async () => {
  const { id, names } = await driver.create({ a: [], b: ['a'] })
  await driver.store.runs.start(id, Date.now())
  const taken = (await driver.take())!
  await driver.store.supervisors.requeue(driver.supervisor, taken.job, Date.now(), 0, false, 60_000)
  assert.equal((await driver.states(id, names)).a, 'queued')
  const client = redis.client()
  const item = (await client.lpop('test:queue:work'))!
  await client.rpush('test:queue:work', item)
  await client.del('test:rt:tickets:work')
  assert.deepEqual(await driver.drain(), ['a', 'b'])
  assert.equal((await driver.states(id, names)).run, 'finished')
})

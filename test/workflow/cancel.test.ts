// Cancelling a step where it waits for its time or for a worker: its run ends, and can be continued.
import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { useRedis } from '../support/redis.ts'
import { StepDriver } from './support.ts'

const redis = useRedis()
let driver: StepDriver

beforeEach(async () => {
  driver = await new StepDriver(redis).register()
})
afterEach(() => driver.close())

test('a step that was put back can be cancelled where it waits: its run ends', async () => {
  const { id, names } = await driver.create({ a: [], b: ['a'] })
  await driver.store.runs.start(id, Date.now())
  const taken = await driver.take()
  assert.ok(taken)
  await driver.store.supervisors.requeue(driver.supervisor, taken.job, Date.now(), 0, false, 60_000)
  assert.equal((await driver.states(id, names)).a, 'queued')
  assert.equal(await driver.store.jobs.cancel(taken.job.id, Date.now(), 60_000), 'cancelled')
  assert.deepEqual(await driver.states(id, names), { run: 'failed', a: 'failed', b: 'waiting' })
  assert.equal(await driver.take(), undefined)
})

const later = (): number => Date.now() + 60_000

test('a step whose wait is over, or that is back from a retry, leaves no run under way when its queue is cleared', async () => {
  const { store, supervisor } = driver
  const waits = await driver.create({ a: [], b: ['a'] }, { wait: { a: 5000 } })
  await store.runs.start(waits.id, Date.now())
  const retried = await driver.create({ a: [], b: ['a'] })
  await store.runs.start(retried.id, Date.now())
  const taken = await driver.take()
  assert.ok(taken)
  await store.supervisors.requeue(supervisor, taken.job, Date.now(), Date.now() + 5000, true, 60_000)
  assert.equal((await store.delayed.moveDue(later(), 100, { ttlMs: 60_000, failedMax: 10 })).moved, 2)
  assert.equal(await store.queues.remove('work', Date.now(), 60_000), 2)
  for (const { id, names } of [waits, retried]) {
    assert.deepEqual(await driver.states(id, names), { run: 'failed', a: 'failed', b: 'waiting' })
    const [failure] = await store.runs.read.failed(id, 1)
    assert.match(failure?.error ?? '', /its queue was removed/)
    assert.equal((await store.runs.read.find(id))?.counts.delayed ?? 0, 0)
    await store.runs.resume(id, Date.now())
  }
  assert.equal((await store.jobs.find(taken.job.id))?.state, 'cancelled')
  assert.deepEqual(await driver.drain(), ['a', 'a', 'b', 'b'])
})

test('a step that is taken off its queue leaves no run under way', async () => {
  const { store } = driver
  const { id, names } = await driver.create({ a: [], b: ['a'] })
  await store.runs.start(id, Date.now())
  const [item = ''] = await store.queues.peek('work')
  assert.equal(await store.queues.removeItem('work', item, Date.now(), 60_000), 1)
  assert.deepEqual(await driver.states(id, names), { run: 'failed', a: 'failed', b: 'waiting' })
  assert.match((await store.runs.read.failed(id, 1))[0]?.error ?? '', /taken off its queue/)
  await store.runs.resume(id, Date.now())
  assert.deepEqual(await driver.drain(), ['a', 'b'])
})

test('a step whose ticket is lost is cancelled with its queue, too', async () => {
  const { store } = driver
  const { id, names } = await driver.create({ a: [] }, { wait: { a: 5000 } })
  await store.runs.start(id, Date.now())
  await store.delayed.moveDue(later(), 100, { ttlMs: 60_000, failedMax: 10 })
  await redis.client().del('test:rt:tickets:work')
  await store.queues.remove('work', Date.now(), 60_000)
  assert.deepEqual(await driver.states(id, names), { run: 'failed', a: 'failed' })
  assert.equal((await store.jobs.find(`${id}.0`))?.state, 'cancelled')
})

test('a delayed step that is removed by its name ends in its run', async () => {
  const { store } = driver
  const { id, names } = await driver.create({ a: [] }, { wait: { a: 5000 } })
  await store.runs.start(id, Date.now())
  const className = 'ResqueRuntime::Step'
  const item = `{"class":"${className}","args":["${id}","0","a"]}`
  assert.equal(await store.delayed.remove({ className, item, queue: 'work' }, Date.now(), 60_000), 1)
  assert.deepEqual(await driver.states(id, names), { run: 'failed', a: 'failed' })
  await store.runs.resume(id, Date.now())
  assert.deepEqual(await driver.drain(), ['a'])
})

test('continue soon after stop: what the stop has cancelled runs again, whenever its end comes', async () => {
  const { store } = driver
  const { id, names } = await driver.create({ a: [], w: [], b: ['a', 'w'] }, { wait: { w: 5000 } })
  await store.runs.start(id, Date.now())
  const taken = await driver.take()
  assert.ok(taken)
  await store.runs.stop(id, Date.now())
  await store.runs.resume(id, Date.now())
  for await (const jobs of store.runs.read.owners(id))
    for (const job of jobs) await store.jobs.cancelForStop(job, Date.now(), 60_000)
  await driver.end(taken, 'cancelled')
  assert.deepEqual(await driver.states(id, names), { run: 'running', a: 'queued', w: 'queued', b: 'waiting' })
  assert.deepEqual((await driver.drain()).sort(), ['a', 'b', 'w'])
  assert.equal((await driver.states(id, names)).run, 'finished')
})

test('a step that a person cancels fails, also when its run was stopped and continued meanwhile', async () => {
  const { store } = driver
  const { id, names } = await driver.create({ a: [] })
  await store.runs.start(id, Date.now())
  const taken = await driver.take()
  assert.ok(taken)
  await store.runs.stop(id, Date.now())
  await store.jobs.cancelForStop(taken.job.id, Date.now(), 60_000)
  await store.runs.resume(id, Date.now())
  await store.jobs.cancel(taken.job.id, Date.now(), 60_000)
  await driver.end(taken, 'cancelled')
  assert.deepEqual(await driver.states(id, names), { run: 'failed', a: 'failed' })
})

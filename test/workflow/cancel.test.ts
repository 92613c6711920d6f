// Cancelling a step where it waits for a worker.
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

// Steps that a Ruby worker takes, or whose queue is removed from outside: they are found, and put back once.
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { useRedis } from '../support/redis.ts'
import { eventually } from '../support/wait.ts'
import { StepDriver } from './support.ts'
import { reserveOne } from '../support/reserve.ts'

const redis = useRedis()
let driver: StepDriver

beforeEach(async () => {
  driver = await new StepDriver(redis).register()
})
afterEach(() => driver.close())

const diamond = { a: [], b: ['a'], c: ['a'], d: ['b', 'c'] }

/** Starts a run and ends its first step: two others are queued. */
async function started(): Promise<string> {
  const { id } = await driver.create(diamond)
  await driver.store.runs.start(id, Date.now())
  const first = await driver.take()
  assert.ok(first)
  await driver.end(first)
  return id
}

const lost = async (id: string): Promise<number[]> => (await driver.store.runs.lost([id])).lost.get(id) ?? []

describe('a step that lies nowhere', () => {
  test('is found, and put back by continue, also while its run is under way', async () => {
    const { runs } = driver.store
    const id = await started()
    assert.deepEqual(await lost(id), [])
    await assert.rejects(runs.resume(id, Date.now()), { code: 'ERR_STATE' })
    await redis.client().del('test:queue:work')
    assert.deepEqual(await lost(id), [1, 2])
    await runs.resume(id, Date.now())
    assert.deepEqual(await lost(id), [])
    assert.equal(await redis.client().llen('test:queue:work'), 2)
    await assert.rejects(runs.resume(id, Date.now()), { code: 'ERR_STATE' })
    assert.deepEqual(await driver.drain(), ['b', 'c', 'd'])
    assert.equal((await runs.read.find(id))?.status, 'finished')
  })

  test('is put back by a continue after a stop', async () => {
    const { runs } = driver.store
    const id = await started()
    await redis.client().lpop('test:queue:work')
    await runs.stop(id, Date.now())
    await runs.resume(id, Date.now())
    assert.deepEqual((await driver.drain()).sort(), ['b', 'c', 'd'])
  })

  test('is put back by retry, and by itself: the others stay', async () => {
    const { runs } = driver.store
    const id = await started()
    await assert.rejects(runs.decide(id, 1, 'retry', Date.now()), { code: 'ERR_STATE', message: /it is queued/ })
    await redis.client().del('test:queue:work')
    await runs.decide(id, 2, 'retry', Date.now())
    assert.deepEqual(await lost(id), [1])
    await assert.rejects(runs.decide(id, 2, 'retry', Date.now()), { code: 'ERR_STATE' })
    await runs.decide(id, 1, 'retry', Date.now())
    assert.deepEqual((await driver.drain()).sort(), ['b', 'c', 'd'])
  })

  test('is found where it was back from a wait, from a retry, or put back', async () => {
    const { store, supervisor } = driver
    const later = Date.now() + 60_000
    const waits = await driver.create({ a: [] }, { wait: { a: 5000 } })
    await store.runs.start(waits.id, Date.now())
    assert.deepEqual(await lost(waits.id), [], 'it waits its time')
    const back = await driver.create({ a: [] })
    await store.runs.start(back.id, Date.now())
    const taken = await driver.take()
    assert.ok(taken)
    assert.deepEqual(await lost(back.id), [])
    await store.supervisors.requeue(supervisor, taken.job, Date.now(), Date.now() + 5000, true, 60_000)
    assert.deepEqual(await lost(back.id), [])
    await store.delayed.moveDue(later, 100, { ttlMs: 60_000, failedMax: 10 })
    assert.deepEqual([await lost(waits.id), await lost(back.id)], [[], []])
    await redis.client().del('test:queue:work')
    assert.deepEqual([await lost(waits.id), await lost(back.id)], [[0], [0]])
    for (const { id } of [waits, back]) await store.runs.resume(id, Date.now())
    assert.deepEqual(await driver.drain(), ['a', 'a'])
  })

  test('that was there after all runs once', async () => {
    const id = await started()
    await driver.store.connection.run('run-recover', { id, now: Date.now() }, [1, 2])
    assert.equal(await redis.client().llen('test:queue:work'), 4)
    assert.deepEqual(await driver.drain(), ['b', 'c', 'd'])
    assert.equal((await driver.store.runs.read.find(id))?.status, 'finished')
  })

  test('is told from one behind many other items of its queue', async () => {
    const id = await started()
    const broken = ['{"class":"ResqueRuntime::Step",', '{"class":"ResqueRuntime::Step","args":{}}']
    const others = Array.from({ length: 1998 }, () => '{"class":"OkJob","args":[]}')
    await redis.client().rpush('test:queue:work', ...broken, ...others)
    assert.deepEqual(await lost(id), [])
    await redis.client().lpop('test:queue:work')
    assert.deepEqual(await lost(id), [1])
  })

  test('is not looked for in a run that is gone, and in a run that is too large the search says that it is not complete', async () => {
    const { runs, connection } = driver.store
    assert.deepEqual(await runs.lost(['gone']), { lost: new Map(), complete: true })
    const id = await started()
    await redis.client().hset(connection.keys.run(id), 'total', 200_001)
    assert.deepEqual(await runs.lost([id]), { lost: new Map(), complete: false })
  })

  test('in the hands of a worker that has not begun it is not lost', async () => {
    const { store, supervisor, worker } = driver
    const id = await started()
    const reply = await reserveOne(store, supervisor, worker, ['work'], 'hand', Date.now())
    assert.equal(reply.kind, 'job')
    assert.deepEqual(await lost(id), [])
  })
})

test('whoever ends a step with many children goes on with them; a step that is another job’s is busy', async () => {
  const many = Array.from({ length: 650 }, (_, i) => `c${i}`)
  const { id } = await driver.create({ a: [], ...Object.fromEntries(many.map((name) => [name, ['a']])) })
  await driver.store.runs.start(id, Date.now())
  assert.equal((await driver.store.runs.countByStatus()).running, 1)
  const a = (await driver.take()) ?? assert.fail()
  assert.equal(await driver.store.runs.begin(id, 0, 'another', 1, Date.now()), 'busy')
  assert.equal(await driver.store.runs.begin(id, 9999, 'another', 1, Date.now()), 'gone')
  await driver.end(a)
  await eventually(async () => (await driver.store.runs.read.find(id))?.counts.queued === 650)
  const [row] = await driver.store.runs.read.nodes(id, 0, 1)
  assert.ok(Math.abs((row?.endedAt ?? 0) - Date.now()) < 60_000)
  await assert.rejects(driver.store.runs.expire('none', 1, Date.now()), { code: 'ERR_NOT_FOUND' })
})

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

test('a run is removed whole when its time to live is over, started or not', async () => {
  const client = redis.client()
  const ended = await driver.create({ a: [] }, { ttlMs: 1000 })
  const never = await driver.create({ a: [] }, { ttlMs: 1000 })
  const kept = await driver.create({ a: [] }, { ttlMs: 0 })
  const running = await driver.create({ a: [] }, { ttlMs: 1000 })
  for (const { id } of [ended, kept]) await driver.store.runs.start(id, Date.now())
  await driver.drain()
  await driver.store.runs.start(running.id, Date.now())
  assert.equal(await driver.store.runs.sweep(Date.now() + 500), 0)
  assert.equal(await driver.store.runs.sweep(Date.now() + 5000), 2)
  assert.deepEqual(
    await Promise.all(
      [ended, never, kept, running].map(async ({ id }) => (await driver.store.runs.read.find(id))?.status),
    ),
    [undefined, undefined, 'finished', 'running'],
  )
  assert.deepEqual(
    (await client.keys('*')).filter((key) => key.includes(ended.id) || key.includes(never.id)),
    [],
  )
  await driver.store.runs.expire(kept.id, 1000, Date.now())
  assert.equal(await driver.store.runs.sweep(Date.now() + 5000), 1)
})

test('a run that is removed while work of it is left harms no other', async () => {
  const first = await driver.create(Object.fromEntries(Array.from({ length: 600 }, (_, i) => [`n${i}`, []])))
  const second = await driver.create({ a: [] })
  await driver.store.connection.run('run-start', { id: first.id, now: Date.now() })
  await driver.store.connection.run('run-continue', { now: Date.now() })
  await driver.store.runs.stop(first.id, Date.now())
  await driver.store.runs.destroy(first.id)
  await driver.store.runs.start(second.id, Date.now())
  assert.deepEqual(await driver.drain(), ['a'])
  assert.equal((await driver.store.runs.read.find(second.id))?.status, 'finished')
})

test('runs are listed by class and status, in pages', async () => {
  const ids: string[] = []
  for (let i = 0; i < 5; i += 1) ids.push((await driver.create({ a: [] })).id)
  for (const id of ids.slice(0, 2)) await driver.store.runs.start(id, Date.now())
  const { read } = driver.store.runs
  const page = { from: 0, to: 9, order: 'asc' as const }
  assert.deepEqual(
    (await read.list({ ...page, class: 'TestFlow', status: 'pending' })).map((run) => run.id),
    ids.slice(2),
  )
  assert.deepEqual(
    (await read.list({ ...page, status: 'running' })).map((run) => run.id),
    ids.slice(0, 2),
  )
  assert.deepEqual(
    (await read.list({ class: 'TestFlow', from: 1, to: 2, order: 'desc' })).map((run) => run.id),
    [ids[3], ids[2]],
  )
  const counted = (count: number) => ({ count, isExact: true })
  assert.deepEqual(
    [
      await read.count(),
      await read.count({ class: 'Other' }),
      await read.count({ class: 'TestFlow', status: 'running' }),
    ],
    [5, 0, 2].map(counted),
  )
})

test('runs that an older version created or moved are listed by class and status, too', async () => {
  const ids: string[] = []
  for (let i = 0; i < 4; i += 1) ids.push((await driver.create({ a: [] })).id)
  const { runs, connection } = driver.store
  const { keys } = connection
  const listed = async (status: 'pending' | 'running' | 'stopped'): Promise<string[]> =>
    (await runs.read.list({ class: 'TestFlow', status, from: 0, to: 9, order: 'asc' })).map(({ id }) => id)
  await connection.ask((redis) => redis.del(keys.runsIsOf('pending', 'TestFlow'), keys.runsIndexed()))
  assert.deepEqual(await listed('pending'), ids, 'created without the index')
  const [moved = '', stopped = ''] = ids
  await connection.ask((redis) => redis.hset(keys.run(moved), 'status', 'running'))
  assert.deepEqual(await listed('pending'), ids.slice(1), 'moved without the index')
  assert.deepEqual(await listed('running'), [moved], 'and found where it is')
  await runs.stop(stopped, Date.now())
  assert.deepEqual([await listed('stopped'), await listed('pending')], [[stopped], ids.slice(2)])
  await runs.destroy(stopped)
  assert.deepEqual(await runs.read.count({ class: 'TestFlow', status: 'stopped' }), { count: 0, isExact: true })
})

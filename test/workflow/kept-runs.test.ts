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
  const ended = await driver.create({ a: [] }, { ttlMs: 60_000 })
  const never = await driver.create({ a: [] }, { ttlMs: 60_000 })
  const kept = await driver.create({ a: [] }, { ttlMs: 0 })
  const running = await driver.create({ a: [] }, { ttlMs: 60_000 })
  for (const { id } of [ended, kept]) await driver.store.runs.start(id, Date.now())
  await driver.drain()
  await driver.store.runs.start(running.id, Date.now())
  assert.equal(await driver.store.runs.sweep(Date.now() + 10_000), 0)
  assert.equal(await driver.store.runs.sweep(Date.now() + 100_000), 2)
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

test('runs of an older version are put in the index in as many batches as they need', async () => {
  const { keys } = driver.store.connection
  const calls = redis.client().pipeline()
  for (let i = 0; i < 450; i += 1)
    calls.hset(keys.run(`old${i}`), { status: 'failed', class: 'Old', created_at: i }).zadd(keys.runs(), i, `old${i}`)
  await calls.exec()
  assert.deepEqual(await driver.store.runs.read.count({ class: 'Old', status: 'failed' }), {
    count: 450,
    isExact: true,
  })
})

test('nodes are read in the order asked for, near and far; one that is not there is left out', async () => {
  const { id } = await driver.create(Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`n${i}`, []])))
  const read = async (...asked: number[]): Promise<number[]> =>
    (await driver.store.runs.read.nodesAt(id, asked)).map(({ index }) => index)
  assert.deepEqual(
    [await read(), await read(2, 0, 1), await read(19, 0), await read(20, 18), await read(20, 0)],
    [[], [2, 0, 1], [19, 0], [18], [0]],
  )
})

test('what a run does not have is read as nothing', async () => {
  const { read } = driver.store.runs
  const { id } = await driver.create({ a: [] })
  const [node] = await read.nodes(id, 0, 1)
  assert.deepEqual(
    [
      await read.nodes(id, 1, 1),
      await read.parents(id, node!),
      await read.edges(id),
      await read.texts(id, 'outputs', []),
      await read.texts(id, 'outputs', [0]),
      await read.error(id, 0),
      await read.owner(id, 0),
    ],
    [[], [], { parents: [], added: new Map() }, [], [undefined], undefined, undefined],
  )
})

test('of many failed nodes as many are read as are asked for', async () => {
  const { read } = driver.store.runs
  const { id } = await driver.create({ a: [] })
  const errors = Object.fromEntries(Array.from({ length: 31 }, (_, i) => [i, `error ${i}`]))
  await redis.client().hset(driver.store.connection.keys.runFailed(id), errors)
  const some = await read.failed(id, 3)
  assert.deepEqual(
    some.map(({ index, error }) => error === `error ${index}`),
    [true, true, true],
  )
  assert.ok(some[0]!.index < some[1]!.index && some[1]!.index < some[2]!.index)
})

test('a run that was changed in Redis is read with what is left of it', async () => {
  const { store } = driver
  const { keys } = store.connection
  const client = redis.client()
  await client.hset(keys.run('bare'), 'status', 'running')
  const { class: name, total, createdAt, ttlMs, counts } = (await store.runs.read.find('bare')) ?? assert.fail()
  assert.deepEqual([name, total, createdAt, ttlMs, counts], ['', 0, 0, 0, {}])

  const { id } = await driver.create({ a: [], b: ['a'], c: ['a'] })
  await client.hset(keys.runKinds(id), { 0: 'no JSON', 1: '{"queue":5}' })
  await client.hset(keys.runTally(id), '99:waiting', 5)
  await client.setrange(keys.runTable(id), 0, '\x7f')
  await client.setrange(keys.runParents(id), 0, Buffer.from([1, 0, 0, 0xff]))
  const { read } = store.runs
  assert.deepEqual(await read.kinds(id), [
    { class: '?', queue: '?' },
    { class: '?', queue: '5' },
    { class: 'c', queue: 'work' },
  ])
  assert.deepEqual(await read.tally(id), new Map([['?', { waiting: 7 }], ['c', { waiting: 1 }]])) // prettier-ignore
  assert.deepEqual((await read.nodes(id, 0, 3)).map(({ state }) => state), ['staged', 'waiting', 'waiting']) // prettier-ignore
  assert.equal((await read.edges(id)).parents[0]?.when, 'finished')
})

test('a run of which a part cannot be written is not listed', async () => {
  const { runs, connection } = driver.store
  await redis.client().set(connection.keys.runParams('half'), 'another type')
  const run = { id: 'half', className: 'Flow', kinds: [{ class: 'a', queue: 'work' }], ttlMs: 1000 }
  const nodes = [{ kind: 0, parents: [], params: '{}' }]
  await assert.rejects(runs.create({ ...run, nodes }, Date.now()), { code: 'ERR_REPLY', message: /WRONGTYPE/ })
  assert.deepEqual([await runs.read.find('half'), (await runs.read.count()).count], [undefined, 0])
})

test('what cannot be done with a run says what was expected', async () => {
  const { runs } = driver.store
  const { id } = await driver.create({ a: [], b: ['a'] })
  const fails = (act: Promise<void>, message: RegExp): Promise<void> =>
    assert.rejects(act, { code: 'ERR_STATE', message })
  await fails(runs.decide(id, 0, 'skip', Date.now()), /expected it to be started, it is pending/)
  await runs.start(id, Date.now())
  await fails(runs.start(id, Date.now()), /expected it to be pending, it is running/)
  await driver.drain()
  await fails(runs.decide(id, 0, 'skip', Date.now()), /a job that has not begun, or has failed, it is finished/)
  await assert.rejects(runs.destroy('none'), { code: 'ERR_NOT_FOUND', message: /no workflow run "none"/ })
  await fails(runs.stop(id, Date.now()), /expected it to be pending or running, it is finished/)
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

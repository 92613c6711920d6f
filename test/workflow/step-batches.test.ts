// Steps that begin, or end, in the same tick do so in one call of a script: each is decided by itself, and none spoils another.
import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import type { Redis } from 'ioredis'
import { useRedis } from '../support/redis.ts'
import { StepDriver, type Sketch, type Taken } from './support.ts'

const server = useRedis()
let driver: StepDriver
let redis: Redis
/** The scripts that were called. */
let asked: string[] = []

beforeEach(async () => {
  driver = await new StepDriver(server).register()
  const { connection } = driver.store
  redis = connection.redis
  const run = connection.run.bind(connection)
  connection.run = (script, ...args) => {
    asked.push(script)
    return run(script, ...args)
  }
})
afterEach(() => driver.close())

async function started(edges: Sketch): Promise<{ id: string; names: string[] }> {
  const run = await driver.create(edges)
  await driver.store.runs.start(run.id, Date.now())
  return run
}

async function taken(count: number): Promise<Taken[]> {
  const steps: Taken[] = []
  while (steps.length < count) steps.push((await driver.take()) ?? assert.fail('no step'))
  asked = []
  return steps
}

const ends = (steps: readonly Taken[]): Promise<boolean[]> =>
  Promise.all(steps.map((step) => driver.end(step, 'done', { output: `"${step.className}"` })))
const begins = (run: string, steps: [index: number, job: string, run?: string][]) =>
  Promise.allSettled(
    steps.map(([index, job, other]) => driver.store.runs.begin(other ?? run, index, job, 2, Date.now())),
  )
const queued = async (queue = 'work'): Promise<string[]> =>
  (await redis.lrange(`test:queue:${queue}`, 0, -1)).map(
    (item) => (JSON.parse(item) as { args: string[] }).args[2] ?? '',
  )

test('ends of one tick are one call, which counts each of them and pushes what waited for them', async () => {
  const one = await started({ a: [], b: [], c: [], d: ['a', 'b', 'c'], e: ['a'], f: ['!b'] })
  const other = await started({ x: [], y: ['x'] })
  assert.deepEqual(await ends(await taken(4)), [true, true, true, true])
  assert.deepEqual(asked, ['settle-steps'])
  assert.deepEqual((await queued()).sort(), ['d', 'e', 'y'])
  assert.deepEqual(await driver.states(one.id, one.names), {
    run: 'running',
    ...{ a: 'finished', b: 'finished', c: 'finished', d: 'queued', e: 'queued', f: 'skipped' },
  })
  const { counts } = (await driver.store.runs.read.find(one.id)) ?? {}
  assert.deepEqual(counts, { finished: 3, queued: 2, skipped: 1 })
  assert.deepEqual(await driver.store.runs.read.texts(one.id, 'outputs', [0, 1, 2]), ['"a"', '"b"', '"c"'])
  assert.deepEqual((await driver.drain()).sort(), ['d', 'e', 'y'])
  for (const { id } of [one, other]) assert.equal((await driver.store.runs.read.find(id))?.status, 'finished')
  assert.deepEqual(await redis.hgetall(`test:rt:run:${one.id}:owners`), {})
  assert.equal(await redis.get('test:stat:processed'), '7')
})

test('of the ends of one tick, one that is another’s, one that came twice, and those of damaged and removed runs spoil no other', async () => {
  const good = await started({ a: [], b: ['a'] })
  const [mine] = await taken(1)
  const damaged = await started({ broken: [] })
  const [broken] = await taken(1)
  const removed = await started({ gone: [] })
  const [gone] = await taken(1)
  const stolen = await started({ lost: [], after: ['lost'] })
  const [lost] = await taken(1)
  const twice = await started({ again: [], end: ['again'] })
  const [again] = await taken(1)
  assert.ok(mine && broken && gone && lost && again)
  await redis.set(`test:rt:run:${damaged.id}:outputs`, 'x')
  await redis.del(...(await redis.keys(`test:rt:run:${removed.id}*`)))
  const late = { ...lost, job: { ...lost.job, delivery: '7' } }
  const results = await Promise.allSettled(
    [broken, gone, late, again, again, mine].map((step) => driver.end(step, 'done', { output: '1' })),
  )
  const answers = results.map((each) => (each.status === 'fulfilled' ? each.value : (each.reason as Error).message))
  assert.match(String(answers.shift()), /outputs holds a string/)
  assert.deepEqual(answers, [true, false, true, false, true])
  assert.deepEqual(asked, ['settle-steps', 'settle'])
  assert.deepEqual((await queued()).sort(), ['b', 'end'])
  const states = await driver.states(stolen.id, stolen.names)
  assert.deepEqual([states.lost, states.after], ['running', 'waiting'])
  assert.deepEqual((await driver.store.runs.read.find(twice.id))?.counts, { finished: 1, queued: 1 })
  assert.deepEqual((await driver.store.runs.read.find(good.id))?.counts, { finished: 1, queued: 1 })
  // Nothing was written for the one whose run is damaged.
  assert.deepEqual(
    [...(await driver.store.supervisors.inflight(driver.supervisor)).keys()].sort(),
    [broken, lost].map(({ job }) => job.id).sort(),
  )
})

test('a job that has lost its step ends, and its run does not hear of it', async () => {
  const { id, names } = await started({ a: [], b: ['a'] })
  const [step] = await taken(1)
  await redis.hset(`test:rt:run:${id}:owners`, '0', 'another')
  assert.deepEqual(await ends([step!]), [true])
  assert.deepEqual(await driver.states(id, names), { run: 'running', a: 'running', b: 'waiting' })
  assert.equal(await redis.hget(`test:rt:job:${step!.job.id}`, 'state'), 'done')
})

test('a wide fan-out keeps the other ends of its call from no more than a few of their children', async () => {
  const wide: Sketch = { root: [] }
  for (let n = 0; n < 300; n += 1) wide[`wide${n}`] = ['root']
  await started(wide)
  await started({ a: [], b: ['a'], c: ['a'], d: ['a'], e: ['a'], f: ['a'] })
  const steps = await taken(2)
  const { connection } = driver.store
  const run = connection.run.bind(connection)
  connection.run = (script, ...args) => (script === 'run-continue' ? Promise.resolve(0) : run(script, ...args))
  await ends(steps)
  const first = await queued()
  assert.deepEqual(
    first.filter((name) => !name.startsWith('wide')),
    ['b', 'c', 'd', 'e'],
  )
  assert.equal(first.length, 204)
  connection.run = run
  await driver.store.runs.advance(Date.now())
  assert.equal((await queued()).length, 305)
})

test('what a fan-out leaves is gone on with at once, without an end waiting for it', async () => {
  const wide: Sketch = { root: [] }
  for (let n = 0; n < 250; n += 1) wide[`wide${n}`] = ['root']
  await started(wide)
  await ends(await taken(1))
  assert.deepEqual(asked, ['settle-steps', 'run-continue'])
})

test('steps that begin in one tick are one call, and each is decided by itself', async () => {
  const { id, names } = await started({ a: [], b: [], c: [], d: ['a'] })
  const damaged = await started({ x: [] })
  await redis.set(`test:rt:run:${damaged.id}:failed`, 'x')
  await redis.set('test:rt:job:wrong', 'x')
  const [a] = await taken(1)
  asked = []
  const results = await begins(id, [
    [1, 'b1'],
    [1, 'b2'],
    [0, a?.job.id ?? ''],
    [3, 'd1'],
    [9, 'none'],
    [2, 'wrong'],
    [0, 'x1', damaged.id],
    [0, 'y1', 'no-such-run'],
    [2, 'c1'],
  ])
  assert.deepEqual(asked, ['begin-steps'])
  const words = results.map((each) =>
    each.status === 'rejected' ? (each.reason as Error).message : typeof each.value === 'string' ? each.value : 'go',
  )
  assert.match(String(words.splice(5, 1)), /job:wrong holds a string/)
  assert.match(String(words.splice(5, 1)), /failed holds a string/)
  // b1 has no record that says it runs.
  assert.deepEqual(words, ['go', 'go', 'go', 'gone', 'gone', 'gone', 'go'])
  assert.deepEqual(await driver.states(id, names), {
    ...{ run: 'running', a: 'running', b: 'running', c: 'running', d: 'waiting' },
  })
  assert.deepEqual((await driver.store.runs.read.find(id))?.counts, { running: 3, waiting: 1 })
  const [row] = await driver.store.runs.read.nodes(id, 0, 1)
  assert.equal(row?.attempts, 2)
  assert.equal(await redis.hget(`test:rt:run:${id}:owners`, '2'), 'c1')
  // It waited since it was queued.
  assert.ok(Math.abs(Date.now() - Number(await redis.hget('test:rt:job:c1', 'enqueued_at'))) < 60_000)
})

test('the outputs that come along with one call are bounded; the rest is read in pages', async () => {
  const edges: Sketch = { big: [], small: [] }
  for (const name of ['l', 'm', 'n']) edges[name] = ['big', 'small']
  const { id } = await started(edges)
  const [big, small] = await taken(2)
  assert.ok(big && small)
  await driver.end(big, 'done', { output: JSON.stringify('x'.repeat(100_000)) })
  await driver.end(small, 'done', { output: '2' })
  const results = await begins(id, [
    [2, 'l'],
    [3, 'm'],
    [4, 'n'],
  ])
  const payloads = results.map((each) =>
    each.status === 'fulfilled' && typeof each.value === 'object' ? each.value.payloads : 'none',
  )
  assert.deepEqual(
    payloads.map((each) => (typeof each === 'string' ? each : each.map(({ output }) => output.length))),
    [[100_002, 1], [100_002, 1], 'many'],
  )
})

test('steps with many parents take turns to bring them along', async () => {
  const edges: Sketch = {}
  for (let n = 0; n < 50; n += 1) edges[`p${n}`] = []
  const parents = Object.keys(edges)
  for (let n = 0; n < 5; n += 1) edges[`c${n}`] = parents
  const { id } = await started(edges)
  await driver.end((await taken(1))[0]!)
  await ends(await taken(49))
  const results = await begins(
    id,
    [50, 51, 52, 53, 54].map((index) => [index, `job${index}`]),
  )
  const payloads = results.map((each) =>
    each.status === 'fulfilled' && typeof each.value === 'object' ? each.value.payloads : 'none',
  )
  assert.deepEqual(
    payloads.map((each) => (typeof each === 'string' ? each : each.length)),
    [50, 50, 50, 50, 'many'],
  )
})

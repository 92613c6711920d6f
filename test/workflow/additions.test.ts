import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { planAdditions } from '../../runtime/workflow/graph/additions.ts'
import type { StepAddition } from '../../runtime/messages.ts'
import { useRedis } from '../support/redis.ts'
import { StepDriver, type Taken } from './support.ts'

const redis = useRedis()
let driver: StepDriver

beforeEach(async () => {
  driver = await new StepDriver(redis).register()
})
afterEach(() => driver.close())

/** Ids are the places of the names in the sketch: `a` is 0, `b` is 1, … */
const addition = (id: string, after: string[], before: string[] = []): StepAddition => ({
  id,
  class: id,
  after,
  before,
  queue: 'work',
})

/** Ends a step that adds jobs, as the supervisor does. */
async function endWith(taken: Taken, additions: StepAddition[]): Promise<void> {
  const { runs } = driver.store
  const grow = await runs.stage(taken.run, await planAdditions(runs.read, taken.run, additions))
  await driver.end(taken, 'done', { extra: JSON.stringify({ grow }) })
}

const refused = (id: string, additions: StepAddition[], message: RegExp): Promise<void> =>
  assert.rejects(planAdditions(driver.store.runs.read, id, additions), { code: 'ERR_GRAPH', message })

test('a job may be added between two that wait', async () => {
  const { id } = await driver.create({ a: [], b: ['a'], c: ['b'], d: ['c'] })
  await driver.store.runs.start(id, Date.now())
  await endWith((await driver.take())!, [addition('new', ['1'], ['3'])])
  assert.deepEqual((await driver.drain()).sort(), ['b', 'c', 'd', 'new'])
  assert.deepEqual((await driver.store.runs.read.find(id))?.counts, { finished: 5 })
})

test('additions that close a cycle through jobs that wait are refused, by its path', async () => {
  const { id } = await driver.create({ a: [], b: ['a'], c: ['b'], d: ['c'] })
  await driver.store.runs.start(id, Date.now())
  await driver.take()
  await refused(id, [addition('new', ['3'], ['1'])], /^cycle: b → c → d → new → b: /)
  await refused(id, [addition('new', ['2'], ['2'])], /^cycle: c → new → c: /)
  await refused(
    id,
    [addition('one', ['2']), addition('two', ['one']), addition('three', ['two'], ['1'])],
    /^cycle: b → c → one → two → three → b: /,
  )
  await refused(id, [addition('one', ['two']), addition('two', ['one'])], /^cycle: one → two → one: /)
})

test('a cycle may close through what another step added before', async () => {
  const { id } = await driver.create({ a: [], x: [], b: ['a', 'x'], c: ['x', 'a'] })
  await driver.store.runs.start(id, Date.now())
  const [a, x] = [(await driver.take())!, (await driver.take())!]
  await endWith(a, [addition('first', ['2'], ['3'])])
  await driver.store.runs.advance(Date.now())
  await refused(id, [addition('second', ['3'], ['2'])], /^cycle: b → first → c → second → b: /)
  await endWith(x, [])
  assert.deepEqual(await driver.drain(), ['b', 'first', 'c'])
})

test('of two steps that end at once and add a half of a cycle each, the second plans again and is refused', async () => {
  const { id } = await driver.create({ a: [], x: [], b: ['a', 'x'], c: ['x', 'a'] })
  await driver.store.runs.start(id, Date.now())
  const { runs } = driver.store
  const [a, x] = [(await driver.take())!, (await driver.take())!]
  const halves = [[addition('first', ['2'], ['3'])], [addition('second', ['3'], ['2'])]]
  const [one, two] = await Promise.all(
    halves.map(async (half) => runs.stage(id, await planAdditions(runs.read, id, half))),
  )
  await driver.end(a, 'done', { extra: JSON.stringify({ grow: one }) })
  await assert.rejects(driver.end(x, 'done', { extra: JSON.stringify({ grow: two }) }), { name: 'GraphChanged' })
  await runs.advance(Date.now())
  await refused(id, halves[1]!, /^cycle: b → first → c → second#6 → b: /)
  await endWith(x, [])
  assert.deepEqual(await driver.drain(), ['b', 'first', 'c'])
})

test('a job that waited when an addition was planned, and has begun since, is not passed over', async () => {
  const { id } = await driver.create({ a: [], x: [], b: ['a'] })
  await driver.store.runs.start(id, Date.now())
  const { runs } = driver.store
  const [a, x] = [(await driver.take())!, (await driver.take())!]
  const grow = await runs.stage(id, await planAdditions(runs.read, id, [addition('new', [], ['2'])]))
  await driver.end(a)
  await assert.rejects(driver.end(x, 'done', { extra: JSON.stringify({ grow }) }), { name: 'GraphChanged' })
  await refused(id, [addition('new', [], ['2'])], /"before" to name a job that still waits, job 2 is queued/)
})

test('a job that waits is named; one that has begun, or is not of the run, is refused', async () => {
  const { id } = await driver.create({ a: [], b: ['a'] })
  await driver.store.runs.start(id, Date.now())
  await driver.take()
  await refused(id, [addition('new', ['0'], ['0'])], /"before" to name a job that still waits, job 0 is running/)
  await refused(id, [addition('new', ['7'])], /to name jobs of run .*, got "7"/)
  await driver.store.runs.stage(id, await planAdditions(driver.store.runs.read, id, [addition('lost', ['0'])]))
  await refused(id, [addition('new', ['2'])], /job 2 is not part of run/)
})

test('to a run whose record was removed from Redis nothing is added, and the record does not come back', async () => {
  const { id } = await driver.create({ a: [], b: ['a'] })
  await driver.store.runs.start(id, Date.now())
  const taken = (await driver.take())!
  await redis.client().del(`test:rt:run:${id}`)
  await assert.rejects(endWith(taken, [addition('new', [])]), { code: 'ERR_NOT_FOUND', message: /no workflow run/ })
  assert.equal(await redis.client().exists(`test:rt:run:${id}`), 0)
})

test('a run whose table is shorter than its record says is not added to behind its end', async () => {
  const { id } = await driver.create({ a: [], b: ['a'] })
  await driver.store.runs.start(id, Date.now())
  await redis.client().hset(`test:rt:run:${id}`, 'allocated', 9)
  await refused(id, [addition('new', ['7'])], /job 7 is not part of run/)
})

test('a parent that is not among the jobs that were read closes no cycle', async () => {
  const { id } = await driver.create({ a: [], b: ['a'], c: ['b'], d: ['c'] })
  await driver.store.runs.start(id, Date.now())
  await redis.client().setrange(`test:rt:run:${id}:parents`, 4, '\x63\0\0\0')
  const { runs } = driver.store
  assert.equal((await planAdditions(runs.read, id, [addition('new', ['2'], ['3'])])).count, 1)
  await refused(id, [addition('new', ['3'], ['2'])], /^cycle: c → d → new → c: /)
})

test('jobs that are added belong to the trace of their run', async () => {
  const { id } = await driver.create({ a: [] })
  const trace = { traceparent: '00-1-1-01' }
  const { kinds } = await planAdditions(driver.store.runs.read, id, [addition('new', [])], trace)
  assert.deepEqual(kinds, [{ class: 'new', queue: 'work', options: { trace } }])
})

test('a thousand jobs may join under one that waits, in several batches, and run after it', async () => {
  const { id } = await driver.create({ a: [], b: ['a'], c: ['b'] })
  await driver.store.runs.start(id, Date.now())
  await endWith(
    (await driver.take())!,
    Array.from({ length: 1000 }, (_, i) => addition(`row${i}`, ['1'], ['2'])),
  )
  const ran = await driver.drain()
  assert.deepEqual([ran[0], ran.length, ran.at(-1)], ['b', 1002, 'c'])
  assert.deepEqual((await driver.store.runs.read.find(id))?.counts, { finished: 1003 })
})

test('jobs of a kind that the run knows need no new one, however often they are added', async () => {
  const { id } = await driver.create({ a: [], b: ['a'] })
  await driver.store.runs.start(id, Date.now())
  await endWith((await driver.take())!, [addition('b', ['1']), addition('row', ['1'])])
  await driver.store.runs.advance(Date.now())
  for (let n = 0; n < 3; n += 1) await endWith((await driver.take())!, [addition('row', []), addition('row', [])])
  const record = await driver.store.runs.read.find(id)
  assert.equal(record?.fields.kinds, '3')
  assert.deepEqual(
    (await driver.store.runs.read.kinds(id)).map(({ class: name }) => name),
    ['a', 'b', 'row'],
  )
  await driver.drain()
  assert.deepEqual((await driver.store.runs.read.find(id))?.counts, { finished: 10 })
})

test('a run that has as many kinds as there can be takes no more, and takes those that it knows', async () => {
  const { id } = await driver.create({ a: [] })
  await driver.store.runs.start(id, Date.now())
  const taken = (await driver.take())!
  await redis.client().hset(`test:rt:run:${id}`, 'kinds', 65_536)
  await assert.rejects(endWith(taken, [addition('new', [])]), { code: 'ERR_TOO_LARGE', message: /65536 different/ })
  await endWith(taken, [addition('a', [])])
  assert.deepEqual(await driver.drain(), ['a'])
})

test('a job that is given parents has those, in whole ranges and apart, and no others', async () => {
  const { id } = await driver.create({ a: [], b: ['a'], c: ['a'] })
  await driver.store.runs.start(id, Date.now())
  const names = ['d', 'e', 'f', 'g', 'h']
  const targets: Record<string, string[]> = { d: ['1'], e: ['1', '2'], f: ['1'], g: [], h: ['1', '2'] }
  await endWith((await driver.take())!, names.map((name) => addition(name, ['0'], targets[name]))) // prettier-ignore
  const { read } = driver.store.runs
  const parents = async (index: number): Promise<number[]> =>
    (await read.parents(id, (await read.nodes(id, index, index + 1))[0]!)).map(({ from }) => from)
  assert.deepEqual(
    [await parents(1), await parents(2)],
    [
      [0, 3, 4, 5, 7],
      [0, 4, 7],
    ],
  )
  assert.deepEqual((await read.edges(id)).added.get(2), [
    { from: 4, when: 'finished' },
    { from: 7, when: 'finished' },
  ])
  assert.equal((await redis.client().hgetBuffer(`test:rt:run:${id}:more`, 'p1'))?.length, 16)
  assert.deepEqual((await driver.drain()).sort(), ['b', 'c', ...names])
})

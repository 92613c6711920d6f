// A run in the hands of a program: created within bounds, read, waited for, and its steps made ready.
import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { Job } from 'resque-runtime'
import { systemClock } from '../../runtime/core/clock.ts'
import { drawnRun } from '../../runtime/workflow/drawing/drawn-run.ts'
import type { GraphNode } from '../../runtime/workflow/graph/graph.ts'
import { createRun, type RunSpec, type RunTarget } from '../../runtime/workflow/run/create-run.ts'
import { loadJobs } from '../../runtime/workflow/run/run-jobs.ts'
import { Steps } from '../../runtime/workflow/run/steps.ts'
import { WorkflowRun } from '../../runtime/workflow/run/workflow-run.ts'
import { useRedis } from '../support/redis.ts'
import { StepDriver } from './support.ts'

const redis = useRedis()
let driver: StepDriver
let target: RunTarget

beforeEach(async () => {
  driver = await new StepDriver(redis).register()
  target = { store: driver.store, clock: systemClock, ttlMs: 60_000, maxPayloadBytes: 100, recordTtlMs: 1000 }
})
afterEach(() => driver.close())

class Row extends Job {
  perform() {}
}
const rows = (count: number, more: Partial<GraphNode> = {}): RunSpec['graph'] => ({
  nodes: Array.from({ length: count }, () => ({ className: 'Row', queue: 'work', parents: [], ...more })),
})
const create = (spec: Partial<RunSpec> = {}, more: Partial<RunTarget> = {}): Promise<string> =>
  createRun({ ...target, ...more }, { className: 'Flow', graph: rows(1), ...spec })
const find = async (id: string) => (await driver.store.runs.read.find(id)) ?? assert.fail()

test('of long arguments a run keeps the beginning and how long they were', async () => {
  const args = [5n, 'é'.repeat(3000)]
  const { args: kept, fields } = await find(await create({ args }))
  assert.equal(kept?.length, 2000)
  assert.ok(kept.startsWith('["5","éé'))
  assert.equal(fields.args_bytes, '6008')
  assert.equal((await find(await create({ args: [1] }))).fields.args_bytes, undefined)
})

test('params and globals that are too large or no JSON are refused, and nothing is written', async () => {
  const large = { text: 'x'.repeat(100) }
  await assert.rejects(create({ graph: rows(1, { params: large }) }), {
    code: 'ERR_TOO_LARGE',
    message: /^Flow: params of Row: expected at most 100 bytes, got 111/,
  })
  await assert.rejects(create({ globals: large }), { code: 'ERR_TOO_LARGE', message: /^Flow: globals: / })
  await assert.rejects(create({ globals: { at: new Map() } }), { code: 'ERR_NOT_JSON', message: /^Flow: globals: / })
  assert.equal((await driver.store.runs.read.count()).count, 0)
})

test('a run has the memory of its target, unless it says otherwise', async () => {
  const memory = { prefix: 'shared', ttlMs: 5000, onConflict: 'last' as const }
  const fieldOf = async (spec: Partial<RunSpec>): Promise<unknown> => (await find(await create(spec, { memory }))).fields.memory // prettier-ignore
  assert.deepEqual([await fieldOf({}), await fieldOf({ memory: false })], ['last 5000 shared', undefined])
})

test('jobs have the labels that they were given', async () => {
  const graph = { nodes: [...rows(1, { label: 'one' }).nodes, ...rows(1).nodes] }
  const jobs = await loadJobs(driver.store.runs.read, await find(await create({ graph })))
  assert.deepEqual(
    jobs.map(({ label }) => label),
    ['one', undefined],
  )
})

test('a run whose record lost its count of jobs, and whose edge leads nowhere, is listed and drawn all the same', async () => {
  const { id } = await driver.create({ a: [], b: ['a'], c: ['a', 'b'] })
  const { keys } = driver.store.connection
  await redis.client().hdel(keys.run(id), 'allocated')
  await redis.client().setrange(keys.runParents(id), 0, '\x63\0\0\0')
  const { folds, edges } = await drawnRun(driver.store.runs.read, await find(id))
  assert.deepEqual(
    folds.map(({ name, states }) => [name, states]),
    ['a', 'b', 'c'].map((name) => [name, { waiting: 1 }]),
  )
  assert.deepEqual(
    edges.map(({ from, to }) => [from, to]),
    [
      [0, 2],
      [1, 2],
    ],
  )
})

test('a run that is opened has no jobs before reload, and says what it waited for in vain', async () => {
  const run = await WorkflowRun.open(target, await create())
  assert.throws(() => run.jobs, { code: 'ERR_STATE', message: /call reload\(\) first/ })
  assert.equal((await run.reload()).jobs.length, 1)
  await assert.rejects(run.wait({ timeout: '1ms' }), { code: 'ERR_TIMEOUT', message: /within 1 ms, it is pending/ })
  await assert.rejects(run.wait({ signal: AbortSignal.abort() }), { code: 'ERR_TIMEOUT' })
})

test('a job is named by its id or by a class of which the run has one', async () => {
  const run = await WorkflowRun.open(target, await create({ graph: rows(6) }))
  await run.start()
  await driver.end((await driver.take())!, 'done', { output: '{"n":1}' })
  assert.deepEqual([await run.output('0'), await run.output(1)], [{ n: 1 }, undefined])
  await assert.rejects(run.output(Row), {
    code: 'ERR_ARGUMENT',
    message: /expected one job of class Row, got 6 \(0, 1, 2, 3, 4, …\)/,
  })
  await assert.rejects(run.output('Row'), { code: 'ERR_ARGUMENT', message: /its handle or its id, got "Row"/ })
  const one = await WorkflowRun.open(target, await create())
  assert.equal(await one.output(Row), undefined)
})

test('a step is made ready with its params over the globals, or dropped with the reason', async () => {
  const steps = new Steps(driver.store.runs, systemClock, { maxOutputBytes: 100, maxPayloadsBytes: 100 })
  const prepare = (args: string, id = 'job') => steps.prepare({ id, attempt: 1 }, args)
  const trace = { traceparent: '00-1-1-01' }
  const kinds = [{ class: 'Row', queue: 'work', options: { trace } }]
  const nodes = ['{"b":2}', '[1]'].map((params) => ({ kind: 0, parents: [], params }))
  await driver.store.runs.create(
    { id: 'r', className: 'Flow', kinds, nodes, ttlMs: 1000, globals: '{"a":1}' },
    Date.now(),
  )
  await driver.store.runs.start('r', Date.now())
  const { job } = (await driver.take())!
  const ready = await prepare('["r","0","Row"]', job.id)
  assert.ok('context' in ready)
  assert.deepEqual([ready.args, ready.context.trace], ['[{"a":1,"b":2}]', trace])
  const list = await prepare('["r","1","Row"]')
  assert.deepEqual('args' in list && list.args, '[[1]]')
  assert.deepEqual(await prepare('["r","0","Row"]', 'other'), { gone: "job 0 of run r is another's already" })
  assert.deepEqual(await prepare('["none","0","Row"]'), { gone: 'job 0 of run none has ended, or its run is stopped or removed' }) // prettier-ignore
  for (const args of ['{}', '["r"]', '["","0"]', '["r",0]', '["r","x"]'])
    await assert.rejects(prepare(args), { code: 'ERR_ARGUMENT', message: /expected arguments \[run, node, class\]/ })
})

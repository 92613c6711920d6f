// Runs by page, one run with its steps, and one step: what the dashboard and the command both read.
import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { openRun, runPage, runView, stepPage, type StepPage } from '../../runtime/inspect/runs.ts'
import type { RunRecord } from '../../runtime/store/runs/run-reader.ts'
import { stepView } from '../../runtime/inspect/step.ts'
import { useRedis } from '../support/redis.ts'
import { StepDriver } from '../workflow/support.ts'
import { inspected } from './support.ts'

const server = useRedis()
let driver: StepDriver
beforeEach(async () => {
  driver = await new StepDriver(server).register()
})
afterEach(() => driver.close())

test('runs are paged by class and status, with their progress', async () => {
  const to = inspected(driver.store)
  const ids: string[] = []
  for (let i = 0; i < 3; i += 1) ids.push((await driver.create({ a: [], b: ['a'] })).id)
  await driver.store.runs.start(ids[0] ?? '', Date.now())
  await driver.drain(['b'])
  const failed = await runPage(to, { class: 'TestFlow', status: 'failed' })
  assert.deepEqual(failed.total, { count: 1, isExact: true })
  const [run] = failed.runs
  assert.deepEqual([run?.id, run?.done, run?.total, run?.counts], [ids[0], 1, 2, { finished: 1, failed: 1 }])
  const page = await runPage(to, {}, { from: 1, count: 1 })
  assert.deepEqual([page.runs.map(({ id }) => id), page.total.count], [[ids[1]], 3])
})

test('one run has what blocks it and its steps by state, in pages of a bounded cost', async () => {
  const to = inspected(driver.store)
  const { id } = await driver.create({ a: [], b: [], c: ['a', 'b'], d: ['c'] })
  await driver.store.runs.start(id, Date.now())
  await driver.drain(['a', 'b'])
  const view = await runView(to, id)
  assert.deepEqual(
    view.failures.map(({ id: node, class: name, error }) => [node, name, error.message]),
    [
      ['0', 'a', 'boom'],
      ['1', 'b', 'boom'],
    ],
  )
  assert.deepEqual([view.classes.get('a'), view.classes.get('d')], [{ failed: 1 }, { blocked: 1 }])
  const numbers = ({ steps }: StepPage): string[] => steps.map((step) => step.id)
  const first = await stepPage(to, view.record, 'failed', { count: 1 })
  assert.deepEqual([numbers(first), first.next, first.total], [['0'], '1', 4])
  const second = await stepPage(to, view.record, 'failed', { count: 1, cursor: '1' })
  assert.deepEqual([numbers(second), second.next], [['1'], undefined])
  const blocked = await stepPage(to, view.record, 'blocked', { count: 1 })
  assert.deepEqual([numbers(blocked), blocked.next], [['2'], '3'])
  assert.deepEqual(numbers(await stepPage(to, view.record, 'all', { count: 2, cursor: '1' })), ['1', '2'])
  await assert.rejects(stepPage(to, view.record, 'all', { cursor: '-1' }), { code: 'ERR_ARGUMENT' })
  await assert.rejects(runView(to, 'none'), { code: 'ERR_NOT_FOUND' })
  await (await openRun(to, id)).skip('0')
  assert.equal((await runView(to, id)).counts.skipped, 1)
})

test('a step has its job, its error and its log, also when its job has ended', async () => {
  const to = inspected(driver.store)
  const { id } = await driver.create({ a: [], b: ['a'] })
  await driver.store.runs.start(id, Date.now())
  await driver.store.runs.advance(Date.now())
  const taken = await driver.take()
  assert.ok(taken)
  await driver.store.jobs.addLog(taken.job.id, ['half way'], 10, 60_000)
  const running = await stepView(to, id, 0)
  assert.deepEqual([running.step.state, running.job, running.log], ['running', taken.job.id, ['half way']])
  await driver.end(taken, 'done', { output: '{"rows":12345678901234567890}' })
  const done = await stepView(to, id, 0)
  assert.deepEqual([done.step.state, done.output], ['finished', '{"rows":12345678901234567890}'])
  assert.deepEqual([done.job, done.log], [taken.job.id, ['half way']], 'from the archive')
  await driver.drain(['b'])
  assert.match((await stepView(to, id, 1)).error ?? '', /boom/)
  await assert.rejects(stepView(to, id, 2), { code: 'ERR_NOT_FOUND' })
})

test('failed steps of a run with few or many of them, and of one without, are paged to its end', async () => {
  const to = inspected(driver.store)
  const { id } = await driver.create({ a: [], b: [], c: [] })
  const record = async (): Promise<RunRecord> => (await driver.store.runs.read.find(id)) ?? assert.fail()
  assert.deepEqual((await stepPage(to, await record(), 'failed')).steps, [])
  await driver.store.runs.start(id, Date.now())
  await driver.drain(['a', 'c'])
  await server.client().hset(`test:rt:run:${id}`, 'failed', 501)
  const page = await stepPage(to, await record(), 'failed', { count: 1 })
  assert.deepEqual([page.steps.map((step) => step.id), page.next], [['0'], '1'], 'found by their states')
  const last = await stepPage(to, await record(), 'failed', { count: 1, cursor: '1' })
  assert.deepEqual([last.steps.map((step) => step.id), last.next], [['2'], undefined])
})

test('a step that has not run has no job, and a run that is gone has no steps', async () => {
  const to = inspected(driver.store)
  const { id } = await driver.create({ a: [] })
  const { job, attempts, log, error } = await stepView(to, id, 0)
  assert.deepEqual([job, attempts, log, error], [undefined, [], [], undefined])
  await assert.rejects(stepView(to, 'gone', 0), { code: 'ERR_NOT_FOUND' })
})

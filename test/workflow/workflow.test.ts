import assert from 'node:assert/strict'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { close, configure } from '../../runtime/jobs/default-client.ts'
import {
  ClumsyFlow,
  DiamondFlow,
  FlakyFlow,
  FlakyStep,
  GrowFlow,
  MissingFlow,
  OnlyFlow,
  PatientFlow,
  ReportStep,
  RowStep,
  SkipFlow,
} from '../fixtures/apps/flows/src/jobs/flows.ts'
import { Workflow, type WorkflowRun } from 'resque-runtime'
import { useRedis } from '../support/redis.ts'
import { startInlineWorker } from './inline-worker.ts'

const redis = useRedis()
let dir: string
let trace: string
let stop: (() => Promise<void>) | undefined

beforeEach(() => {
  configure({ cwd: tmpdir(), redis: { url: redis.url } })
  dir = mkdtempSync(join(tmpdir(), 'flows-'))
  trace = join(dir, 'trace')
  writeFileSync(trace, '')
})
afterEach(async () => {
  await stop?.()
  stop = undefined
  close()
  rmSync(dir, { recursive: true })
})

const traced = (): string[] => readFileSync(trace, 'utf8').trim().split('\n')
const states = (flow: { jobs: { class: string; state: string }[] }): string[] =>
  flow.jobs.map((job) => `${job.class} ${job.state}`)

test('params, globals, payloads and outputs reach the jobs', async () => {
  stop = await startInlineWorker(redis)
  const flow = await DiamondFlow.create.with<DiamondFlow>({ globals: { trace } })(3)
  assert.equal(flow.status, 'pending')
  await flow.start()
  await flow.wait({ timeout: '10s' })
  assert.equal(flow.status, 'finished')
  assert.deepEqual(await flow.output('4'), { rows: [0, 1, 2], fetched: 7, parents: 4 })
  assert.deepEqual(await flow.output(ReportStep), { rows: [0, 1, 2], fetched: 7, parents: 4 })
  await assert.rejects(flow.output(RowStep), {
    code: 'ERR_ARGUMENT',
    message: /expected one job of class RowStep, got 3 \(\d, \d, \d\); give the id/,
  })
  await assert.rejects(flow.output(FlakyStep), { code: 'ERR_ARGUMENT', message: /got none/ })
  const lines = traced()
  assert.deepEqual([lines[0], lines.at(-1)], ['fetch', 'report 3'])
  assert.deepEqual(flow.record.counts, { finished: 5 })
})

test('a failed job: its branch runs, its dependents are blocked by name, continue resumes', async () => {
  stop = await startInlineWorker(redis)
  const needs = join(dir, 'there')
  const flow = await FlakyFlow.create.with<FlakyFlow>({ globals: { trace } })(needs)
  await (await flow.start()).wait({ timeout: '10s' })
  assert.equal(flow.status, 'failed')
  assert.deepEqual(states(flow), ['FetchStep finished', 'FlakyStep failed', 'AlarmStep finished', 'ReportStep blocked'])
  const [blocker] = await flow.failures()
  assert.deepEqual(
    [blocker?.id, blocker?.class, blocker?.error.name, blocker?.error.message],
    ['1', 'FlakyStep', 'TypeError', 'not yet'],
  )
  writeFileSync(needs, '')
  await (await flow.continue()).wait({ timeout: '10s' })
  assert.equal(flow.status, 'finished')
  assert.deepEqual(traced(), ['fetch', 'flaky', 'alarm', 'flaky', 'report 0'])
})

test('a job adds jobs to its run, and others wait for them', async () => {
  stop = await startInlineWorker(redis)
  const flow = await GrowFlow.create.with<GrowFlow>({ globals: { trace } })(500)
  await (await flow.start()).wait({ timeout: '20s' })
  assert.equal(flow.status, 'finished')
  assert.equal(flow.jobs.length, 503)
  assert.equal(traced().at(-1), 'report 500')
  assert.deepEqual(flow.record.counts, { finished: 503 })
})

test("jobs that a job adds go to their workflow's queue, where neither they nor their class name one", async () => {
  class ImportFlow extends GrowFlow {
    static override queue = 'import'
  }
  stop = await startInlineWorker(redis)
  const flow = await (await (await ImportFlow.create(2)).start()).wait({ timeout: '20s' })
  assert.deepEqual([flow.status, flow.jobs.length], ['finished', 5])
  assert.deepEqual([...new Set(flow.jobs.map(({ queue }) => queue))], ['import'])
})

test('what workflow.add cannot take fails the job by name, and adds nothing', async () => {
  stop = await startInlineWorker(redis)
  const told = async (params: object): Promise<string> => {
    const flow = await (await (await ClumsyFlow.create(params)).start()).wait({ timeout: '10s' })
    assert.deepEqual(states(flow), ['ClumsyStep failed', 'RowStep blocked', 'ReportStep blocked'])
    return (await flow.failures())[0]?.error.message ?? ''
  }
  assert.match(await told({ options: { after: '2', before: '1' } }), /cycle: RowStep#1 → ReportStep → RowStep#3 → /)
  assert.match(await told({ options: { parms: {} } }), /expected params, after, before and queue, got "parms"/)
  assert.match(await told({ options: { params: [1] } }), /workflow.add\(RowStep\): expected params to be one object/)
  assert.match(await told({ options: { queue: '' } }), /queue of workflow.add\(RowStep\): expected a name/)
  assert.match(await told({ job: 'Nope' }), /expected a Job class or a function made by job\(\), got \{"name":"Nope"\}/)
})

test('a job skips what hangs on it', async () => {
  stop = await startInlineWorker(redis)
  const flow = await (await (await SkipFlow.create()).start()).wait({ timeout: '10s' })
  assert.equal(flow.status, 'finished')
  assert.deepEqual(states(flow), ['SkipStep finished', 'RowStep skipped', 'FetchStep finished', 'ReportStep finished'])
})

test('stop ends what runs and nothing more begins; continue finishes the run', async () => {
  stop = await startInlineWorker(redis)
  const flow = await DiamondFlow.create.with<DiamondFlow>({ globals: { trace } })(20, { sleepMs: 60_000 })
  await flow.start()
  while ((await flow.reload()).record.counts.running !== 2);
  await flow.stop()
  assert.equal(flow.status, 'stopped')
  while ((await flow.reload()).record.counts.running !== undefined);
  assert.equal(flow.jobs.filter((job) => job.state === 'stopped').length, 21)
  assert.equal(traced().filter((line) => line.startsWith('row')).length, 2)
  await assert.rejects(flow.stop(), { code: 'ERR_STATE' })
  await flow.continue()
  assert.equal(flow.status, 'running')
  await flow.stop()
})

test('a class that has vanished since the run was created fails its job and the run', async () => {
  stop = await startInlineWorker(redis)
  const flow = await (await (await MissingFlow.create()).start()).wait({ timeout: '10s' })
  assert.equal(flow.status, 'failed')
  const [blocker] = await flow.failures()
  assert.match(blocker?.error.message ?? '', /VanishedStep/)
})

test('find, page, running, and one run of a unique class at a time', async () => {
  const first = await OnlyFlow.create()
  await first.start()
  assert.deepEqual(
    (await OnlyFlow.running()).map((flow) => flow.id),
    [first.id],
  )
  await assert.rejects(OnlyFlow.create(), { code: 'ERR_STATE', message: new RegExp(first.id) })
  assert.equal((await OnlyFlow.find(first.id)).status, 'running')
  await assert.rejects(DiamondFlow.find(first.id), { code: 'ERR_NOT_FOUND' })
  await assert.rejects(OnlyFlow.find('nowhere'), { code: 'ERR_NOT_FOUND' })
  await first.stop()
  const second = await OnlyFlow.create()
  assert.deepEqual(
    (await OnlyFlow.page(0, 9)).map((flow) => flow.id),
    [second.id, first.id],
  )
  assert.deepEqual(
    (await OnlyFlow.page(0, 0, { order: 'asc' })).map((flow) => flow.id),
    [first.id],
  )
  await second.expire(-1)
  assert.equal(second.record.ttlMs, 0, '-1 keeps it for ever')
  await second.destroy()
  await assert.rejects(second.reload(), { code: 'ERR_NOT_FOUND' })
})

test('find, page and running of Workflow itself go over all classes', async () => {
  const [only, diamond] = [await OnlyFlow.create(), await DiamondFlow.create.with({ ttl: -1 })('x')]
  assert.equal(diamond.record.ttlMs, 0)
  await only.start()
  const of = (runs: WorkflowRun[]): string[] => runs.map((run) => `${run.record.class} ${run.id}`)
  assert.deepEqual(of(await Workflow.page(0, 9, { order: 'asc' })), [
    `OnlyFlow ${only.id}`,
    `DiamondFlow ${diamond.id}`,
  ])
  assert.deepEqual(of(await Workflow.running()), [`OnlyFlow ${only.id}`])
  const found: WorkflowRun = await Workflow.find(only.id)
  assert.deepEqual([found.status, found.jobs.length > 0], ['running', true])
  await found.stop()
  const typed: OnlyFlow = await OnlyFlow.find(only.id)
  assert.ok(typed instanceof OnlyFlow)
})

test('an output beyond the limit fails the job by name', async () => {
  stop = await startInlineWorker(redis, 1, { maxOutputBytes: 5 })
  const flow = await (await (await DiamondFlow.create(1)).start()).wait({ timeout: '10s' })
  assert.equal(flow.status, 'failed')
  assert.match((await flow.failures())[0]?.error.message ?? '', /expected at most 5 bytes, got 7/)
})

test('payloads beyond the limit fail the job that would get them', async () => {
  stop = await startInlineWorker(redis, 2, { maxPayloadsBytes: 50 })
  const flow = await (await (await DiamondFlow.create(60)).start()).wait({ timeout: '10s' })
  assert.equal(flow.status, 'failed')
  assert.match(
    (await flow.failures())[0]?.error.message ?? '',
    /payloads of job 61: expected at most 50 bytes from its 61 parents/,
  )
})

test('the limit holds for a few parents, too', async () => {
  stop = await startInlineWorker(redis, 2, { maxPayloadsBytes: 20 })
  const flow = await (await (await DiamondFlow.create(3)).start()).wait({ timeout: '10s' })
  assert.equal(flow.status, 'failed')
  assert.match((await flow.failures())[0]?.error.message ?? '', /expected at most 20 bytes from its 4 parents/)
})

test('retries, waits and snoozes of a node: its children wait for the last attempt', async () => {
  stop = await startInlineWorker(redis)
  const flow = await PatientFlow.create.with<PatientFlow>({ globals: { trace } })(join(dir, 'marker'))
  await (await flow.start()).wait({ timeout: '10s' })
  assert.deepEqual(traced(), ['attempt 1', 'attempt 2', 'attempt 3', 'sleepy', 'sleepy', 'attempt 1'])
  assert.equal(flow.status, 'failed')
  assert.deepEqual(
    flow.jobs.map((job) => [job.state, job.attempts]),
    [
      ['finished', 3],
      ['finished', 1],
      ['failed', 1],
    ],
  )
  await flow.skip(flow.jobs[2]!)
  assert.equal(flow.status, 'finished')
})

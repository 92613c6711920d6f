// Pipelines on the real engine scripts, one step at a time: states and their times, retries, requests, parameters.
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { readRecord } from '../../runtime/archive/record.ts'
import { systemClock, type Clock } from '../../runtime/core/clock.ts'
import { Pipelines } from '../../runtime/workflow/pipelines/pipelines.ts'
import { decidePending } from '../../runtime/workflow/pipelines/requests.ts'
import type { RunTarget } from '../../runtime/workflow/run/create-run.ts'
import { useRedis } from '../support/redis.ts'
import { StepDriver, type Taken } from '../workflow/support.ts'

const redis = useRedis()
const text = `
etl:
  queue: work
  params: { day: monday, keep: file }
  jobs:
    - { name: extract, class_name: ExtractJob, retry_limit: 1, retry_gap_minutes: 5 }
    - { name: transform, class_name: TransformJob, params: { day: tuesday } }
    - { name: load, class_name: LoadJob }
`

let [driver, target, pipelines] = [] as unknown as [StepDriver, RunTarget, Pipelines]
let aheadMs = 0
const clock: Clock = { ...systemClock, now: () => Date.now() + aheadMs }

beforeEach(async () => {
  aheadMs = 0
  driver = await new StepDriver(redis).register()
  target = { store: driver.store, clock, ttlMs: 60_000, maxPayloadBytes: 10_000, recordTtlMs: 10_000 }
  pipelines = new Pipelines(target)
  await pipelines.load(text)
})
afterEach(() => driver.close())

async function start(options = {}): Promise<string> {
  const request = await pipelines.run('etl', options)
  assert.equal(request.status, 'Accepted', request.reason)
  return request.run ?? assert.fail('no run')
}

const take = async (): Promise<Taken> => (await driver.take()) ?? assert.fail('no step is on its queue')

/** The job's end as a retry: due again after the gap. */
const retryLater = (taken: Taken, gapMs: number): Promise<boolean> =>
  driver.store.supervisors.requeue(driver.supervisor, taken.job, clock.now(), clock.now() + gapMs, true, 10_000)

const states = async (run: string): Promise<string[]> =>
  (await pipelines.show(run)).steps.map((step) => `${step.name} ${step.state}`)
const path = async (run: string, step = 0): Promise<string> =>
  ((await pipelines.show(run)).steps[step]?.moves ?? []).map(({ state }) => state).join(' ')

describe('the states of a step', () => {
  it('goes Waiting, Ready, Running, Complete, one step after another', async () => {
    const run = await start()
    assert.deepEqual(await states(run), ['extract Ready', 'transform Waiting', 'load Waiting'])
    const first = await take()
    assert.deepEqual(await states(run), ['extract Running', 'transform Waiting', 'load Waiting'])
    await driver.end(first)
    assert.deepEqual(await states(run), ['extract Complete', 'transform Ready', 'load Waiting'])
    await driver.drain()
    const { status, steps, at, endedAtMs } = await pipelines.show(run)
    assert.deepEqual(
      [status, at, steps.map(({ state }) => state)],
      ['finished', undefined, ['Complete', 'Complete', 'Complete']],
    )
    assert.ok(endedAtMs)
    for (const step of [0, 1, 2]) assert.equal(await path(run, step), 'Waiting Ready Running Complete')
    const times = steps.flatMap(({ moves }) => moves.map(({ atMs }) => atMs))
    assert.ok(
      times.every((at) => at > Date.now() - 60_000 && at <= Date.now()),
      'each move has its time',
    )
  })

  it('goes Failed, and Waiting for the gap, while retries are left, and Stuck when none is', async () => {
    const run = await start()
    await retryLater(await take(), 300_000)
    const { steps, at } = await pipelines.show(run)
    assert.deepEqual(at, { step: 'extract', state: 'Waiting' })
    assert.equal(await path(run), 'Waiting Ready Running Failed Waiting')
    assert.ok((steps[0]?.readyAtMs ?? 0) - Date.now() > 290_000)
    aheadMs = 300_001
    assert.deepEqual((await states(run))[0], 'extract Ready', 'its time has come')
    await driver.store.delayed.moveDue(clock.now(), 10, { ttlMs: 10_000, failedMax: 10 })
    const again = await take()
    assert.equal(again.className, 'ExtractJob')
    await driver.end(again, 'failed')
    const stuck = await pipelines.show(run)
    assert.deepEqual(stuck.at, { step: 'extract', state: 'Stuck' })
    assert.deepEqual([stuck.status, stuck.steps[0]?.attempts, stuck.steps[0]?.error?.message], ['failed', 2, 'boom'])
    assert.equal(await path(run), 'Waiting Ready Running Failed Waiting Ready Running Stuck')
    assert.deepEqual((await states(run)).slice(1), ['transform Waiting', 'load Waiting'])
  })

  it('resumes a run by retry of its Stuck step', async () => {
    const run = await start()
    await driver.end(await take(), 'failed')
    await assert.rejects(pipelines.retry(run, 'load'), {
      code: 'ERR_STATE',
      message: /expected a step that is Stuck, load is Waiting/,
    })
    await assert.rejects(pipelines.retry(run, 'nope'), {
      code: 'ERR_NOT_FOUND',
      message: /its steps are extract, transform, load/,
    })
    await pipelines.retry(run)
    assert.deepEqual(await driver.drain(), ['ExtractJob', 'TransformJob', 'LoadJob'])
    assert.equal((await pipelines.show(run)).status, 'finished')
    assert.equal(await path(run), 'Waiting Ready Running Stuck Ready Running Complete')
    await assert.rejects(pipelines.retry(run), { code: 'ERR_STATE', message: /none is \(the run is finished\)/ })
  })

  it('resumes a run by skip of its Stuck step', async () => {
    const run = await start()
    assert.deepEqual(await driver.drain(['TransformJob']), ['ExtractJob', 'TransformJob'])
    await pipelines.skip(run, 'transform')
    assert.deepEqual(await driver.drain(), ['LoadJob'])
    const { status, steps } = await pipelines.show(run)
    assert.deepEqual(
      [status, steps[1]?.state, steps[1]?.skipped, steps[2]?.skipped],
      ['finished', 'Complete', true, false],
    )
  })

  it('stops', async () => {
    const run = await start()
    await pipelines.stop(run)
    assert.deepEqual(await driver.drain(), [])
    assert.equal((await pipelines.show(run)).status, 'stopped')
  })
})

describe('run requests', () => {
  it('are rejected with a reason: unknown pipeline, unknown step, running instance', async () => {
    const reason = async (name: string, options = {}): Promise<string | undefined> => {
      const request = await pipelines.run(name, options)
      assert.equal(request.status, 'Rejected')
      assert.equal(request.run, undefined)
      return request.reason
    }
    assert.match((await reason('elt')) ?? '', /unknown pipeline "elt"; there are etl/)
    assert.match(
      (await reason('etl', { first: 'nope' })) ?? '',
      /no step "nope"; its steps are extract, transform, load/,
    )
    const run = await start()
    assert.match((await reason('etl')) ?? '', new RegExp(`instance 1 of etl is running: run ${run}`))
    await start({ instance: 2 })
    await driver.drain()
    await start()
    assert.deepEqual(
      (await pipelines.requests({ pipeline: 'etl' })).map(({ status }) => status),
      ['Accepted', 'Accepted', 'Rejected', 'Accepted', 'Rejected'],
    )
    await assert.rejects(pipelines.run('etl', { instance: -1 }), { code: 'ERR_ARGUMENT' })
    await assert.rejects(pipelines.run('etl', { params: { a: NaN } }), {
      code: 'ERR_ARGUMENT',
      message: /params\.a.*NaN/,
    })
    await pipelines.setParams('etl', { long: 2n ** 64n })
    const third = await start({ instance: 3, params: { longer: 2n ** 65n } })
    const { params } = (await pipelines.show(third)).steps[0] ?? {}
    assert.deepEqual([params?.['long'], params?.['longer']], [2n ** 64n, 2n ** 65n])
  })

  it('never let one instance overlap itself, however many ask at once', async () => {
    const requests = await Promise.all(Array.from({ length: 12 }, () => pipelines.run('etl', { instance: 7 })))
    assert.equal(requests.filter(({ status }) => status === 'Accepted').length, 1)
    assert.equal(requests.filter(({ status }) => status === 'Rejected').length, 11)
    assert.equal((await pipelines.runs('etl')).length, 1, 'what was rejected left no run behind')
    assert.deepEqual(await driver.drain(), ['ExtractJob', 'TransformJob', 'LoadJob'])
  })

  it('are decided once, also when several processes take them up after a crash', async () => {
    const id = await pipelines.request('etl')
    assert.equal((await driver.store.pipelines.findRequest(id))?.status, 'Pending')
    const others = await Promise.all([pipelines.decide(id), pipelines.decide(id), decidePending(target)])
    assert.ok(others)
    const request = await driver.store.pipelines.findRequest(id)
    assert.equal(request?.status, 'Accepted', request?.reason)
    assert.equal((await pipelines.runs('etl')).length, 1)
    assert.deepEqual(await driver.store.pipelines.pending(), [])
    assert.deepEqual(await driver.drain(), ['ExtractJob', 'TransformJob', 'LoadJob'])
  })

  it('may begin at any step', async () => {
    const run = await start({ first: 'transform' })
    assert.deepEqual(await driver.drain(), ['TransformJob', 'LoadJob'])
    const { first, steps } = await pipelines.show(run)
    assert.deepEqual([first, steps.map(({ name }) => name)], ['transform', ['transform', 'load']])
  })
})

describe('definitions and parameters', () => {
  it('gives a run the version that it began with', async () => {
    const old = await start()
    assert.deepEqual(await pipelines.load(text), [{ name: 'etl', version: 1, isNew: false, steps: 3 }])
    const changed = await pipelines.load('etl: { queue: work, jobs: [{ name: only, class_name: OnlyJob }] }')
    assert.deepEqual(changed, [{ name: 'etl', version: 2, isNew: true, steps: 1 }])
    assert.deepEqual(await driver.drain(), ['ExtractJob', 'TransformJob', 'LoadJob'])
    const run = await start()
    assert.deepEqual(await driver.drain(), ['OnlyJob'])
    assert.deepEqual([(await pipelines.show(old)).version, (await pipelines.show(run)).version], [1, 2])
    assert.equal((await pipelines.find('etl', 1)).definition.steps.length, 3)
    await assert.rejects(pipelines.find('etl', 9), { code: 'ERR_NOT_FOUND', message: /no version 9; it has 1, 2/ })
  })

  it('merges parameters, the nearest wins: run over step over pipeline, set over file', async () => {
    const seen = async (options = {}): Promise<Record<string, unknown>[]> =>
      (await pipelines.show(await start(options))).steps.map(({ params }) => params)
    assert.deepEqual(await seen({ instance: 1 }), [
      { day: 'monday', keep: 'file' },
      { day: 'tuesday', keep: 'file' },
      { day: 'monday', keep: 'file' },
    ])
    await pipelines.setParams('etl', { day: 'sunday', keep: 'set', n: 7 })
    await pipelines.setParams('etl', { keep: `'; drop table x; --` }, 'load')
    assert.deepEqual(await seen({ instance: 2, params: { n: 8 } }), [
      { day: 'sunday', keep: 'set', n: 8 },
      { day: 'tuesday', keep: 'set', n: 8 },
      { day: 'sunday', keep: `'; drop table x; --`, n: 8 },
    ])
    assert.deepEqual(await pipelines.params('etl'), {
      '': { day: 'sunday', keep: 'set', n: 7 },
      load: { keep: `'; drop table x; --` },
    })
    await pipelines.setParams('etl', { day: undefined, n: undefined, keep: undefined })
    assert.deepEqual(await pipelines.params('etl'), { load: { keep: `'; drop table x; --` } })
    await assert.rejects(pipelines.setParams('etl', { a: 1 }, 'nope'), { code: 'ERR_NOT_FOUND' })
    await assert.rejects(pipelines.setParams('etl', { 'a/b': 1 }), { code: 'ERR_ARGUMENT' })
    await assert.rejects(pipelines.setParams('nope', { a: 1 }), { code: 'ERR_NOT_FOUND' })
  })

  it('reaches the archive, the run and each of its steps', async () => {
    await start({ instance: 3, params: { n: 1 } })
    await driver.drain()
    const found = await driver.store.archive.page(undefined, 0, 10)
    const entries = found.map(({ fields: f }) =>
      [f.kind, f.class, f.state ?? f.status, f.label ?? f.instance].join(' '),
    )
    const waits = found.map((entry) => readRecord(entry)?.waitMs ?? NaN)
    assert.ok(Math.min(...waits) >= 0 && Math.max(...waits) < 60_000, String(waits))
    assert.deepEqual(entries.sort(), [
      ...['pipeline etl finished 3', 'step ExtractJob done extract', 'step LoadJob done load'],
      'step TransformJob done transform',
    ])
  })
})

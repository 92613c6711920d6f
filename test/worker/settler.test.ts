// Ends that cannot be recorded: only a Redis that is away is waited for.
import assert from 'node:assert/strict'
import { afterEach, beforeEach, mock, test } from 'node:test'
import { systemClock } from '../../runtime/core/clock.ts'
import { silentLogger } from '../../runtime/core/logger.ts'
import { GraphChanged } from '../../runtime/store/runs/run-writer.ts'
import type { Store } from '../../runtime/store/store.ts'
import type { Reserved } from '../../runtime/store/workers/supervisors.ts'
import { TimeLine } from '../../runtime/worker/outcome/end-log.ts'
import { Settler } from '../../runtime/worker/outcome/settler.ts'
import type { StepSource } from '../../runtime/worker/execution/step-source.ts'
import type { Verdict } from '../../runtime/worker/outcome/cause.ts'
import { Job } from '../../runtime/jobs/job.ts'
import { Registry } from '../../runtime/jobs/registry.ts'
import { InlineLauncher } from '../../runtime/worker/launchers/inline.ts'
import { flowsApp, startInlineWorker } from '../workflow/inline-worker.ts'
import { useRedis } from '../support/redis.ts'
import { eventually } from '../support/wait.ts'
import { testStore } from '../support/store.ts'
import { push } from './support.ts'
import { reserveOne } from '../support/reserve.ts'

const server = useRedis()
const worker = 'vm:1:q'
const limits = { failedMax: 10, recordTtlMs: 60_000, attemptsKept: 5, backtraceLines: 10 }
let store: Store

beforeEach(async () => {
  store = testStore(server)
  await store.supervisors.register('s', [worker], {}, 60_000)
})
afterEach(() => {
  mock.restoreAll()
  store.close()
})

async function reserve(...args: unknown[]): Promise<Reserved> {
  await push(store, 'A', args)
  const reply = await reserveOne(store, 's', worker, ['q'], 'none', Date.now())
  assert.ok(reply.kind === 'job')
  return reply.job
}

function settle(job: Reserved, verdict: Verdict, steps?: Partial<StepSource>): Promise<boolean> {
  const settler = new Settler({
    store,
    clock: systemClock,
    log: silentLogger,
    limits,
    supervisorId: () => 's',
    ...(steps ? { steps: steps as StepSource } : {}),
  })
  const context = { workflowId: 'r', nodeId: '0', workflowClass: 'W', params: '{}', payloads: [] }
  const step = { context, outcome: { kind: 'done' as const } }
  return settler.settle({
    job,
    worker,
    verdict,
    evidence: {},
    timeLine: new TimeLine(),
    labels: { job: job.id, queue: 'q', attempt: 1 },
    ...(steps ? { step } : {}),
  })
}

async function assertFailed(job: Reserved, said: RegExp): Promise<void> {
  const record = await store.jobs.find(job.id)
  assert.deepEqual([record?.state, record?.cause], ['failed', 'exception'])
  assert.match(record?.error ?? '', said)
  assert.equal((await store.supervisors.inflight('s')).size, 0)
}

test('an error of our own between two commands fails the step', async () => {
  const job = await reserve()
  const done = (): Promise<never> => store.connection.ask(() => Promise.reject(new RangeError('65536 is out of range')))
  assert.equal(await settle(job, { kind: 'done' }, { done, failed: () => ({}) }), true)
  await assertFailed(job, /RangeError.*65536 is out of range/)
})

test('a step whose additions meet another step’s is planned again, and not for ever', async () => {
  let plans = 0
  const done = (): Promise<object> => Promise.resolve({ output: String((plans += 1)) })
  const record = store.supervisors.settle.bind(store.supervisors)
  const settled = mock.method(store.supervisors, 'settle', () => Promise.reject(new GraphChanged()), { times: 2 })
  assert.equal(await settle(await reserve(), { kind: 'done' }, { done, failed: () => ({}) }), true)
  assert.deepEqual([plans, settled.mock.callCount()], [3, 2])
  mock.method(store.supervisors, 'settle', (...args: Parameters<typeof record>) =>
    args[4].state === 'done' ? Promise.reject(new GraphChanged()) : record(...args),
  )
  const job = await reserve()
  assert.equal(await settle(job, { kind: 'done' }, { done, failed: () => ({}) }), true)
  await assertFailed(job, /GraphChanged.*kept changing the graph/)
})

test('an end that Redis refuses becomes a failure, with what the job itself failed of below', async () => {
  const job = await reserve()
  const { id, delivery } = job
  const ends = { now: 1, failedAt: '', dueAt: 1, counted: 1, ttlMs: 1, fields: 'no JSON' }
  const broken = { supervisor: 's', worker, id, delivery, ...ends }
  mock.method(store.supervisors, 'requeue', () => store.connection.run('requeue', broken))
  const error = { name: 'Flaky', message: 'not today', backtrace: ['at work'] }
  assert.equal(await settle(job, { kind: 'retry', delayMs: 1000, cause: 'exception', error }), true)
  await assertFailed(job, /invalid token.*while this was recorded: Flaky: not today.*at work/)
})

test("an end that is recorded late leaves Resque's record of the slot's next job alone", async () => {
  const [first, second] = [await reserve('first'), await reserve('second')]
  const inHand = async (): Promise<unknown> =>
    (JSON.parse((await server.client().get(`resque:worker:${worker}`)) ?? '{}') as { payload?: unknown }).payload
  assert.equal(await settle(first, { kind: 'done' }), true)
  assert.deepEqual(await inHand(), { class: 'A', args: ['second'] })
  assert.equal(await settle(second, { kind: 'done' }), true)
  assert.equal(await inHand(), undefined)
})

test('what a job says of itself after its end writes nothing', async () => {
  const job = await reserve('late')
  await store.jobs.note(job.id, { progress: '1/2 half' })
  assert.equal(await settle(job, { kind: 'done' }), true)
  await store.jobs.note(job.id, { progress: '2/2 late' })
  await store.jobs.note('gone', { progress: '2/2 late' })
  const record = await store.jobs.find(job.id)
  assert.deepEqual([record?.progress, await store.jobs.find('gone')], ['1/2 half', undefined])
})

test('ten slots in two halves: each job runs once and is recorded once, in a fraction of the calls', async () => {
  const [redis, jobs] = [server.client(), 300]
  await redis.flushall()
  const ids = Array.from({ length: jobs }, (_, n) => `job-${n}`)
  const items = ids.map((id) => ({ id, className: 'CountedJob', item: `{"class":"CountedJob","args":["${id}"]}` }))
  await store.queues.push('many', items, Date.now(), 60_000)
  const ran: string[] = []
  class CountedJob extends Job {
    override perform(id: string): void {
      ran.push(id)
      // Some fail: they share the call.
      if (id.endsWith('7')) throw new Error('on purpose')
    }
  }
  const registry = new Registry()
  registry.addModule({ CountedJob }, 'test')
  const launcher = new InlineLauncher(flowsApp, { registry, hooks: {} })
  await redis.config('RESETSTAT')
  const stop = await startInlineWorker(server, 10, {}, flowsApp, launcher)
  await eventually(async () => (await redis.get('resque:stat:processed')) === String(jobs))
  const [, calls] = /cmdstat_evalsha:calls=(\d+)/.exec(await redis.info('commandstats')) ?? []
  await stop()
  assert.deepEqual(ran.sort(), [...ids].sort())
  const failed = ids.filter((id) => id.endsWith('7')).length
  assert.deepEqual([await redis.llen('resque:failed'), await redis.get('resque:stat:failed')], [failed, `${failed}`])
  assert.equal(await redis.xlen('resque:rt:archive'), jobs)
  assert.deepEqual(await redis.keys('resque:rt:inflight:*'), [])
  assert.ok(Number(calls) < jobs / 2, `${calls} calls`)
})

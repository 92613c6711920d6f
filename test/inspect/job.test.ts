// One job from its birth to its end: wherever it is, one read shows it.
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { jobView } from '../../runtime/inspect/job.ts'
import { encodeFailure } from '../../runtime/store/queues/failures.ts'
import { useRedis } from '../support/redis.ts'
import { push, useStore } from '../worker/support.ts'
import { inspected } from './support.ts'
import { reserveOne } from '../support/reserve.ts'

const server = useRedis()
const to = useStore(server)
const worker = 'host:7:q'
const limit = { kind: 'concurrency' as const, key: 'mail', limit: 1 }

async function take(): Promise<{ id: string; delivery: string; worker: string }> {
  const reply = await reserveOne(to.store, 's', worker, ['q'], 'none', Date.now())
  assert.ok(reply.kind === 'job')
  return { id: reply.job.id, delivery: reply.job.delivery, worker }
}

it('is followed through its queue, a limit, its worker, the failed list and the archive', async () => {
  const { store } = to
  const place = inspected(store)
  await store.supervisors.register('s', [worker], { host: 'host', pid: '7' }, 60_000)
  await push(store, 'A', [0])
  const id = await push(store, 'B', [12345])
  const waiting = await jobView(place, id)
  assert.deepEqual([waiting.status.state, waiting.place, waiting.class, waiting.args], ['waiting', 2, 'B', '[12345]'])
  const [first, second] = [await take(), await take()]
  const running = await jobView(place, id)
  assert.deepEqual([running.status.state, running.worker?.id, running.place], ['running', 's', undefined])
  assert.ok((running.worker?.leaseLeftMs ?? 0) > 0)
  assert.deepEqual(
    running.moments.map(({ name }) => name),
    ['enqueued', 'started'],
  )
  await store.limits.acquire('s', first, [limit], Date.now())
  assert.equal(await store.limits.acquire('s', second, [limit], Date.now()), 'held')
  assert.deepEqual((await jobView(place, id)).limit, { key: 'mail', place: 1, holders: [first.id] })
  await store.supervisors.settle('s', first, Date.now(), 100, { state: 'done', ttlMs: 60_000 })
  const again = await take()
  const item = '{"class":"B","args":[12345]}'
  const about = { failedAtMs: Date.now(), exception: 'E', error: 'no', backtrace: [], worker, queue: 'q' }
  const entry = encodeFailure({ ...about, item, id })
  await store.supervisors.settle('s', again, Date.now(), 100, { state: 'failed', entry, ttlMs: 60_000 })
  const failed = await jobView(place, id)
  assert.deepEqual([failed.status.state, failed.failed?.index, failed.archived?.outcome], ['failed', 0, 'failed'])
  assert.equal(failed.moments.at(-1)?.name, 'ended')
  await server.client().del(`resque:rt:job:${id}`)
  const archived = await jobView(place, id)
  assert.deepEqual([archived.record, archived.status.state, archived.args], [undefined, 'failed', '[12345]'])
  await server.client().del('resque:rt:archive')
  assert.equal((await jobView(place, id)).failed?.index, 0, 'only the failed list knows it')
  await server.client().del('resque:failed')
  await assert.rejects(jobView(place, id), { code: 'ERR_NOT_FOUND' })
})

it('of which little is known shows what there is', async () => {
  const { store } = to
  const redis = server.client()
  const place = inspected(store)
  await redis.hset('resque:rt:job:j1', { state: 'running', queue: 'q', item: '{"class":"Ruby","args":[1]}' })
  const running = await jobView(place, 'j1')
  assert.deepEqual([running.class, running.args, running.worker, running.step], ['Ruby', '[1]', undefined, undefined])
  await redis.hset('resque:rt:job:j1', { state: 'held', item: 'no JSON', step: 'run1 2', due_at: 5 })
  const held = await jobView(place, 'j1')
  assert.deepEqual([held.class, held.args, held.item], [undefined, undefined, 'no JSON'])
  assert.deepEqual([held.step, held.limit?.place], [{ run: 'run1', node: 2 }, undefined])
  assert.deepEqual(held.moments, [{ name: 'due', atMs: 5 }])
})

it('from the archive has the step it ran, and lists that are none are left out', async () => {
  const place = inspected(to.store)
  const add = (fields: object): Promise<string | null> =>
    server.client().xadd('resque:rt:archive', '*', ...Object.entries(fields).flat().map(String))
  await add({
    id: 's1',
    kind: 'step',
    state: 'done',
    class: 'S',
    run: 'run1',
    node: 3,
    ended_at: 9,
    log: '5',
    attempts: '"x"',
  })
  const step = await jobView(place, 's1')
  assert.deepEqual([step.step, step.log, step.attempts], [{ run: 'run1', node: 3 }, [], []])
  assert.deepEqual([step.moments, step.status.enqueuedAt], [[{ name: 'ended', atMs: 9 }], undefined])
  await add({ id: 'r1', kind: 'workflow', status: 'finished', class: 'Flow', created_at: 1, ended_at: 9 })
  const run = await jobView(place, 'r1')
  assert.deepEqual(
    [run.status.state, run.status.endedAt],
    ['unknown', new Date(9)],
    'the end of a run is no state of a job',
  )
})

// Changes of all that match, while other processes take and add jobs.
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { noChange, skip } from '../../runtime/inspect/changes/change.ts'
import { changeDelayed, countDelayed } from '../../runtime/inspect/changes/delayed.ts'
import { countWaiting, removeWaiting } from '../../runtime/inspect/changes/queues.ts'
import { changeRuns } from '../../runtime/inspect/changes/runs.ts'
import { newId } from '../../runtime/core/ids.ts'
import { useRedis } from '../support/redis.ts'
import { useStore } from '../worker/support.ts'
import { StepDriver } from '../workflow/support.ts'
import { inspected } from './support.ts'

const server = useRedis()
const to = useStore(server)

it('removing from a queue misses nothing while workers take from its head', async () => {
  const { store } = to
  const queue = 'resque:queue:q'
  const item = (i: number): string => `{"class":"${i % 2 === 0 ? 'A' : 'B'}","args":[${i % 1500}]}`
  await server.client().rpush(queue, ...Array.from({ length: 3000 }, (_, i) => item(i)))
  await server.client().sadd('resque:queues', 'q')
  const taken: string[] = []
  let taking = Promise.resolve()
  const change = await removeWaiting(
    inspected(store),
    'q',
    { class: 'A' },
    {
      onProgress: () => {
        taking = taking.then(async () => {
          for (let i = 0; i < 40; i += 1) taken.push((await server.client().lpop(queue)) ?? '')
          await server.client().rpush(queue, item(0))
        })
      },
    },
  )
  await taking
  const left = await server.client().lrange(queue, 0, -1)
  assert.ok(change.done > 1200 && taken.length >= 200)
  // Copies of the first job came in meanwhile.
  assert.deepEqual(
    left.filter((each) => each.includes('"A"') && each !== item(0)),
    [],
  )
  assert.equal(
    left.filter((each) => each.includes('"B"')).length + taken.filter((each) => each.includes('"B"')).length,
    1500,
  )
})

it('running delayed jobs takes copies once, and goes on behind what does not match', async () => {
  const { store } = to
  const now = Date.now()
  const dueMs = now + 3_600_000
  const jobs = Array.from({ length: 450 }, (_, i) => {
    const className = i % 3 === 0 ? 'A' : 'B'
    const item = `{"class":"${className}","args":[${i < 9 ? 0 : i}]}`
    return { id: newId(), className, item, queue: 'q2', dueMs: i % 2 === 0 ? dueMs : now + 40_000 }
  })
  await store.delayed.add(jobs, now, 60_000)
  const change = await changeDelayed(inspected(store), 'run', { class: 'A' })
  assert.deepEqual([change.done, change.skipped, change.looked >= 300], [150, [], true])
  assert.equal(await store.delayed.count(), 300)
  assert.equal((await store.queues.sizes()).get('q2'), 150)
})

it('each change stops when it is asked to; what was done stays done', async () => {
  const { store } = to
  const place = inspected(store)
  await server
    .client()
    .rpush('resque:queue:q', ...Array.from({ length: 1200 }, (_, i) => `{"class":"A","args":[${i}]}`))
  await server.client().sadd('resque:queues', 'q')
  const now = Date.now()
  const item = '{"class":"A","args":[]}'
  const jobs = Array.from({ length: 250 }, () => ({
    id: newId(),
    className: 'A',
    item,
    queue: 'q',
    dueMs: now + 50_000,
  }))
  await store.delayed.add(jobs, now, 60_000)
  const stopped = { signal: AbortSignal.abort() }
  assert.deepEqual(await countWaiting(place, 'q', {}, stopped), { count: 0, isStopped: true })
  assert.deepEqual(await countDelayed(place, {}, stopped), { count: 0, isStopped: true })
  const once = (): { signal: AbortSignal; onProgress: () => void } => {
    const stop = new AbortController()
    return { signal: stop.signal, onProgress: () => stop.abort() }
  }
  const removed = await removeWaiting(place, 'q', {}, once())
  assert.deepEqual([removed.isStopped, removed.done, (await store.queues.sizes()).get('q')], [true, 500, 700])
  const dropped = await changeDelayed(place, 'remove', {}, once())
  assert.deepEqual([dropped.isStopped, dropped.done, await store.delayed.count()], [true, 100, 150])
})

it('a delayed job that cannot run, or has gone meanwhile, is left with its reason', async (t) => {
  const { store } = to
  const redis = server.client()
  const second = Math.ceil(Date.now() / 1000) + 100
  await redis.zadd('resque:delayed_queue_schedule', second, second)
  await redis.rpush(
    `resque:delayed:${second}`,
    '{"class":"A","args":[]}',
    'no JSON',
    '{"class":"A","args":[],"queue":"q"}',
  )
  const run = store.delayed.runOne.bind(store.delayed)
  t.mock.method(store.delayed, 'runOne', async (...args: Parameters<typeof run>) => {
    await redis.lrem(`resque:delayed:${second}`, 0, '{"class":"A","args":[],"queue":"q"}')
    return run(...args)
  })
  const change = await changeDelayed(inspected(store), 'run', {})
  assert.deepEqual([change.matched, change.done], [3, 0])
  assert.deepEqual(
    change.skipped.map(({ reason, count }) => [reason, count]),
    [
      ['it names no class or no queue', 2],
      ['it is no longer delayed', 1],
    ],
  )
  assert.equal(await redis.llen(`resque:delayed:${second}`), 2)
})

it('runs that match are stopped, continued or removed; one that has moved on, or may not, is left with its reason', async (t) => {
  const driver = await new StepDriver(server, 'driver', 'resque').register()
  t.after(() => driver.close())
  const place = inspected(driver.store)
  const create = async (isStarted: boolean): Promise<string> => {
    const { id } = await driver.create({ a: [] })
    if (isStarted) await driver.store.runs.start(id, Date.now())
    return id
  }
  const status = async (id: string): Promise<string | undefined> => (await driver.store.runs.read.find(id))?.status
  const [first, second] = [await create(true), await create(true)]
  const once = { isDone: false }
  const onProgress = (): void => {
    if (!once.isDone) void driver.store.runs.stop(first, Date.now())
    once.isDone = true
  }
  const stopped = await changeRuns(place, 'stop', { status: 'running' }, { onProgress })
  assert.deepEqual([stopped.done, stopped.skipped], [1, [{ reason: 'it is stopped now', count: 1, indexes: [] }]])
  assert.deepEqual([await status(first), await status(second)], ['stopped', 'stopped'])
  const pending = await create(false)
  const continued = await changeRuns(place, 'continue', { class: 'TestFlow' })
  assert.deepEqual([continued.matched, continued.done, await status(second)], [3, 2, 'running'])
  assert.match(continued.skipped[0]?.reason ?? '', /^continue run <id>: .*ERR_STATE/)
  assert.equal((await changeRuns(place, 'remove', {}, { signal: AbortSignal.abort() })).isStopped, true)
  assert.equal((await changeRuns(place, 'remove', { status: 'pending' })).done, 1)
  assert.deepEqual([await status(pending), await status(first)], [undefined, 'running'])
  await server.client().del(`resque:rt:run:${first}`)
  await server.client().set(`resque:rt:run:${first}`, 'of another type')
  await server.client().rename('resque:rt:runs', 'resque:rt:kept')
  await server.client().set('resque:rt:runs', 'of another type')
  await assert.rejects(changeRuns(place, 'remove', {}), /WRONGTYPE/)
})

it('reasons are told apart up to twenty, and name twenty entries each', () => {
  const change = noChange()
  for (let i = 0; i < 25; i += 1) skip(change, 'busy', 1, i)
  for (let i = 0; i < 21; i += 1) skip(change, `reason ${i}`, 2)
  skip(change, 'reason 3', 1)
  skip(change, 'none', 0)
  assert.deepEqual([change.skipped.length, change.skipped[0]?.count, change.skipped[0]?.indexes.length], [21, 25, 20])
  assert.deepEqual(change.skipped.at(-1), { reason: 'other reasons', count: 4, indexes: [] })
  assert.equal(change.skipped.find(({ reason }) => reason === 'reason 3')?.count, 3)
})

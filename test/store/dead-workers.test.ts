// What a worker leaves behind, whether it leaves or dies: its jobs go back, each once, and nothing of it stays registered.
import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import type { Redis } from 'ioredis'
import { channels } from '../../runtime/core/channels.ts'
import { systemClock } from '../../runtime/core/clock.ts'
import { RuntimeError } from '../../runtime/core/errors.ts'
import { silentLogger, type Logger } from '../../runtime/core/logger.ts'
import type { Store } from '../../runtime/store/store.ts'
import { Reaper, reclaim, runEach } from '../../runtime/store/workers/reaper.ts'
import { useRedis } from '../support/redis.ts'
import { testStore } from '../support/store.ts'
import { eventually } from '../support/wait.ts'

const server = useRedis()
const ttlMs = 86_400_000
const limits = { maxRedeliveries: 1, failedMax: 100, ttlMs }
const itemOf = (id: string): string => `{"class":"OkJob","args":["${id}"]}`
let store: Store
let redis: Redis
let lines: string[]

beforeEach(() => {
  store = testStore(server)
  redis = server.client()
  lines = []
})
afterEach(() => store.close())

const log: Logger = {
  ...silentLogger,
  warn: (line) => void lines.push(`warn: ${line}`),
  error: (line) => void lines.push(`error: ${line}`),
}

/** A worker with these jobs in its hands. */
async function holding(id: string, ...jobs: string[]): Promise<void> {
  await store.supervisors.register(id, [`vm:1:${id}`], {}, 60_000)
  await store.queues.push(id, jobs.map((job) => ({ id: job, className: 'OkJob', item: itemOf(job) })), Date.now(), ttlMs) // prettier-ignore
  const slots = { workers: jobs.map(() => `vm:1:${id}`), newId: 'new' }
  if (jobs.length > 0) await store.supervisors.reserve(id, slots, [id], Date.now())
}

/** The worker dies. */
const die = (...ids: string[]): Promise<unknown> =>
  Promise.all(ids.map((id) => redis.zadd('resque:rt:supervisors', 1, id)))

test('a dead worker: its jobs go back to the head, it is gone from every list, and it is noted for a day', async () => {
  await holding('a', '1', '2')
  await store.queues.push('a', [{ id: 'later', className: 'OkJob', item: itemOf('later') }], Date.now(), ttlMs)
  await redis.set('resque:worker:vm:1:a', 'x')
  await die('a')
  const reply = await store.supervisors.reclaim('a', limits, 1_700_000_000_000)
  assert.deepEqual([reply.back.sort(), reply.failed, reply.stuck], [['1', '2'], [], undefined])
  const queue = await redis.lrange('resque:queue:a', 0, -1)
  assert.deepEqual([queue.length, queue[2]], [3, itemOf('later')])
  const record = await redis.hgetall('resque:rt:job:1')
  assert.deepEqual([record.state, record.attempt, record.redeliveries, record.worker], ['waiting', '0', '1', undefined])
  assert.deepEqual(await redis.keys('resque:*vm:1:a*'), [])
  assert.deepEqual([await redis.smembers('resque:workers'), await store.supervisors.list()], [[], []])
  assert.equal(await redis.exists('resque:rt:supervisor:a', 'resque:rt:inflight:a'), 0)
  assert.deepEqual(await redis.lrange('resque:rt:supervisors:lost', 0, -1), ['1700000000000 a'])
  assert.ok((await redis.pttl('resque:rt:supervisors:lost')) > 86_000_000)
})

test('a job that was lost too often, whose record is gone, or that is at most once fails, each with its entry', async () => {
  await holding('a', 'often', 'gone', 'once', 'back')
  await redis.hset('resque:rt:job:often', 'redeliveries', '1')
  await redis.del('resque:rt:job:gone')
  await redis.hset('resque:rt:job:once', 'delivery_mode', 'at-most-once')
  await redis.hset('resque:rt:inflight:a', 'odd', '1')
  await redis.hset('resque:rt:job:odd', 'item', itemOf('odd'), 'queue', 'a')
  await die('a')
  const { back, failed } = await store.supervisors.reclaim('a', limits, Date.now())
  assert.deepEqual(
    [back.sort(), failed.sort()],
    [
      ['back', 'odd'],
      ['gone', 'often', 'once'],
    ],
  )
  const entries = (await redis.lrange('resque:failed', 0, -1)).map(
    (text) => JSON.parse(text) as Record<string, unknown>,
  )
  const of = (id: string): unknown[] => {
    const { queue, redeliveries, cause, worker } = entries.find((entry) => entry.id === id) ?? assert.fail(id)
    return [queue, redeliveries, cause, worker]
  }
  assert.deepEqual(of('often'), ['a', 1, 'worker lost', 'vm:1:a'])
  assert.deepEqual(of('once'), ['a', 0, 'worker lost', 'vm:1:a'])
  assert.deepEqual(of('gone'), ['', 0, 'worker lost', 'vm:1:a'])
  assert.equal((await store.jobs.find('often'))?.state, 'failed')
})

test('a job whose queue takes no jobs fails, in the name of its worker', async () => {
  await holding('a', '1')
  await redis.set('resque:queue:a', 'x')
  await die('a')
  assert.deepEqual((await store.supervisors.reclaim('a', limits, Date.now())).failed, ['1'])
  assert.match((await redis.lindex('resque:failed', 0)) ?? '', /"worker":"vm:1:a"/)
})

test('reclaim says what came back, what it cannot take, and goes on with the next worker', async () => {
  await holding('a', '1')
  await holding('b', '2')
  await holding('c')
  await redis.del('resque:rt:job:2')
  await redis.set('resque:rt:job:2', 'x')
  await die('a', 'b', 'c')
  const counts: unknown[] = []
  const onCount = (count: unknown): number => counts.push(count)
  channels.redeliveries.subscribe(onCount)
  await redis.set('resque:rt:inflight:x', 'of another type')
  await redis.zadd('resque:rt:supervisors', 1, 'x')
  await reclaim(['x', 'a', 'b', 'c'], store, limits, systemClock, log)
  channels.redeliveries.unsubscribe(onCount)
  assert.deepEqual(counts, [1])
  assert.match(lines[0] ?? '', /^warn: supervisor x: .*WRONGTYPE.*ERR_REPLY/)
  assert.equal(lines[1], 'warn: supervisor a is dead: 1 of its jobs requeued, 0 failed')
  assert.match(lines[3] ?? '', /^error: supervisor b is dead, and some of its jobs cannot be requeued: .*job:2/)
  assert.equal(lines[4], 'warn: supervisor c is dead: 0 of its jobs requeued, 0 failed')
  assert.equal(lines.length, 5)
})

test('a tick does all of its parts, unless Redis is away', async () => {
  const done: string[] = []
  const part = (name: string, error?: Error) => async (): Promise<void> => {
    done.push(name)
    if (error) throw error
  }
  await runEach(log, { a: part('a', new Error('no')), b: part('b') })
  assert.deepEqual([done, lines], [['a', 'b'], ['warn: a: Error: no']])
  const away = new RuntimeError('ERR_REDIS', 'away')
  await assert.rejects(runEach(log, { c: part('c', away), d: part('d') }), { code: 'ERR_REDIS' })
  assert.deepEqual(done, ['a', 'b', 'c'])
})

test('beside a scheduler the reaper finds the dead, again and again, until it is stopped', async () => {
  await holding('a', '1')
  await die('a')
  let asleep = 0
  const sleep = async (ms: number, signal?: AbortSignal): Promise<void> => {
    asleep += 1
    await systemClock.sleep(Math.min(ms, 20), signal)
    asleep -= 1
  }
  const reaper = new Reaper({ store, clock: { now: Date.now, sleep }, log, limits, leaseMs: 20, retryMs: 20 })
  await reaper.start()
  await eventually(async () => (await redis.llen('resque:queue:a')) === 1)
  await holding('b', '2')
  await die('b')
  await eventually(async () => (await redis.llen('resque:queue:b')) === 1)
  await reaper.stop()
  // Stopped: its sleep, if it was in one, is over, and none begins.
  assert.equal(asleep, 0)
})

test('a worker that leaves is gone at once; with a job in its hands it is due to be reclaimed', async () => {
  await holding('idle')
  await holding('busy', '1')
  for (const id of ['idle', 'busy']) await store.supervisors.unregister(id, [`vm:1:${id}`])
  assert.deepEqual((await store.supervisors.list()).map(({ id, leaseEndsAtMs }) => [id, leaseEndsAtMs]), [['busy', 1]]) // prettier-ignore
  assert.equal(await redis.exists('resque:rt:supervisor:idle'), 0)
  assert.deepEqual((await store.supervisors.lapsed()).dead, ['busy'])
  assert.equal(await redis.scard('resque:workers'), 0)
})

test('of the jobs in hand, those are named that are to be cancelled', async () => {
  await holding('a', '1', '2', '3')
  assert.equal(await store.jobs.cancel('2', Date.now(), ttlMs), 'running')
  assert.deepEqual(await store.supervisors.askedToCancel(['1', '2', '3']), ['2'])
})

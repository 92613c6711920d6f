import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { Redis } from 'ioredis'
import { newId } from '../../runtime/core/ids.ts'
import type { Store } from '../../runtime/store/store.ts'
import type { NewDelayedJob } from '../../runtime/store/queues/delayed-pages.ts'
import { DelayedMover } from '../../scheduler/delayed-mover.ts'
import type { Scheduler } from '../../scheduler/scheduler.ts'
import { leavesNoProcess, startProgram } from '../support/process.ts'
import { rubyDelays } from '../support/delayed.ts'
import { useRedis } from '../support/redis.ts'
import { testStore } from '../support/store.ts'
import { eventually } from '../support/wait.ts'
import { keepingLogger, scriptCalls, ShiftedClock, testScheduler, useSchedulers } from './support.ts'

const server = useRedis({ appendonly: true })
let store: Store
let redis: Redis
const { running, lead } = useSchedulers()

beforeEach(() => {
  store = testStore(server)
  redis = server.client()
})
afterEach(() => store.close())
leavesNoProcess()

async function run(more: Parameters<typeof testScheduler>[2] = {}): Promise<Scheduler> {
  return lead(testScheduler(store, '', { renewMs: 1200, ...more }))
}
const job = (dueMs: number, args: unknown[] = []): NewDelayedJob => ({
  id: newId(),
  className: 'A',
  item: JSON.stringify({ class: 'A', args }),
  queue: 'q',
  dueMs,
})
/** Takes an item as a worker would; resolves with the time at which it was there. */
async function arrival(client: Redis): Promise<number> {
  await client.blpop('resque:queue:q', 10)
  return Date.now()
}

describe('the mover', () => {
  test('wakes for one that comes before all others, moves it within milliseconds, and never early', async (t) => {
    await run()
    const blocking = server.client()
    await store.delayed.add([job(Date.now() + 50_000)], Date.now(), 1000)
    const late: number[] = []
    for (const delayMs of [400, 30, 5, 120, 1]) {
      const now = Date.now()
      await store.delayed.add([job(now + delayMs)], now, 1000)
      late.push((await arrival(blocking)) - (now + delayMs))
    }
    t.diagnostic(`late by ${late.join(', ')} ms`)
    assert.ok(
      late.every((ms) => ms >= 0 && ms < 100),
      late.join(' '),
    )
  })

  test("moves Ruby's items a second after they are due at the latest, bytes as they lie", async () => {
    await run()
    const second = Math.floor(Date.now() / 1000) + 1
    await rubyDelays(redis, second, '{"class":"Ruby","args":[1.0],"queue":"q"}')
    const blocking = server.client()
    const at = await arrival(blocking)
    assert.ok(at >= second * 1000 && at < second * 1000 + 1500, `late by ${at - second * 1000} ms`)
  })

  test('leaves buckets alone while another leads, and moves its own set all the same', async () => {
    await redis.set('resque:resque:resque_scheduler_master_lock', 'rubyhost:77')
    const scheduler = testScheduler(store, '')
    running.push(scheduler)
    await scheduler.start()
    await rubyDelays(redis, 100, '{"class":"Ruby","args":[],"queue":"ruby"}')
    await store.delayed.add([job(Date.now() + 100)], Date.now(), 1000)
    await eventually(async () => (await redis.llen('resque:queue:q')) === 1)
    assert.equal(await redis.llen('resque:queue:ruby'), 0)
    await redis.del('resque:resque:resque_scheduler_master_lock')
    await eventually(async () => (await redis.llen('resque:queue:ruby')) === 1)
  })

  test('a non-JSON item goes to the failed list with a word in the log, and the rest is moved', async () => {
    const { log, lines } = keepingLogger()
    await rubyDelays(redis, 100, 'not json')
    await rubyDelays(redis, 101, '{"class":"Known","args":[]}')
    await rubyDelays(redis, 102, '{"class":"Unknown","args":[]}')
    await rubyDelays(redis, 103, '{"class":"A","args":[],"queue":"q"}')
    await run({ log, context: { classes: new Map([['Known', { kind: 'job', queue: 'own' }]]) } })
    await eventually(async () => (await redis.llen('resque:queue:q')) === 1)
    assert.equal(await redis.llen('resque:queue:own'), 1)
    assert.equal(await store.failures.count(), 2)
    const said = lines.flatMap((line) => /(\d) delayed items were no jobs/.exec(line)?.[1] ?? [])
    assert.equal(
      said.reduce((sum, count) => sum + Number(count), 0),
      2,
    )
  })

  test('nothing that lies where delayed jobs are keeps the others from moving', async () => {
    await redis.zadd('resque:delayed_queue_schedule', 100, '100', 101, 'abc', '-inf', 'neg', 103, '103.0')
    await redis.set('resque:delayed:100', 'not a list')
    await rubyDelays(redis, 102, '{"class":"A","args":[1],"queue":"q"}')
    await redis.zadd('resque:rt:delayed', 1, 'ghost', '-inf', '', 2, 'strange')
    await redis.hset('resque:rt:job:strange', { state: 'delayed', item: 'no queue' })
    await store.delayed.add([job(Date.now() + 20, [2])], Date.now(), 60_000)
    await run()
    await eventually(async () => (await redis.llen('resque:queue:q')) === 2)
    await eventually(async () => (await redis.zcard('resque:delayed_queue_schedule')) === 0)
    assert.equal(await redis.zcard('resque:rt:delayed'), 0)
    assert.equal(await redis.get('resque:delayed:100'), 'not a list')
  })

  test('goes on when Redis was away', async () => {
    const clock = new ShiftedClock()
    const { log, lines } = keepingLogger()
    await run({ clock, log })
    await store.delayed.add([job(Date.now() + 60_000)], Date.now(), 60_000)
    await server.kill('SIGKILL')
    // It is due while Redis is away.
    clock.offsetMs = 60_000
    await eventually(() => lines.some((line) => line.includes('ERR_REDIS')), { what: 'a tick without Redis' })
    await server.restart()
    await eventually(async () => (await server.client().llen('resque:queue:q')) === 1, { timeoutMs: 8000 })
  })

  test('needs no leader, and no scheduler: any process may move what is due', async () => {
    const { log } = keepingLogger()
    const movers = [1, 2, 3].map(
      () =>
        new DelayedMover({
          delayed: store.delayed,
          clock: new ShiftedClock(),
          log,
          leader: () => undefined,
          ttlMs: 1000,
          failedMax: 10,
        }),
    )
    const now = Date.now()
    await store.delayed.add(
      Array.from({ length: 500 }, (_, i) => job(now + 1 + (i % 100), [i])),
      now,
      60_000,
    )
    await Promise.all(movers.map((mover) => mover.start()))
    await eventually(async () => (await redis.llen('resque:queue:q')) === 500)
    await Promise.all(movers.map((mover) => mover.stop()))
    assert.equal(new Set(await redis.lrange('resque:queue:q', 0, -1)).size, 500)
  })

  test('leaves the set to another that moves it, and moves a bucket that is due at once, a later one later', async () => {
    await redis.set('resque:resque:resque_scheduler_master_lock', 'us:1')
    const second = Math.floor(Date.now() / 1000)
    await rubyDelays(redis, second - 1, '{"class":"Ruby","args":[1],"queue":"q"}')
    await rubyDelays(redis, second + 3600, '{"class":"Ruby","args":[2],"queue":"q"}')
    const dueMs = Date.now() + 20
    await store.delayed.add([job(dueMs)], Date.now(), 60_000)
    await eventually(() => Date.now() > dueMs)
    const mover = new DelayedMover({
      ...{ delayed: store.delayed, clock: new ShiftedClock(), log: keepingLogger().log, ttlMs: 1000, failedMax: 10 },
      leader: () => ({ id: 'us:1', lockPrefix: '' }),
      movesSet: () => false,
    })
    await mover.start()
    await eventually(async () => (await redis.llen('resque:queue:q')) > 0)
    const calls = await scriptCalls(redis)
    for (let i = 0; i < 100; i += 1) await redis.ping()
    assert.ok((await scriptCalls(redis)) - calls <= 2, 'it does not ask again and again for one that is due later')
    await mover.stop()
    assert.deepEqual(await redis.lrange('resque:queue:q', 0, -1), ['{"class":"Ruby","args":[1]}'])
    assert.equal(await redis.zcard('resque:rt:delayed'), 1)
  })

  test('no script call of a big move takes more than a few milliseconds', async (t) => {
    const now = Date.now()
    const jobs = Array.from({ length: 20_000 }, (_, i) => job(now + 50_000, [i, 'some text of a usual length']))
    await store.delayed.add(jobs, now, 60_000)
    await redis.config('RESETSTAT')
    await run({ clock: new ShiftedClock(60_000) })
    await eventually(async () => (await redis.llen('resque:queue:q')) === 20_000, { timeoutMs: 20_000 })
    const stats = await redis.info('commandstats')
    const [, calls, meanUs] = /cmdstat_evalsha:calls=(\d+),usec=\d+,usec_per_call=([\d.]+)/.exec(stats) ?? []
    t.diagnostic(`${calls} script calls, ${meanUs} microseconds each`)
    // The mean: a busy machine may stop Redis in the middle of any one. bench/scheduler.ts looks at the longest.
    assert.ok(Number(calls) >= 200 && Number(meanUs) < 3000)
  })
})

test('a mover killed again and again neither loses nor doubles a job', async () => {
  const now = Date.now()
  const items = Array.from({ length: 3000 }, (_, i) => `{"class":"A","args":[${i}],"queue":"q"}`)
  const pipeline = redis.pipeline()
  for (const item of items) pipeline.rpush('resque:delayed:100', item).sadd(`resque:timestamps:${item}`, 'delayed:100')
  await pipeline.zadd('resque:delayed_queue_schedule', 100, 100).exec()
  await store.delayed.add(
    Array.from({ length: 3000 }, (_, i) => job(now + 1 + (i % 400), [`ms${i}`])),
    now,
    60_000,
  )
  for (let round = 0; round < 3; round += 1) {
    const killed = startProgram('scheduler', [`${server.dir}/redis.sock`, '/dev/null'])
    const before = await redis.llen('resque:queue:q')
    await eventually(async () => (await redis.llen('resque:queue:q')) > before)
    killed.kill('SIGKILL')
    await killed.exited
    await redis.del('resque:resque:resque_scheduler_master_lock')
    if ((await redis.llen('resque:queue:q')) === 6000) break
  }
  await run()
  await eventually(async () => (await redis.llen('resque:queue:q')) === 6000)
  assert.equal(new Set(await redis.lrange('resque:queue:q', 0, -1)).size, 6000)
  assert.deepEqual(await redis.keys('resque:timestamps*'), [])
})

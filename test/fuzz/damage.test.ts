// What lies in Redis is damaged under a worker: it goes on, and a sound job is done all the same.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Redis } from 'ioredis'
import type { Store } from '../../runtime/store/store.ts'
import { damage, restoreSnapshot, takeSnapshot, type Snapshot } from '../support/damage.ts'
import { Dice, isOwn } from '../support/fuzz.ts'
import { runs, useSeed } from '../support/properties.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { buildWorld, leader, limits, now, second, worker } from '../store/world.ts'
import { reserveOne } from '../support/reserve.ts'
import { testStore } from '../support/store.ts'

const seed = useSeed()
const longestMs = 5000
const item = '{"class":"OkJob","args":["sound"]}'
let server: TestRedis
let store: Store
let redis: Redis
let snapshot: Snapshot

before(async () => {
  server = await startRedis()
  store = testStore(server)
  redis = server.client()
  await buildWorld(store, redis)
  snapshot = await takeSnapshot(redis)
})
after(async () => {
  store.close()
  await server.stop()
})

/** A key that all workers share holds another type: then no job is taken, and the error says which key. */
const shared = /^resque:rt:supervisors becomes a /

/** What a worker and a scheduler do all the time. */
const upkeep: Record<string, () => Promise<unknown>> = {
  beat: () => store.supervisors.beat('s', [worker], 600_000),
  reclaim: () => store.supervisors.reclaim('dead', { ...limits, maxRedeliveries: 1 }, now),
  'due jobs': () => store.delayed.moveDue(now + 2000, 10, limits),
  buckets: () => store.delayed.moveBuckets(leader, second * 1000, 10, limits),
  runs: () => store.runs.advance(now, 50),
  sweep: () => store.runs.sweep(now),
  lost: () => store.runs.lost(['r-on', 'r-queued']),
  limits: () => store.limits.sweep(),
  queues: () => store.queues.sweep(),
  schedule: () => store.schedules.findAll(['entry']),
  step: async () => {
    const reply = await reserveOne(store, 's', worker, ['r-queued', 'q', 'busy'], 'next', now)
    if (reply.kind !== 'job') return
    const [, run = '', index = ''] = /"args":\["(r-[^"]*)","(\d+)"/.exec(reply.job.item) ?? []
    if (run !== '') await store.runs.begin(run, Number(index), reply.job.id, 1, now)
    await store.supervisors.settle('s', { ...reply.job, worker }, now, 100, { state: 'done', ttlMs: 1000, step: {} })
  },
}

/** A job that has nothing to do with what was damaged, from its push to its end. */
async function soundJob(name: string): Promise<void> {
  await store.supervisors.register(name, [`vm:2:${name}`], {}, 60_000)
  await store.queues.push(name, [{ id: name, className: 'OkJob', item }], now, 60_000)
  const reply = await reserveOne(store, name, `vm:2:${name}`, [name], 'none', now)
  assert.ok(reply.kind === 'job', reply.kind)
  const job = { id: reply.job.id, delivery: reply.job.delivery, worker: `vm:2:${name}` }
  assert.equal(await store.supervisors.settle(name, job, now, 100, { state: 'done', ttlMs: 60_000 }), true)
}

test('damaged records stop no worker, and no other job', async () => {
  const dice = new Dice(seed)
  for (let i = 0; i < runs(40, 2000); i += 1) {
    await restoreSnapshot(redis, snapshot)
    const done: string[] = []
    for (let left = 1 + dice.below(3); left > 0; left -= 1) done.push(await damage(redis, dice))
    const said = `${i}: after ${done.join('; ')}`
    const startedAt = performance.now()
    for (const [name, act] of Object.entries(upkeep))
      await act().catch((error: unknown) => {
        if (!isOwn(error)) throw new Error(`${name}: ${said}`, { cause: error })
      })
    await soundJob('sound').catch((error: unknown) => {
      if (!isOwn(error) || !done.some((each) => shared.test(each))) throw new Error(said, { cause: error })
    })
    assert.ok(performance.now() - startedAt < longestMs, said)
  }
})

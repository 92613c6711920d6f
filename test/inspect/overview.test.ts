// What the overview reads.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { overview } from '../../runtime/inspect/overview.ts'
import { queuePage, queueRows, waitingPayload } from '../../runtime/inspect/queues.ts'
import { jobClass, runningSupervisors, usageOf, zygoteOf } from '../../runtime/inspect/running.ts'
import { findProblems } from '../../runtime/inspect/problems.ts'
import { useRedis } from '../support/redis.ts'
import { push, useStore } from '../worker/support.ts'
import { inspected } from './support.ts'
import { reserveOne } from '../support/reserve.ts'

const server = useRedis()
const to = useStore(server)
const minute = 60_000

describe('queues', () => {
  it('have the age of their oldest job, also behind jobs with the same bytes and after a delay; unknown is undefined', async () => {
    const { store } = to
    const now = Date.now()
    const job = (id: string, args: string): { id: string; className: string; item: string } => ({
      ...{ id, className: 'A', item: `{"class":"A","args":[${args}]}` },
    })
    await store.queues.push('mail', [job('m1', '1'), job('m2', '1')], now - 14 * minute, 60_000)
    await store.delayed.add([{ ...job('d1', '2'), queue: 'late', dueMs: now - minute }], now - 9 * minute, 60_000)
    await store.delayed.add([{ ...job('d2', '2'), queue: 'due', dueMs: now - minute }], now - 1.5 * minute, 60_000)
    await store.delayed.moveDue(now, 10, { ttlMs: 60_000, failedMax: 10 })
    const redis = server.client()
    await redis.rpush('resque:queue:ruby', '{"class":"R","args":[]}')
    await redis.sadd('resque:queues', 'ruby', 'empty', 'wrong')
    await redis.set('resque:queue:wrong', 'x')
    await store.queues.setPaused('still', true)
    const { queues, pausedAll } = await queueRows({ store })
    const by = Object.fromEntries(queues.map((row) => [row.name, row]))
    const minutes = (name: string): number | undefined =>
      by[name]?.oldestMs === undefined ? undefined : Math.round(by[name].oldestMs / minute)
    assert.deepEqual(['mail', 'due', 'ruby', 'empty', 'wrong'].map(minutes), [14, 1, undefined, undefined, undefined])
    assert.deepEqual([by['mail']?.size, by['ruby']?.size, by['wrong']?.size], [2, 1, 0])
    assert.equal(by['still']?.paused, true)
    assert.equal(pausedAll, false)
  })

  it('are served by live workers only', async () => {
    const { store } = to
    await store.supervisors.register('live', ['a:1:mail'], { host: 'a', pid: '1', queues: 'mail' }, 60_000)
    await store.supervisors.register('dead', ['b:1:mail,low'], { host: 'b', pid: '1' }, 60_000)
    await server.client().zadd('resque:rt:supervisors', 1, 'dead')
    await server.client().sadd('resque:workers', 'ruby:1:low', 'ruby:2:low', 'old:1:low')
    const beats = { 'ruby:1:low': new Date().toISOString(), 'old:1:low': '2026-01-01T00:00:00Z' }
    await server.client().hset('resque:workers:heartbeat', beats)
    await server.client().sadd('resque:queues', 'mail', 'low')
    const { queues } = await queueRows({ store })
    assert.deepEqual(
      queues.map(({ name, workers }) => [name, workers]),
      [
        ['low', 2],
        ['mail', 1],
      ],
    )
  })

  it('are paged, cut long arguments, and give a payload whole also when it has moved', async () => {
    const { store } = to
    for (const n of [1, 2, 3]) await push(store, 'A', [n, 'x'.repeat(20_000)], { queue: 'big' })
    await server.client().rpush('resque:queue:big', 'no JSON')
    const page = await queuePage({ store }, 'big', 1, 2)
    assert.deepEqual([page.total, page.next, page.jobs.map(({ at }) => at)], [4, 3, [1, 2]])
    assert.equal(page.jobs[0]?.args.length, 10_000)
    assert.equal(page.jobs[0]?.isCut, true)
    const last = await queuePage({ store }, 'big', 3)
    assert.deepEqual([last.next, last.jobs[0]?.className, last.jobs[0]?.args], [undefined, undefined, 'no JSON'])
    await server.client().lpop('resque:queue:big')
    const [, second] = page.jobs
    assert.ok(second)
    assert.match(await waitingPayload({ store }, 'big', second), /^\{"class":"A","args":\[3,/)
    await store.queues.remove('big', Date.now(), 1000)
    await assert.rejects(waitingPayload({ store }, 'big', second), /no longer waits.*read the list again/)
  })
})

describe('the overview', () => {
  it('reads workers, leases, slots, lost workers, the scheduler, what is late, missed and overdue', async () => {
    const { store } = to
    const redis = server.client()
    const now = Date.now()
    await store.supervisors.register('s1', ['a:1:mail', 'a:2:mail'], { host: 'a', pid: '7', queues: 'mail' }, 60_000)
    await push(store, 'A', [1], { queue: 'mail' })
    await reserveOne(store, 's1', 'a:1:mail', ['mail'], 'none', now)
    await store.supervisors.register('s2', ['b:1:mail'], { host: 'b', pid: '8' }, 60_000)
    await redis.zadd('resque:rt:supervisors', 1, 's2')
    await store.supervisors.reclaim('s2', { maxRedeliveries: 3, failedMax: 10, ttlMs: 1000 }, now)
    await redis.zadd('resque:rt:delayed', now - minute, 'd1', now + minute, 'd2')
    await redis.zadd('resque:delayed_queue_schedule', Math.floor(now / 1000) - 120, Math.floor(now / 1000) - 120)
    await redis.rpush(`resque:delayed:${Math.floor(now / 1000) - 120}`, '{}', '{}')
    const about = JSON.stringify({ kind: 'job', enabled: true, next: now - 2 * minute })
    await store.schedules.describe(new Map([['tick', about], ['off', JSON.stringify({ enabled: false, next: 1 })]])) // prettier-ignore
    await redis.rpush('resque:rt:schedules:missed', JSON.stringify({ entry: 'tick', count: 3, atMs: now - 1000 }))
    await redis.rpush('resque:failed', '{}')
    const seen = await overview(inspected(store))
    assert.deepEqual(seen.slots, { total: 2, busy: 1 })
    assert.deepEqual(
      seen.workers.map(({ id, busy, leaseLeftMs }) => [id, busy, leaseLeftMs > 50_000]),
      [['s1', 1, true]],
    )
    assert.deepEqual(
      seen.lost.map(({ id }) => id),
      ['s2'],
    )
    assert.equal(seen.failed, 1)
    const { leader, entries, late, missed, overdue } = seen.scheduler
    assert.deepEqual([leader, entries, late.map(({ name }) => name)], [undefined, 1, ['tick']])
    assert.deepEqual(missed, { count: 3, entries: ['tick'] })
    assert.deepEqual(
      [overdue.count, overdue.isExact, Math.round((now - (overdue.sinceMs ?? 0)) / minute)],
      [3, true, 2],
    )
    assert.ok(seen.redis.usedMemoryBytes > 0 && seen.latencyMs > 0)
    assert.deepEqual(
      findProblems(seen).map(({ severity, page }) => `${severity} ${page}`),
      ['bad schedule', 'bad delayed', 'note schedule', 'note workers'],
    )
  })

  it('lists running jobs with the class of those that Ruby enqueued, and what their workers say they use', async () => {
    const { store } = to
    await store.supervisors.register('s1', ['a:1:q'], { usage: '{"j1":[12,5000000],"j2":"?"}', zygote: '[' }, 60_000)
    await server.client().rpush('resque:queue:q', '{"class":"Ruby","args":[]}')
    await reserveOne(store, 's1', 'a:1:q', ['q'], 'j1', Date.now())
    const running = await runningSupervisors({ store })
    const [first] = running
    assert.deepEqual([first?.busy, first?.jobs[0]?.id, first?.jobs[0]?.class], [1, 'j1', 'Ruby'])
    assert.deepEqual([...usageOf(running)], [['j1', { cpuPercent: 12, rssBytes: 5_000_000 }]])
    assert.equal(first && zygoteOf(first), undefined)
    assert.deepEqual((await runningSupervisors({ store }, 0))[0]?.jobs, [])
    await server.client().del('resque:rt:job:j1')
    assert.deepEqual((await runningSupervisors({ store }))[0]?.jobs, [{ id: 'j1', class: undefined }])
    const figures = { pid: 7, restarts: 1, forked: 'many' }
    const zygote = first && zygoteOf({ ...first, about: { zygote: JSON.stringify(figures) } })
    assert.deepEqual(zygote, { pid: 7, startedAtMs: 0, generation: 0, restarts: 1, forked: 0, rssBytes: undefined })
  })

  it('gives a step the class of the job that it runs, where its payload names one', () => {
    const own = 'ResqueRuntime::Step'
    const of = (args: string): string | undefined => jobClass({ class: own, item: `{"class":"${own}","args":${args}}` })
    assert.deepEqual([of('["r","0","Load"]'), of('["r","0"]'), of('"r"')], ['Load', own, own])
    assert.deepEqual(
      [jobClass({ class: own, item: 'no JSON' }), jobClass({ class: 'A' }), jobClass({})],
      [own, 'A', undefined],
    )
  })
})

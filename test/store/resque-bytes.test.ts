// Resque's keys and shapes, to the byte: literals from a real Resque 3.0, against what this runtime writes.
import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { systemClock } from '../../runtime/core/clock.ts'
import { Client } from '../../runtime/jobs/client.ts'
import { Job } from '../../runtime/jobs/job.ts'
import { decodeFailure, encodeFailure } from '../../runtime/store/queues/failures.ts'
import type { Store } from '../../runtime/store/store.ts'
import {
  formatFailedAt,
  formatHeartbeat,
  formatRunAt,
  formatStarted,
  parseFailedAt,
} from '../../runtime/store/queues/resque-time.ts'
import { useRedis } from '../support/redis.ts'
import { testStore } from '../support/store.ts'
import { reserveOne } from '../support/reserve.ts'

class OkJob extends Job {
  static override queue = 'high'
  perform(_n: number, _s: string): void {}
}

const at = new Date('2026-11-21T21:52:16.789Z')

describe("Resque's bytes", () => {
  const redis = useRedis()
  const stores: Store[] = []
  const openStore = (): Store => {
    const store = testStore(redis)
    stores.push(store)
    return store
  }
  afterEach(() => {
    for (const store of stores.splice(0)) store.close()
  })
  const client = (): Client =>
    new Client(openStore(), { maxPayloadBytes: 1e6, recordTtlMs: 60_000, waitingTtlMs: 60_000 }, systemClock)

  it('a queue item is class and args, and nothing more', async () => {
    await client().enqueue(OkJob, [1, 'two'])
    const raw = redis.client()
    assert.deepEqual(await raw.lrange('resque:queue:high', 0, -1), ['{"class":"OkJob","args":[1,"two"]}'])
    assert.deepEqual(await raw.smembers('resque:queues'), ['high'])
  })

  it('a delayed item adds its queue, in a bucket of whole seconds, under its timestamps', async () => {
    const due = Math.ceil(Date.now() / 1000) + 3600
    await client().enqueueAt(due * 1000 - 400, OkJob, [1, 'two'])
    const raw = redis.client()
    const item = '{"class":"OkJob","args":[1,"two"],"queue":"high"}'
    assert.deepEqual(await raw.lrange(`resque:delayed:${due}`, 0, -1), [item])
    assert.deepEqual(await raw.smembers(`resque:timestamps:${item}`), [`delayed:${due}`])
    assert.equal(await raw.zscore('resque:delayed_queue_schedule', String(due)), String(due))
  })

  it('the job in hand, the registration and the heartbeat read as a Ruby worker writes them', async () => {
    const store = openStore()
    const raw = redis.client()
    const worker = 'vm:9544:default,low'
    await store.supervisors.register('sup1', [worker], {}, 30_000)
    await raw.rpush('resque:queue:low', '{"class":"OkJob","args":[1.0,12345678901234567890,[]]}')
    await reserveOne(store, 'sup1', worker, ['default', 'low'], 'id1', at.getTime())
    assert.equal(
      await raw.get(`resque:worker:${worker}`),
      '{"queue":"low","run_at":"2026-11-21T21:52:16Z","payload":{"class":"OkJob","args":[1.0,12345678901234567890,[]]}}',
    )
    assert.deepEqual(await raw.smembers('resque:workers'), [worker])
    assert.match((await raw.get(`resque:worker:${worker}:started`)) ?? '', /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4}$/)
    assert.match((await raw.hget('resque:workers:heartbeat', worker)) ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$/)
    await store.supervisors.unregister('sup1', [worker])
    assert.deepEqual(await raw.smembers('resque:workers'), [])
    assert.equal(await raw.hlen('resque:workers:heartbeat'), 0)
  })

  it("a heartbeat is in Redis's time, whatever this machine's clock says", async (t) => {
    const store = openStore()
    const raw = redis.client()
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() - 600_000 })
    const worker = 'vm:7-1-0:q'
    await store.supervisors.register('sup2', [worker], {}, 30_000)
    await store.supervisors.beat('sup2', [worker], 30_000)
    const ageS =
      Number((await raw.time())[0]) - Date.parse((await raw.hget('resque:workers:heartbeat', worker)) ?? '') / 1000
    assert.ok(ageS >= 0 && ageS < 30, `${ageS} s old`)
    t.mock.timers.reset()
    await store.supervisors.unregister('sup2', [worker])
  })

  it("a failed entry begins with Resque's members in their order, the payload's bytes untouched", () => {
    const failure = {
      failedAtMs: at.getTime(),
      item: '{"class":"BoomJob","args":[1.0,[]]}',
      exception: 'ArgumentError',
      error: 'kaput',
      backtrace: ['/app/jobs.rb:57'],
      worker: 'vm:1763:default',
      queue: 'default',
    }
    const text = encodeFailure(failure)
    const shown = formatFailedAt(at)
    assert.equal(
      text,
      `{"failed_at":"${shown}","payload":{"class":"BoomJob","args":[1.0,[]]},"exception":"ArgumentError","error":"kaput","backtrace":["/app/jobs.rb:57"],"worker":"vm:1763:default","queue":"default"}`,
    )
    assert.equal(decodeFailure(text, 0)?.payload, failure.item)
  })

  it('what is no object is shown inside one, and goes back as it came', async () => {
    const store = openStore()
    for (const item of ['garbage', '[1]', '"text"', '5MB…\u0000']) {
      const failure = {
        failedAtMs: at.getTime(),
        item,
        exception: 'GarbageError',
        error: '',
        backtrace: [],
        worker: 'h:1:q',
        queue: 'q',
      }
      await store.failures.add(failure, 100)
    }
    const entries = await store.failures.list()
    for (const entry of entries) {
      assert.match(entry.payload, /^\{"class":"\(garbage\)","args":\[/)
      assert.equal(await store.failures.retry(entry, `again${entry.index}`, at.getTime(), 60_000), true)
    }
    assert.deepEqual(await store.queues.peek('q'), ['garbage', '[1]', '"text"', '5MB…\u0000'])
    assert.match((await store.failures.list())[0]?.retried_at ?? '', /^\d{4}\/\d\d\/\d\d /)
  })

  it('times are written as Ruby writes them', () => {
    assert.equal(formatRunAt(at), '2026-11-21T21:52:16Z')
    assert.equal(formatHeartbeat(at), '2026-11-21T21:52:16+00:00')
    assert.match(formatFailedAt(at), /^2026\/11\/\d\d \d\d:52:16 ([A-Z]{3,5}|[+-]\d\d(\d\d)?)$/)
    assert.match(formatStarted(at), /^2026-11-\d\d \d\d:52:16 [+-]\d{4}$/)
  })
})

it('times have the zone as Ruby prints it: its letters where it has some, else its offset', (t) => {
  const zone = process.env['TZ']
  t.after(() => {
    if (zone === undefined) delete process.env['TZ']
    else process.env['TZ'] = zone
  })
  const at = new Date(Date.UTC(2026, 0, 2, 12, 4, 5))
  for (const [name, failed, started] of [
    ['UTC', '2026/01/02 12:04:05 UTC', '2026-01-02 12:04:05 +0000'],
    ['America/New_York', '2026/01/02 07:04:05 EST', '2026-01-02 07:04:05 -0500'],
    ['America/Sao_Paulo', '2026/01/02 09:04:05 -03', '2026-01-02 09:04:05 -0300'],
    ['Asia/Kolkata', '2026/01/02 17:34:05 +0530', '2026-01-02 17:34:05 +0530'],
  ] as const) {
    process.env['TZ'] = name
    assert.deepEqual([formatFailedAt(at), formatStarted(at)], [failed, started], name)
  }
  assert.deepEqual([parseFailedAt('2026/01/02 12:04:05 UTC'), parseFailedAt('yesterday')], [at.getTime(), undefined])
})

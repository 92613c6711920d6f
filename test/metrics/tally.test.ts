// Counters of jobs in Redis: what was counted arrives once, in bounded hashes.
import assert from 'node:assert/strict'
import { afterEach, beforeEach, it } from 'node:test'
import { Tally, writeTally } from '../../runtime/metrics/tally.ts'
import type { Store } from '../../runtime/store/store.ts'
import { useRedis } from '../support/redis.ts'
import { testStore } from '../support/store.ts'

const server = useRedis()
let store: Store
beforeEach(() => (store = testStore(server)))
afterEach(() => store.close())

const nowMs = Date.UTC(2026, 10, 28, 12, 34, 56)
const done = { queue: 'mail', className: 'MailJob', outcome: 'done', cause: '', waitMs: 40, runMs: 7 }

it('counts ends, waits and runs, by minute, by hour and in all', async () => {
  const tally = new Tally()
  tally.add(done)
  tally.add({ ...done, runMs: 30 })
  tally.add({ ...done, outcome: 'failed', cause: 'timeout', waitMs: 1, runMs: 60_001 })
  await writeTally(tally, store.metrics, nowMs)
  const totals = {
    '["ended","mail","MailJob","done",""]': 2,
    '["ended","mail","MailJob","failed","timeout"]': 1,
    '["run","mail","MailJob","10"]': 1,
    '["run","mail","MailJob","50"]': 1,
    '["run","mail","MailJob","300000"]': 1,
    '["run_ms","mail","MailJob"]': 60_038,
    '["wait","mail","50"]': 2,
    '["wait","mail","5"]': 1,
    '["wait_ms","mail"]': 81,
  }
  assert.deepEqual(await store.metrics.totals(), totals)
  const hours = await store.metrics.hours(2, nowMs)
  assert.deepEqual(hours, [
    { atMs: Date.UTC(2026, 10, 28, 11), counts: {} },
    { atMs: Date.UTC(2026, 10, 28, 12), counts: totals },
  ])
  const [minute] = await store.metrics.minutes(1, nowMs)
  assert.equal(minute?.atMs, Date.UTC(2026, 10, 28, 12, 34))
  assert.equal(minute.counts['["ended","mail","done"]'], 2)
  assert.deepEqual(tally.take(), [])
})

it('keeps what could not be written, and writes it once', async () => {
  const tally = new Tally()
  tally.add(done)
  const away = testStore({ ...server, url: 'redis://127.0.0.1:1' })
  await assert.rejects(writeTally(tally, away.metrics, nowMs))
  away.close()
  tally.add(done)
  await writeTally(tally, store.metrics, nowMs)
  await writeTally(tally, store.metrics, nowMs)
  assert.equal((await store.metrics.totals())['["ended","mail","MailJob","done",""]'], 2)
})

it('is bounded: beyond 500 fields all counts are in `other`', async () => {
  const tally = new Tally()
  for (let i = 0; i < 700; i += 1) tally.add({ ...done, className: `Job${i}` })
  await writeTally(tally, store.metrics, nowMs)
  const totals = await store.metrics.totals()
  assert.ok(Object.keys(totals).length <= 510, String(Object.keys(totals).length))
  const ended = Object.entries(totals).filter(([field]) => field.startsWith('["ended"'))
  assert.equal(
    ended.reduce((sum, [, n]) => sum + n, 0),
    700,
  )
  assert.ok((totals['["ended","other","other","done",""]'] ?? 0) > 100)
  for (const key of ['minute', 'hour'])
    for (const name of await server.client().keys(`resque:rt:metrics:${key}:*`))
      assert.ok((await server.client().pttl(name)) > 0, name)
})

it('stays small while its key in Redis is of another type, and is written when that is gone', async () => {
  await server.client().set('resque:rt:metrics:total', 'no hash')
  const tally = new Tally()
  for (let round = 0; round < 20; round += 1) {
    tally.add(done)
    await assert.rejects(writeTally(tally, store.metrics, nowMs), /metrics:total holds a string/)
  }
  const left = tally.take()
  assert.ok(left.length < 20, `${left.length} counts wait`)
  tally.restore(left)
  await server.client().del('resque:rt:metrics:total')
  await writeTally(tally, store.metrics, nowMs)
  assert.equal((await store.metrics.totals())['["ended","mail","MailJob","done",""]'], 20)
})

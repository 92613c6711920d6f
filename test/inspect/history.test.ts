// Series for charts, from the counters that workers write.
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { recentlyEnded, failureRates, flowOf, history, runTimes } from '../../runtime/inspect/history.ts'
import { Tally, writeTally } from '../../runtime/metrics/tally.ts'
import { useRedis } from '../support/redis.ts'
import { useStore } from '../worker/support.ts'

const to = useStore(useRedis())
const nowMs = Date.UTC(2026, 10, 28, 12, 34, 56)
const minuteMs = 60_000
const done = { queue: 'mail', className: 'MailJob', outcome: 'done', cause: '', waitMs: 40, runMs: 7 }

it('has jobs, failures and times by queue and class; what no job tells is undefined', async () => {
  const { store } = to
  const count = async (atMs: number, ...ends: object[]): Promise<void> => {
    const tally = new Tally()
    for (const end of ends) tally.add({ ...done, ...end })
    await writeTally(tally, store.metrics, atMs)
  }
  const failed = { outcome: 'failed', cause: 'timeout', runMs: 60_001 }
  await count(nowMs, {}, {}, {}, failed, { queue: 'low', className: 'B', runMs: 1e9 }, { outcome: 'put back' })
  await count(nowMs - 70 * minuteMs, { outcome: 'retry', cause: 'exception' }, {})
  const all = await history({ store }, '24h', {}, nowMs)
  assert.deepEqual(
    [all.queues, all.classes],
    [
      ['low', 'mail'],
      ['B', 'MailJob'],
    ],
  )
  assert.equal(all.points.length, 97)
  const last = all.points.at(-1)
  assert.deepEqual([last?.ended, last?.failed, last?.atMs], [5, 1, Date.UTC(2026, 10, 28, 12, 30)])
  assert.deepEqual(last?.run, { p50: 10, p95: Infinity, p99: Infinity })
  assert.deepEqual(last.wait, { p50: 50, p95: 50, p99: 50 })
  assert.deepEqual(all.points.at(-2)?.run, { p50: undefined, p95: undefined, p99: undefined })
  const low = await history({ store }, '24h', { queue: 'low' }, nowMs)
  assert.equal(low.points.at(-1)?.ended, 1)
  const mail = await history({ store }, '24h', { className: 'MailJob' }, nowMs)
  assert.deepEqual([mail.points.length, mail.points.at(-1)?.ended], [24, 4])
  const weeks = await history({ store }, '14d', {}, nowMs)
  assert.deepEqual([weeks.points.length, weeks.points.at(-1)?.ended], [85, 5 + 0])
  await count(nowMs - 24 * 60 * minuteMs, failed)
  assert.deepEqual(await failureRates({ store }, nowMs), {
    now: { ended: 5, failed: 1 },
    before: { ended: 2, failed: 1 },
    yesterday: { ended: 1, failed: 1 },
  })
  assert.deepEqual((await failureRates({ store }, nowMs + 1e7)).now, { ended: 0, failed: 0 })
  assert.deepEqual((await runTimes({ store }, nowMs)).get('MailJob'), { p50: 10, p95: 300_000, p99: 300_000 })
  assert.deepEqual([...(await recentlyEnded({ store }, nowMs + minuteMs))].sort(), [
    ['low', 1],
    ['mail', 4],
  ])
})

it('a queue drains when more goes out than comes in, else it grows', () => {
  const old = { size: 100, oldestMs: 10 * minuteMs }
  assert.deepEqual(flowOf(old, 200), { inAMinute: 10, outAMinute: 20, drainMs: 10 * minuteMs })
  assert.equal(flowOf(old, 100).drainMs, Infinity)
  assert.equal(flowOf({ size: 3, oldestMs: 500 }, 100).drainMs, undefined, 'a backlog of a moment tells nothing')
  assert.equal(flowOf({ size: 3, oldestMs: undefined }, 100).inAMinute, undefined)
  assert.deepEqual(flowOf({ size: 0, oldestMs: undefined }, 100), { inAMinute: 10, outAMinute: 10, drainMs: 0 })
})

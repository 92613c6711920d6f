import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { Redis } from 'ioredis'
import { newId } from '../../runtime/core/ids.ts'
import type { Store } from '../../runtime/store/store.ts'
import type { Scheduler } from '../../scheduler/scheduler.ts'
import { useRedis } from '../support/redis.ts'
import { testStore } from '../support/store.ts'
import { eventually } from '../support/wait.ts'
import { keepingLogger, ShiftedClock, testScheduler, useSchedulers } from './support.ts'

const server = useRedis()
const hour = 3_600_000
let store: Store
let redis: Redis
let realNow: () => number
const { running, lead } = useSchedulers()

beforeEach(() => {
  store = testStore(server)
  redis = server.client()
  realNow = Date.now
})
afterEach(() => {
  Date.now = realNow
  store.close()
})

/** Sets the machine's clock, as this process and its timers see it: node-schedule asks Date.now(). */
function setClock(offsetMs: number): void {
  const real = realNow
  Date.now = () => real() + offsetMs
}

async function run(yaml: string, more: Parameters<typeof testScheduler>[2] = {}): Promise<Scheduler> {
  return lead(testScheduler(store, yaml, { clock: new ShiftedClock(), ...more }))
}
const queued = (): Promise<number> => redis.llen('resque:queue:q')

describe('a clock that is set', () => {
  test('forward an hour: what was jumped over is missed, by policy made up, and entries go on by the new time', async () => {
    const { log, lines } = keepingLogger()
    const scheduler = await run('tick:\n  every: 10m\n  class: A\n  queue: q\n  catchup: last\n', { log })
    await eventually(() => scheduler.entries[0]?.nextMs !== undefined)
    const planned = scheduler.entries[0]?.nextMs ?? NaN
    setClock(hour)
    await eventually(async () => (await queued()) === 1)
    assert.match(lines.join(''), /the clock was set forward by 3600 seconds/)
    const [note] = await store.schedules.missed()
    assert.deepEqual([note?.reason, note?.fromMs], ['the clock was set forward', planned])
    assert.ok((note?.count ?? 0) >= 4)
    await eventually(() => (scheduler.entries[0]?.nextMs ?? 0) > planned + 5 * 600_000)
  })

  test('back an hour: nothing fires twice', async () => {
    await run('tick:\n  cron: "* * * * * *"\n  class: A\n  queue: q\n')
    await eventually(async () => (await queued()) >= 2)
    setClock(-hour)
    const fired = (await store.schedules.find('tick'))?.fired
    const until = performance.now() + 2500
    await eventually(() => performance.now() > until)
    assert.ok(((await store.schedules.find('tick'))?.fired ?? 0) <= (fired ?? 0) + 1)
    setClock(0)
    await eventually(async () => ((await store.schedules.find('tick'))?.fired ?? 0) > (fired ?? 0) + 2, {
      what: 'firings go on',
    })
  })

  test('back by days was wrong before: entries go by the new time at once', async () => {
    setClock(5 * 24 * hour)
    const first = await run('tick:\n  cron: "* * * * * *"\n  class: A\n  queue: q\n')
    await eventually(async () => (await queued()) >= 1)
    await first.stop()
    running.pop()
    setClock(0)
    const before = await queued()
    await run('tick:\n  cron: "* * * * * *"\n  class: A\n  queue: q\n')
    await eventually(async () => (await queued()) > before)
  })

  test('forward: delayed jobs that are due by it move at once', async () => {
    const now = realNow()
    await run('')
    const job = (dueMs: number) => ({ id: newId(), className: 'A', item: '{"class":"A","args":[]}', queue: 'q', dueMs })
    await store.delayed.add([job(now + 30_000), job(now + 600_000)], now, 1000)
    setClock(hour)
    await eventually(async () => (await queued()) === 2)
  })
})

test("a machine whose clock is an hour from Redis's leads, fires and moves by its own", async () => {
  setClock(hour)
  const scheduler = await run('tick:\n  cron: "* * * * * *"\n  class: A\n  queue: q\n', {
    renewMs: undefined,
    lockTtlMs: 3000,
  })
  const now = Date.now()
  await store.delayed.add(
    [{ id: newId(), className: 'A', item: '{"class":"A","args":[]}', queue: 'other', dueMs: now + 300 }],
    now,
    1000,
  )
  await eventually(async () => (await redis.llen('resque:queue:other')) === 1)
  const until = performance.now() + 4000
  await eventually(() => performance.now() > until, { timeoutMs: 6000 })
  assert.ok(scheduler.leads, 'after more than a lock lives')
  assert.ok((await queued()) >= 3)
})

test('a process that stood still for long counts what it slept over as missed', async () => {
  const scheduler = await run('tick:\n  cron: "* * * * * *"\n  class: A\n  queue: q\n', {
    renewMs: 60_000,
    lockTtlMs: 600_000,
  })
  await eventually(async () => (await queued()) >= 1)
  // The machine slept: its clock went on, this process's timers did not. One firing is about to leave its grace.
  setClock(10 * 60_000 - 20)
  const missed = await eventually(async () => (await store.schedules.missed())[0])
  assert.match(missed.reason, /was suspended/)
  assert.ok(missed.count > 500)
  await eventually(async () => (await queued()) > 28)
  assert.equal((await store.schedules.missed()).length, 1, 'what is in its grace fires')
  assert.ok(scheduler.leads)
})

import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { Redis } from 'ioredis'
import type { Store } from '../../runtime/store/store.ts'
import type { Scheduler } from '../../scheduler/scheduler.ts'
import { useRedis } from '../support/redis.ts'
import { testStore } from '../support/store.ts'
import { eventually } from '../support/wait.ts'
import { keepingLogger, testScheduler, useSchedulers } from './support.ts'

const server = useRedis()
let store: Store
let redis: Redis
const { running, lead } = useSchedulers()

beforeEach(() => {
  store = testStore(server)
  redis = server.client()
})
afterEach(() => store.close())

async function run(
  ...args: Parameters<typeof testScheduler> extends [Store, ...infer Rest] ? Rest : never
): Promise<Scheduler> {
  return lead(testScheduler(store, ...args))
}
const queued = (queue = 'q'): Promise<string[]> => redis.lrange(`resque:queue:${queue}`, 0, -1)
/** Sets what Redis remembers of an entry, as a scheduler that stopped long ago left it. */
const remember = (name: string, cursorMs: number, more: Record<string, number> = {}): Promise<number> =>
  redis.hset(`resque:rt:schedule:${name}`, { since: cursorMs - 3_600_000, cursor: cursorMs, ...more })

describe('an entry fires', () => {
  test("Resque's bytes on its queue, with a record, and the time in Ruby's hash", async () => {
    await run('tick:\n  cron: "* * * * * *"\n  class: EchoJob\n  queue: q\n  args: {x: 1.0}\n')
    const items = await eventually(async () => ((await queued()).length > 0 ? queued() : undefined))
    assert.equal(items[0], '{"class":"EchoJob","args":[{"x":1.0}]}')
    assert.match(
      (await redis.hget('resque:delayed:last_enqueued_at', 'tick')) ?? '',
      /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4}$/,
    )
    const state = await store.schedules.find('tick')
    assert.equal((await store.jobs.find(state?.job ?? ''))?.state, 'waiting')
    assert.ok((state?.lateMs ?? NaN) >= 0 && (state?.nextMs ?? 0) > (state?.fireTimeMs ?? Infinity))
  })

  test('once a second when it says so, however many schedulers there are', async () => {
    const yaml = 'tick:\n  every: 1s\n  class: A\n  queue: q\n'
    const first = await run(yaml, { owner: 'a:1' })
    const second = testScheduler(store, yaml, { owner: 'b:1' })
    running.push(second)
    await second.start()
    await eventually(async () => (await queued()).length >= 3)
    assert.ok(first.leads && !second.leads)
    const state = await store.schedules.find('tick')
    assert.equal((await queued()).length, state?.fired)
  })

  test('once even when two schedulers both think that they lead', async () => {
    await redis.set('resque:resque:resque_scheduler_master_lock', 'a:1')
    const slot = { name: 'tick', fireTimeMs: 5000, nowMs: 5001, lateMs: 1, nextMs: 6000, mode: 'timed' as const }
    const job = { id: 'i', className: 'A', queue: 'q', item: '{"class":"A","args":[]}', ttlMs: 1000 }
    assert.equal(await store.schedules.fire({ id: 'a:1', lockPrefix: '' }, { ...slot, job }), 'fired')
    assert.equal(await store.schedules.fire({ id: 'a:1', lockPrefix: '' }, { ...slot, job }), 'stale')
    assert.equal(await store.schedules.fire({ id: 'a:1', lockPrefix: '' }, { ...slot, fireTimeMs: 4000, job }), 'stale')
    assert.equal(await store.schedules.fire({ id: 'b:1', lockPrefix: '' }, { ...slot, fireTimeMs: 6000, job }), 'lost')
    assert.equal((await queued()).length, 1)
  })

  test("to its class's own queue, and is noted as missed where no queue is known", async () => {
    const classes = new Map([['Known', { kind: 'job' as const, queue: 'own' }]])
    await run('a:\n  every: [1s, {first: now}]\n  class: Known\n', { context: { classes } })
    await eventually(async () => (await queued('own')).length > 0)
    await running[0]?.stop()
    await run('b:\n  every: [1s, {first: now}]\n  class: NoSuchJob\n')
    const missed = await eventually(async () => (await store.schedules.missed())[0])
    assert.match(missed.reason, /no queue is known for NoSuchJob/)
  })
})

describe('every', () => {
  test('counts from the last recorded firing, not from the start of the process', async () => {
    const now = Date.now()
    await remember('tick', now - 9000, { slot: now - 9000, fired: 1 })
    const scheduler = await run('tick:\n  every: 10s\n  class: A\n  queue: q\n')
    await eventually(() => scheduler.entries[0]?.nextMs === now + 1000)
    await eventually(async () => (await queued()).length === 1)
    assert.equal((await store.schedules.find('tick'))?.fireTimeMs, now + 1000)
  })
})

test('an entry with `times` fires so often, and has no fire time after that', async () => {
  const scheduler = await run('tick:\n  every: [1s, {first: now, times: 2}]\n  class: A\n  queue: q\n')
  await eventually(async () => (await queued()).length >= 2)
  await eventually(() => scheduler.entries[0]?.nextMs === undefined)
  assert.equal((await store.schedules.find('tick'))?.fired, 2)
  assert.equal((await queued()).length, 2)
})

describe('firings that were missed', () => {
  const hour = 3_600_000
  const missedSince = 5.5 * hour

  async function miss(policy: string): Promise<{ now: number; slot: number }> {
    const now = Date.now()
    const slot = now - missedSince
    await remember('tick', slot, { slot, fired: 1 })
    await run(`tick:\n  every: 1h\n  class: A\n  queue: q\n${policy}`)
    await eventually(async () => (await store.schedules.find('tick'))?.cursorMs !== slot)
    return { now, slot }
  }

  test('are recorded with the reason, and not made up by default', async () => {
    const { slot } = await miss('')
    assert.deepEqual(await queued(), [])
    const [note] = await store.schedules.missed()
    assert.deepEqual([note?.entry, note?.count, note?.fromMs, note?.toMs], ['tick', 5, slot + hour, slot + 5 * hour])
    assert.equal(note?.reason, 'no scheduler was running')
    assert.equal((await store.schedules.find('tick'))?.missed, 5)
  })

  test('catchup: last makes up one', async () => {
    const { slot } = await miss('  catchup: last\n')
    await eventually(async () => (await queued()).length === 1)
    assert.equal((await store.schedules.find('tick'))?.fireTimeMs, slot + 5 * hour)
    assert.equal((await store.schedules.missed())[0]?.count, 4)
  })

  test('catchup: all makes up all of them, within the window', async () => {
    await miss('  catchup: all\n  catchup_window: 3h\n')
    await eventually(async () => (await queued()).length === 3)
    assert.equal((await store.schedules.missed())[0]?.count, 2)
  })

  test('are counted up to a thousand, and nothing is asked of Redis for each', async () => {
    const now = Date.now()
    await remember('tick', now - 90 * 24 * hour, { slot: now - 90 * 24 * hour, fired: 1 })
    await run('tick:\n  cron: "* * * * * *"\n  class: A\n  queue: q\n  catchup: last\n')
    const [note] = await eventually(async () =>
      (await store.schedules.missed()).length > 0 ? store.schedules.missed() : undefined,
    )
    assert.ok((note?.count ?? 0) >= 1000 && note?.more)
    assert.equal((await store.schedules.missed()).length, 1)
  })

  test('a firing a few seconds late is late, not missed', async () => {
    const now = Date.now()
    await remember('tick', now - 65_000, { slot: now - 65_000, fired: 1 })
    await run('tick:\n  every: 60s\n  class: A\n  queue: q\n')
    await eventually(async () => (await queued()).length === 1)
    const state = await store.schedules.find('tick')
    assert.ok((state?.lateMs ?? 0) >= 5000)
    assert.equal(state?.missed, 0)
  })
})

describe('overlap', () => {
  test('skip leaves out what would overlap, with the reason', async () => {
    await run('tick:\n  every: 1s\n  class: A\n  queue: q\n  overlap: skip\n')
    const missed = await eventually(async () => (await store.schedules.missed())[0])
    assert.match(missed.reason, /^the previous run \(\w+\) has not ended$/)
    assert.equal((await queued()).length, 1)
    await redis.lpop('resque:queue:q')
    await eventually(async () => (await queued()).length === 1, { what: 'a firing after the run was taken' })
  })

  test('queue lets them wait, and runs them in turn', async () => {
    await run('tick:\n  every: 1s\n  class: A\n  queue: q\n  overlap: queue\n')
    await eventually(async () => (await store.schedules.waiting('tick')).length >= 2)
    assert.equal((await queued()).length, 1)
    const before = (await store.schedules.find('tick'))?.fireTimeMs ?? 0
    await redis.lpop('resque:queue:q')
    await eventually(async () => (await queued()).length === 1)
    assert.equal((await store.schedules.find('tick'))?.fireTimeMs, before + 1000)
    assert.equal((await store.schedules.missed()).length, 0)
  })
})

describe('a run that is no job', () => {
  test('is started through its starter, once for each firing, also after a crash between firing and starting', async () => {
    const calls: string[] = []
    const workflow = {
      create: async (target: string, args: string, { key }: { key: string }) => {
        calls.push(`create ${target} ${args} ${key}`)
        return 'run-2'
      },
      start: async (id: string) => void calls.push(`start ${id}`),
      isRunning: async () => true,
    }
    const slot = Date.now() - 1000
    await remember('flow', slot, { slot, fired: 1, pending: slot })
    const yaml = 'flow:\n  every: 1h\n  workflow: Import\n  args: [data.csv]\n'
    await run(yaml, { starters: { workflow } })
    await eventually(async () => (await store.schedules.find('flow'))?.job === 'run-2')
    assert.deepEqual(calls.splice(0), [`create Import ["data.csv"] flow:${slot}`, 'start run-2'])
    assert.equal((await store.schedules.find('flow'))?.pendingMs, undefined)
    await running.pop()?.stop()
    await redis.hset('resque:rt:schedule:flow', { pending: slot, pending_run: 'run-1' })
    await run(yaml, { starters: { workflow } })
    await eventually(async () => (await store.schedules.find('flow'))?.job === 'run-1')
    assert.deepEqual(calls, ['start run-1'])
  })

  test('that cannot be started is noted as missed', async () => {
    await run('flow:\n  every: [1s, {first: now}]\n  pipeline: nightly\n')
    const missed = await eventually(async () => (await store.schedules.missed())[0])
    assert.match(missed.reason, /could not be started: this scheduler cannot start a pipeline/)
  })
})

test('jitter puts a firing off, by the same for every scheduler', async () => {
  const now = Date.now()
  await remember('tick', now - 500, { slot: now - 500, fired: 1 })
  await run('tick:\n  every: 1s\n  jitter: 900ms\n  class: A\n  queue: q\n', { jitter: () => 400 })
  const seen = await eventually(async () => {
    const state = await store.schedules.find('tick')
    return state?.fired === 2 ? state : undefined
  })
  assert.equal(seen.fireTimeMs, now + 500)
  assert.ok((seen.firedAtMs ?? 0) >= now + 900)
})

test('a bad entry is named in the log, and the others fire', async () => {
  const { log, lines } = keepingLogger()
  await run('bad:\n  cron: 61 * * * *\ntick:\n  every: 1s\n  class: A\n  queue: q\n', { log })
  await eventually(async () => (await queued()).length > 0)
  assert.match(lines.join(''), /schedule\.yml:2: bad: cron: minute: expected 0 to 59, got "61"/)
})

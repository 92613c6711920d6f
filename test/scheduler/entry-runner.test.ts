// One entry by itself, without the scheduler around it: what it does when the lock is another's, Redis fails, it is stopped or fired by hand.
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { Redis } from 'ioredis'
import { RuntimeError } from '../../runtime/core/errors.ts'
import { newId } from '../../runtime/core/ids.ts'
import { Job } from '../../runtime/jobs/job.ts'
import type { Store } from '../../runtime/store/store.ts'
import type { ScheduleEntry } from '../../scheduler/entries/entry.ts'
import { readSchedule } from '../../scheduler/entries/schedule-file.ts'
import { EntryRunner } from '../../scheduler/firing/entry-runner.ts'
import { digestJitter } from '../../scheduler/firing/fire-times.ts'
import { Firer, type RunnerOptions } from '../../scheduler/firing/firer.ts'
import type { Starter } from '../../scheduler/firing/starters.ts'
import { useRedis } from '../support/redis.ts'
import { testStore } from '../support/store.ts'
import { eventually } from '../support/wait.ts'
import { keepingLogger, ShiftedClock } from './support.ts'

const server = useRedis()
const lock = 'resque:resque:resque_scheduler_master_lock'
const state = 'resque:rt:schedule:tick'
const everySecond = 'every: [1s, {first: now}], class: A, queue: q'
let store: Store
let redis: Redis
let lost: number
let lines: string[]
const runners: EntryRunner[] = []

beforeEach(async () => {
  store = testStore(server)
  redis = server.client()
  lost = 0
  await redis.set(lock, 'us:1')
})
afterEach(async () => {
  for (const runner of runners.splice(0)) await runner.stop()
  store.close()
})

function entry(options: string): ScheduleEntry {
  const { entries, problems } = readSchedule(`tick: {${options}}`, {
    file: 'schedule.yml',
    source: 'file',
    zone: 'UTC',
  })
  assert.deepEqual(problems, [])
  return entries.get('tick') ?? assert.fail('expected an entry')
}
function options(more: Partial<RunnerOptions> = {}): RunnerOptions {
  const kept = keepingLogger()
  lines = kept.lines
  return {
    schedules: store.schedules,
    owner: { id: 'us:1', lockPrefix: '' },
    clock: new ShiftedClock(),
    log: kept.log,
    jitter: digestJitter,
    newId: () => newId(Date.now()),
    starters: {},
    classOf: () => undefined,
    ttlMs: 60_000,
    onLost: () => (lost += 1),
    ...more,
  }
}
function runner(text: string, more?: Partial<RunnerOptions>): EntryRunner {
  const made = new EntryRunner(entry(text), options(more))
  runners.push(made)
  return made
}
const firer = (text: string, more?: Partial<RunnerOptions>): Firer =>
  new Firer(entry(text), options(more), () => undefined)
const queued = (): Promise<number> => redis.llen('resque:queue:q')
const missed = async (): Promise<string | undefined> => (await store.schedules.missed())[0]?.reason
/** What Redis remembers of the entry. */
const remember = (cursorMs: number, more: Record<string, number | string> = {}): Promise<number> =>
  redis.hset(state, { since: cursorMs, cursor: cursorMs, fired: 0, ...more })

describe('an entry whose lock is held by another', () => {
  const hour = 3_600_000

  test('makes up nothing, notes nothing, and says that it has lost the lock', async () => {
    await redis.set(lock, 'other:1')
    const cursorMs = Date.now() - 5.5 * hour
    await remember(cursorMs, { slot: cursorMs, fired: 1 })
    await runner('every: 1h, class: A, queue: q, catchup: last').start()
    assert.deepEqual([lost, await queued(), await missed()], [2, 0, undefined])
    assert.equal((await store.schedules.find('tick'))?.cursorMs, cursorMs)
  })

  test('neither lets a firing wait nor fires one that waits', async () => {
    await redis.set(lock, 'other:1')
    await remember(1000, { slot: 1000, fired: 1, job: 'before' })
    await redis.hset('resque:rt:job:before', { state: 'running' })
    const busy = firer('every: 1s, class: A, queue: q, overlap: queue')
    assert.equal(await busy.fire(2000, 0, 'timed'), 'lost')
    assert.deepEqual([busy.waiting, await store.schedules.waiting('tick')], [0, []])
    await redis.hset('resque:rt:job:before', { state: 'done' })
    await redis.rpush('resque:rt:schedules:waiting:tick', '2000')
    await busy.countWaiting()
    await busy.fireWaiting()
    assert.deepEqual([lost, busy.waiting, await queued()], [1, 1, 0])
  })
})

test('an entry that was paused while its timer was set fires no more, though no message said so', async () => {
  const ticking = runner(everySecond)
  await ticking.start()
  await eventually(async () => (await queued()) === 1)
  await redis.hset(state, 'paused', 1)
  await eventually(() => ticking.nextMs === undefined)
  assert.deepEqual([await queued(), await missed()], [1, undefined])
})

test('an entry with `times` fires no more often, though its next timer comes while it still fires', async () => {
  class Slow extends Job {
    static override queue = 'q'
    static beforeEnqueue(): Promise<void> {
      return new Promise((resolve) => setTimeout(resolve, 60))
    }
    perform(): void {}
  }
  await remember(Date.now() - 4000)
  const known = { kind: 'job' as const, queue: 'q', job: Slow as never }
  const ticking = runner('every: [1s, {times: 1}], class: A', { classOf: () => known })
  await ticking.start()
  await eventually(() => ticking.nextMs === undefined)
  await ticking.retryPending()
  assert.deepEqual([await queued(), (await store.schedules.find('tick'))?.fired], [1, 1])
})

test('an entry that is stopped does not begin what it had not begun', async () => {
  const ticking = runner(everySecond)
  const starting = ticking.start()
  await ticking.stop()
  await starting
  assert.deepEqual([await redis.exists(state), ticking.nextMs], [0, undefined])
})

test('an entry whose step failed is pending, and begins when it is tried again', async () => {
  await redis.set(state, 'of another type')
  const ticking = runner(everySecond)
  await ticking.start()
  assert.match(lines.join(''), /tick: .*; trying again soon/)
  assert.ok(ticking.hasPending && ticking.nextMs === undefined)
  await redis.del(state)
  await ticking.retryPending()
  assert.ok(!ticking.hasPending && ticking.nextMs !== undefined)
})

describe('a firing by hand', () => {
  test('needs no lock, and says why it cannot be', async () => {
    await redis.set(lock, 'other:1')
    assert.equal(await firer('class: A, queue: q').fire(1000, 0, 'manual'), 'fired')
    assert.equal(await queued(), 1)
    const refused = (text: string, reason: RegExp): Promise<void> =>
      assert.rejects(firer(text).fire(2000, 0, 'manual'), { code: 'ERR_STATE', message: reason })
    await refused('class: Homeless', /schedule tick: not fired: no queue is known for Homeless/)
    assert.equal(await missed(), undefined)
    await refused('pipeline: nightly', /not fired: could not be started: this scheduler cannot start a pipeline/)
  })
})

describe('a run', () => {
  const workflow = (more: Partial<Starter> = {}): { starters: { workflow: Starter } } => ({
    starters: {
      workflow: {
        create: async (_target, _args, { fireTimeMs }) => `run-${fireTimeMs}`,
        start: async () => undefined,
        isRunning: async () => false,
        ...more,
      },
    },
  })
  const flow = 'every: 1s, workflow: Flow'

  test('of the firing before counts as long as it runs', async () => {
    const running = new Set<string>()
    const skipping = firer(`${flow}, overlap: skip`, workflow({ isRunning: async (id) => running.has(id) }))
    await remember(1000)
    assert.equal(await skipping.fire(2000, 0, 'timed'), 'fired')
    running.add('run-2000')
    assert.equal(await skipping.fire(3000, 0, 'timed'), 'accounted')
    assert.equal(await missed(), 'the previous run (run-2000) has not ended')
    running.clear()
    assert.equal(await skipping.fire(4000, 0, 'timed'), 'fired')
    assert.equal((await store.schedules.find('tick'))?.job, 'run-4000')
  })

  test('that waits is fired in its turn, as many as wait when none runs', async () => {
    const started: string[] = []
    const waiting = firer(`${flow}, overlap: queue`, workflow({ start: async (id) => void started.push(id) }))
    await remember(5000)
    await redis.rpush('resque:rt:schedules:waiting:tick', '2000', '3000', '4000')
    await waiting.countWaiting()
    await waiting.fireWaiting()
    assert.deepEqual(started, ['run-2000', 'run-3000', 'run-4000'])
    assert.deepEqual([waiting.waiting, await store.schedules.waiting('tick')], [0, []])
  })

  test('that cannot be created while Redis is away stays pending, and is started when the entry is tried again', async () => {
    const away = workflow({ create: () => Promise.reject(new RuntimeError('ERR_REDIS', 'away')) })
    await remember(1000)
    await assert.rejects(firer(flow, away).fire(2000, 0, 'timed'), { code: 'ERR_REDIS' })
    assert.deepEqual([(await store.schedules.find('tick'))?.pendingMs, await missed()], [2000, undefined])
    await remember(Date.now())
    await runner(flow, workflow()).start()
    const { pendingMs, job } = (await store.schedules.find('tick')) ?? {}
    assert.deepEqual([pendingMs, job], [undefined, 'run-2000'])
  })

  test('that is pending of an entry that starts jobs now is noted as missed', async () => {
    await remember(Date.now(), { pending: 1000 })
    await runner('every: 1h, class: A, queue: q').start()
    assert.equal(await missed(), 'could not be started: this scheduler cannot start a job')
    assert.equal((await store.schedules.find('tick'))?.pendingMs, undefined)
  })
})

test('a hook that cannot reach Redis leaves the firing for the next try', async () => {
  class Away extends Job {
    static override queue = 'q'
    static beforeEnqueue(): void {
      throw new RuntimeError('ERR_REDIS', 'away')
    }
    perform(): void {}
  }
  const known = { kind: 'job' as const, queue: 'q', job: Away as never }
  await remember(1000)
  await assert.rejects(firer('every: 1s, class: A', { classOf: () => known }).fire(2000, 0, 'timed'), {
    code: 'ERR_REDIS',
  })
  assert.deepEqual(
    [await queued(), await missed(), (await store.schedules.find('tick'))?.cursorMs],
    [0, undefined, 1000],
  )
})

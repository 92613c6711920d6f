import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { Redis } from 'ioredis'
import type { Store } from '../../runtime/store/store.ts'
import { readSchedule } from '../../scheduler/entries/schedule-file.ts'
import type { Scheduler } from '../../scheduler/scheduler.ts'
import { leavesNoProcess, startProgram, type Running } from '../support/process.ts'
import { useRedis } from '../support/redis.ts'
import { testStore } from '../support/store.ts'
import { eventually } from '../support/wait.ts'
import { countCommands, keepingLogger, scriptCalls, ShiftedClock, testScheduler } from './support.ts'

const server = useRedis()
const lock = 'resque:resque:resque_scheduler_master_lock'
const processes: Running[] = []
let store: Store
let redis: Redis

beforeEach(() => {
  store = testStore(server)
  redis = server.client()
})
afterEach(async () => {
  for (const each of processes.splice(0)) {
    each.kill('SIGKILL')
    await each.exited
  }
  store.close()
})

leavesNoProcess()

/** Starts a scheduler process; resolves when it is connected. */
async function startScheduler(yaml = '', lockTtlMs?: number): Promise<Running> {
  const file = join(server.dir, 'schedule.yml')
  await writeFile(file, yaml)
  const started = startProgram('scheduler', [
    join(server.dir, 'redis.sock'),
    file,
    ...(lockTtlMs === undefined ? [] : [String(lockTtlMs)]),
  ])
  processes.push(started)
  await started.waitForLine(/^started$/)
  return started
}
const load = async () =>
  readSchedule('far:\n  cron: 0 0 1 1 *\n  class: A\n  queue: q\n', {
    file: 'schedule.yml',
    source: 'file',
    zone: 'UTC',
  })
const holder = (): Promise<string | null> => redis.get(lock)
const leaderPid = async (): Promise<number> => Number((await holder())?.split(':').at(-1))

describe('leadership among processes', () => {
  const tick = 'tick:\n  cron: "* * * * * *"\n  class: A\n  queue: q\n'
  /** Long enough for one that is renewed every 1.2 s, and shorter than Ruby's five seconds. */
  const shortMs = 3000

  test("is Ruby's own lock, with Ruby's form of value, and a time to live of seconds", async () => {
    const one = await startScheduler()
    await eventually(async () => (await holder()) === `${hostname()}:${one.pid}`)
    const ttlMs = await redis.pttl(lock)
    assert.ok(ttlMs > 3000 && ttlMs <= 5000, String(ttlMs))
  })

  test('passes on within seconds of a SIGKILL, and each firing is enqueued once all the same', async (t) => {
    const [one, two] = await Promise.all([startScheduler(tick, shortMs), startScheduler(tick, shortMs)])
    await eventually(async () => (await redis.llen('resque:queue:q')) >= 2)
    const [leader, other] = (await leaderPid()) === one.pid ? [one, two] : [two, one]
    const killed = performance.now()
    leader.kill('SIGKILL')
    await eventually(async () => (await leaderPid()) === other.pid, { timeoutMs: 8000 })
    const tookMs = Math.round(performance.now() - killed)
    t.diagnostic(`take-over after SIGKILL: ${tookMs} ms`)
    assert.ok(tookMs < shortMs + 1000, `took ${tookMs} ms`)
    const afterTakeOver = await redis.llen('resque:queue:q')
    await eventually(async () => (await redis.llen('resque:queue:q')) > afterTakeOver + 4, {
      what: 'the firings of the gap, late',
    })
    const state = await store.schedules.find('tick')
    const seconds = ((state?.fireTimeMs ?? 0) - (state?.sinceMs ?? 0)) / 1000
    const fired = state?.fired ?? 0
    assert.equal(fired, Math.floor(seconds) + 1, 'one firing for each second since the first')
    assert.equal(state?.missed, 0)
  })

  test('passes on at once when the leader stops cleanly', async (t) => {
    const [one, two] = await Promise.all([startScheduler(), startScheduler()])
    await eventually(holder)
    const [leader, other] = (await leaderPid()) === one.pid ? [one, two] : [two, one]
    leader.kill('SIGTERM')
    assert.equal((await leader.exited).exitCode, 0)
    const stopped = performance.now()
    await eventually(async () => (await leaderPid()) === other.pid, { timeoutMs: 1500 })
    t.diagnostic(`take-over after a clean stop: ${Math.round(performance.now() - stopped)} ms`)
  })

  test('a leader that stood still steps down when it wakes, and fires nothing that another has fired', async () => {
    const [one, two] = await Promise.all([startScheduler(tick, shortMs), startScheduler(tick, shortMs)])
    await eventually(async () => (await redis.llen('resque:queue:q')) >= 1)
    const [leader, other] = (await leaderPid()) === one.pid ? [one, two] : [two, one]
    leader.kill('SIGSTOP')
    await eventually(async () => (await leaderPid()) === other.pid, { timeoutMs: 8000 })
    leader.kill('SIGCONT')
    await leader.waitForLine(/is no longer the leader/)
    // Both numbers grow as long as anybody leads.
    for (const scheduler of [leader, other]) scheduler.kill('SIGTERM')
    await Promise.all([leader.exited, other.exited])
    const { fired = 0, fireTimeMs = 0, sinceMs = 0 } = (await store.schedules.find('tick')) ?? {}
    assert.equal(await redis.llen('resque:queue:q'), fired)
    assert.equal(fired, Math.floor((fireTimeMs - sinceMs) / 1000) + 1, 'one firing for each second since the first')
  })

  test("waits for Ruby's scheduler as long as it lives, and takes over when its lock runs out", async () => {
    await redis.set(lock, 'rubyhost:77', 'EX', 180)
    const one = await startScheduler(tick)
    const before = await scriptCalls(redis)
    await eventually(async () => (await scriptCalls(redis)) >= before + 3, { what: 'three tries to get the lock' })
    assert.equal(await holder(), 'rubyhost:77')
    assert.equal(await redis.exists('resque:queue:q'), 0)
    await redis.pexpire(lock, 100)
    await eventually(async () => (await leaderPid()) === one.pid, { timeoutMs: 4000 })
  })
})

describe('a leader', () => {
  test('that cannot reach Redis steps down before its lock could run out, and leads again later', async () => {
    const { log, lines } = keepingLogger()
    const scheduler = testScheduler(store, '', { lockTtlMs: 1600, log })
    await scheduler.start()
    await eventually(() => scheduler.leads)
    await server.kill('SIGSTOP')
    const stopped = performance.now()
    await eventually(() => lines.some((line) => line.includes('not renewed in time')))
    assert.ok(performance.now() - stopped < 1600, 'before the lock could run out')
    assert.equal(scheduler.leads, false)
    await server.kill('SIGCONT')
    await eventually(() => scheduler.leads)
    await scheduler.stop()
    assert.equal(await holder(), null)
  })

  test('whose lock was taken by another stops firing at once', async () => {
    const scheduler = testScheduler(store, 'tick:\n  cron: "* * * * * *"\n  class: A\n  queue: q\n', {
      renewMs: 60_000,
    })
    await scheduler.start()
    await eventually(() => scheduler.leads)
    await redis.set(lock, 'other:1', 'EX', 180)
    await eventually(() => !scheduler.leads, { timeoutMs: 4000 })
    assert.equal(await redis.exists('resque:queue:q'), 0)
    await scheduler.stop()
    assert.equal(await holder(), 'other:1')
  })

  test('that is idle sends Redis fewer than one command a second', async (t) => {
    const scheduler = testScheduler(store, 'far:\n  cron: 0 0 1 1 *\n  class: A\n  queue: q\n', { renewMs: undefined })
    await scheduler.start()
    await eventually(() => scheduler.leads && scheduler.entries.length === 1)
    const socket = join(server.dir, 'redis.sock')
    // What belongs to the start is not idleness.
    await eventually(async () => (await countCommands(socket, 1000)) <= 1, { timeoutMs: 20_000 })
    const seconds = 8
    const sent = await countCommands(socket, seconds * 1000)
    t.diagnostic(`${sent} commands in ${seconds} seconds`)
    await scheduler.stop()
    assert.ok(sent < seconds, `${sent} commands`)
  })
})

test('a scheduler that waits loads nothing, whatever it hears, and leads at once when the leader stops', async () => {
  const log = keepingLogger()
  const clock = new ShiftedClock()
  const [first, second] = ['a:1', 'b:2'].map((owner) =>
    testScheduler(store, '', {
      ...{
        owner,
        lockPrefix: 'east',
        lockTtlMs: 60_000,
        log: log.log,
        clock,
        load: owner === 'a:1' ? undefined : load,
      },
    }),
  ) as [Scheduler, Scheduler]
  try {
    await first.start()
    await eventually(() => first.leads)
    await Promise.all([second.start(), second.start()])
    clock.offsetMs = 4 * 3_600_000
    await store.schedules.switch('far', { paused: true }, Date.now())
    await eventually(async () => (await store.health.schedulers()).length === 2)
    assert.deepEqual(
      [await redis.get('resque:resque:east:resque_scheduler_master_lock'), await holder()],
      ['a:1', null],
    )
    assert.deepEqual([first.entries, second.entries], [[], []])
    const stopped = performance.now()
    await first.stop()
    await eventually(() => second.leads)
    assert.ok(performance.now() - stopped < 1500, 'before it would have looked by itself')
    await eventually(() => second.entries.length === 1)
  } finally {
    for (const scheduler of [first, second]) await scheduler.stop()
  }
})

test('a scheduler that may not listen says so, and leads all the same', async () => {
  const { log, lines } = keepingLogger()
  const scheduler = testScheduler(store, '', { log })
  store.connection.listen = () => Promise.reject(new Error('NOPERM'))
  await scheduler.start()
  await eventually(() => scheduler.leads)
  await scheduler.stop()
  assert.equal(lines.filter((line) => line.endsWith('schedule: Error: NOPERM\n')).length, 2, lines.join(''))
})

test('schedulers on machines in different zones say so, each once', async () => {
  const [berlin, utc] = [keepingLogger(), keepingLogger()]
  const schedulers = [
    testScheduler(store, '', { owner: 'a:1', zone: 'Europe/Berlin', log: berlin.log }),
    testScheduler(store, '', { owner: 'b:2', zone: 'UTC', log: utc.log }),
  ]
  const said = (lines: string[]): number => lines.filter((line) => line.includes('(Europe/Berlin, UTC)')).length
  try {
    for (const scheduler of schedulers) await scheduler.start()
    await eventually(() => said(berlin.lines) === 1 && said(utc.lines) === 1)
    assert.deepEqual((await store.health.schedulers()).map(({ owner, zone }) => [owner, zone]).sort(), [
      ['a:1', 'Europe/Berlin'],
      ['b:2', 'UTC'],
    ])
    const living = await redis.pttl('resque:rt:schedulers')
    assert.ok(living > 0 && living <= 10_000, 'a dead one is forgotten')
    assert.deepEqual([said(berlin.lines), said(utc.lines)], [1, 1])
  } finally {
    for (const scheduler of schedulers) await scheduler.stop()
  }
})

// What was missed is made up once, and only what was due by the schedule of its time.
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { Redis } from 'ioredis'
import type { EntryState } from '../../runtime/store/schedules/schedules.ts'
import type { Store } from '../../runtime/store/store.ts'
import { pauseSchedule, resumeSchedule } from '../../scheduler/entries/dynamic.ts'
import type { Scheduler } from '../../scheduler/scheduler.ts'
import { useRedis } from '../support/redis.ts'
import { testStore } from '../support/store.ts'
import { eventually } from '../support/wait.ts'
import { testScheduler, useSchedulers } from './support.ts'

const server = useRedis()
const hour = 3_600_000
const tick = 'tick:\n  every: 1h\n  class: A\n  queue: q\n  catchup: all\n'
let store: Store
let redis: Redis
const { running, lead } = useSchedulers()

beforeEach(() => {
  store = testStore(server)
  redis = server.client()
})
afterEach(() => store.close())

/** Starts a scheduler and waits until it has loaded its entries. */
async function run(yaml: string | (() => string)): Promise<Scheduler> {
  const scheduler = await lead(testScheduler(store, yaml))
  await scheduler.reload()
  return scheduler
}
/** Runs one for as long as it needs to load `yaml`. */
async function deploy(yaml: string): Promise<void> {
  await (await run(yaml)).stop()
  running.pop()
}
const tenHoursPass = async (): Promise<void> => {
  const then = Date.now() - 10 * hour
  await redis.hset('resque:rt:schedule:tick', { since: then - hour, cursor: then, slot: then, fired: 7 })
}
const queued = (): Promise<number> => redis.llen('resque:queue:q')
const state = async (): Promise<EntryState | undefined> => store.schedules.find('tick')

/** Asserts that the entry's life began a moment ago. */
async function isNew(): Promise<void> {
  const about = await state()
  assert.ok((about?.sinceMs ?? 0) > Date.now() - 60_000 && (about?.cursorMs ?? 0) > Date.now() - 60_000)
  assert.deepEqual([about?.fired, about?.missed, await queued()], [0, 0, 0])
}

describe('an entry begins anew', () => {
  test('when it is set again, having been removed while a scheduler led', async () => {
    await deploy(tick)
    await tenHoursPass()
    await deploy('other:\n  every: 1h\n  class: A\n  queue: q\n')
    await run(tick)
    await isNew()
  })

  test('also when that was done from code', async () => {
    const config = '{"every":"1h","class":"A","queue":"q","catchup":"all"}'
    await store.schedules.setDynamic('tick', config)
    const scheduler = await run('')
    await eventually(() => scheduler.entries.length === 1)
    await tenHoursPass()
    await store.schedules.removeDynamic('tick')
    await eventually(async () => scheduler.entries.length === 0 && (await state()) === undefined)
    await store.schedules.setDynamic('tick', config)
    await eventually(() => scheduler.entries.length === 1)
    await isNew()
  })

  for (const timing of ['every: 30m', 'every: [1h, {times: 9}]', 'cron: "0 * * * *"']) {
    test(`when its timing is changed to ${timing}`, async () => {
      await deploy(tick)
      await tenHoursPass()
      await run(tick.replace('every: 1h', timing))
      await isNew()
    })
  }
})

test('a deploy that changes something else, or only the words of the timing, makes up what was missed', async () => {
  await deploy(tick)
  await tenHoursPass()
  await run(tick.replace('every: 1h', 'every: 60m\n  description: hourly'))
  await eventually(async () => (await queued()) === 10 || (await queued()) === 9)
  assert.ok(((await state())?.fired ?? 0) >= 16)
})

test('an entry that could not be read for a while was not removed', async () => {
  await deploy(tick)
  await tenHoursPass()
  await deploy(tick.replace('every: 1h', 'every: soon'))
  assert.equal((await state())?.fired, 7)
  assert.deepEqual(await store.schedules.described(), {})
  await run(tick)
  await eventually(async () => (await queued()) >= 9)
})

test('of more than a thousand the last are made up, and the others recorded', async () => {
  const then = Date.now() - 2 * hour
  await redis.hset('resque:rt:schedule:tick', { since: then, cursor: then, slot: then, fired: 1 })
  await run(tick.replace('every: 1h', 'every: 1s'))
  await eventually(async () => (await queued()) >= 1000)
  assert.ok(((await state())?.fireTimeMs ?? 0) > Date.now() - 60_000, 'the newest one')
  const [note] = await store.schedules.missed()
  assert.ok((note?.count ?? 0) >= 1000 && note?.more, 'the oldest are accounted for')
  assert.equal(note?.fromMs, then + 1000)
})

test('a paused entry does not fire, and what it did not fire is not missed', async () => {
  const scheduler = await run('tick:\n  cron: "* * * * * *"\n  class: A\n  queue: q\n')
  await eventually(async () => (await queued()) > 0)
  await pauseSchedule('tick', store)
  await eventually(() => scheduler.entries[0]?.nextMs === undefined)
  const paused = await queued()
  const second = Math.ceil(Date.now() / 1000) * 1000
  await eventually(() => Date.now() > second + 1200)
  assert.equal(await queued(), paused)
  await resumeSchedule('tick', store)
  await eventually(async () => (await queued()) > paused)
  assert.equal((await store.schedules.find('tick'))?.missed, 0)
})

test('an entry that is not enabled does not fire, unless it is enabled by hand', async () => {
  await run('tick:\n  every: [1s, {first: now}]\n  class: A\n  queue: q\n  enabled: false\n')
  await eventually(async () => (await store.schedules.find('tick')) !== undefined)
  assert.equal(await queued(), 0)
  await store.schedules.switch('tick', { enabled: true }, Date.now())
  await eventually(async () => (await queued()) > 0)
})

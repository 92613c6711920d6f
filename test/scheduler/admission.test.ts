import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { Redis } from 'ioredis'
import { z } from 'zod'
import { Job } from '../../runtime/jobs/job.ts'
import type { Store } from '../../runtime/store/store.ts'
import type { Scheduler } from '../../scheduler/scheduler.ts'
import { runSchedule } from '../../scheduler/entries/dynamic.ts'
import { useRedis } from '../support/redis.ts'
import { testStore } from '../support/store.ts'
import { eventually } from '../support/wait.ts'
import { testScheduler } from './support.ts'

const server = useRedis()
let store: Store
let redis: Redis
let scheduler: Scheduler | undefined

beforeEach(() => {
  store = testStore(server)
  redis = server.client()
})
afterEach(async () => {
  await scheduler?.stop()
  store.close()
})

const everySecond = (args = '[u1]', more = ''): string =>
  `tick:\n  every: [1s, {first: now}]\n  class: Asked\n  args: ${args}\n${more}`
async function run(job: typeof Job, yaml = everySecond()): Promise<void> {
  scheduler = testScheduler(store, yaml, {
    context: { zone: 'UTC', classes: new Map([['Asked', { kind: 'job', queue: 'q', job: job as never }]]) },
  })
  await scheduler.start()
}
const queued = (): Promise<string[]> => redis.lrange('resque:queue:q', 0, -1)
const missed = () => eventually(async () => (await store.schedules.missed())[0])

describe('a class of the application has its say when an entry fires, as it has with enqueue', () => {
  class Unique extends Job {
    static override queue = 'q'
    static override unique = true
    perform(): void {}
  }

  test('a unique job is there once; what it keeps out is noted as missed, and its end lets the next in', async () => {
    await run(Unique)
    assert.match((await missed()).reason, /a unique Asked exists already/)
    assert.deepEqual(await queued(), ['{"class":"Asked","args":["u1"]}'])
    const id = (await store.schedules.find('tick'))?.job ?? ''
    // The lock is the one that enqueue takes, and goes with the job.
    assert.equal(await redis.get('resque:rt:unique:Asked:["u1"]'), id)
    assert.equal(await store.queues.removeItem('q', '{"class":"Asked","args":["u1"]}', Date.now(), 1000), 1)
    const next = await eventually(async () => {
      const state = await store.schedules.find('tick')
      return state?.job === id ? undefined : state?.job
    })
    assert.equal(await redis.get('resque:rt:unique:Asked:["u1"]'), next)
  })

  test('beforeEnqueue says no: nothing is queued, and the firing is noted as missed', async () => {
    const asked: unknown[] = []
    class Refusing extends Unique {
      static beforeEnqueue(...args: unknown[]): boolean {
        asked.push(args)
        return false
      }
    }
    await run(Refusing, everySecond('[u1, {n: 1}]'))
    assert.match((await missed()).reason, /its beforeEnqueue hook refused it/)
    assert.deepEqual(asked[0], ['u1', { n: 1 }])
    assert.deepEqual([await queued(), await redis.keys('resque:rt:unique:*')], [[], []])
  })

  test('a hook that throws keeps its entry from firing, with its words, and no other', async () => {
    class Throwing extends Unique {
      static beforeEnqueue(): void {
        throw new Error('no such tenant')
      }
    }
    await run(Throwing, `${everySecond()}other:\n  every: [1s, {first: now}]\n  class: Foreign\n  queue: other\n`)
    assert.match((await missed()).reason, /its class could not be asked: no such tenant/)
    await eventually(async () => (await redis.llen('resque:queue:other')) > 1)
  })

  test('arguments that do not fit the schema are named', async () => {
    class Typed extends Job {
      static override queue = 'q'
      static input = z.object({ path: z.string() })
      perform(): void {}
    }
    await run(Typed, everySecond('{path: 1}'))
    assert.match((await missed()).reason, /input does not fit its schema: .*path/)
    assert.deepEqual(await queued(), [])
  })

  test('afterEnqueue runs when the job is queued; when it throws the job is there all the same', async () => {
    let calls = 0
    class After extends Job {
      static override queue = 'q'
      static afterEnqueue(): void {
        calls += 1
        throw new Error('mail server away')
      }
      perform(): void {}
    }
    await run(After)
    await eventually(async () => (await queued()).length > 1)
    assert.ok(calls > 0)
    assert.equal((await store.schedules.missed()).length, 0)
  })

  test('of firings that wait for the run before, a unique one goes on waiting', async () => {
    await redis.set('resque:rt:unique:Asked:["u1"]', 'another')
    await redis.hset('resque:rt:job:another', { state: 'running', unique: 'Asked:["u1"]' })
    await redis.rpush('resque:rt:schedules:waiting:tick', '1000')
    await run(Unique, everySecond('[u1]', '  overlap: queue\n'))
    await eventually(async () => (await store.schedules.waiting('tick')).length > 1)
    assert.deepEqual([await queued(), (await store.schedules.waiting('tick'))[0]], [[], 1000])
    await redis.del('resque:rt:unique:Asked:["u1"]')
    await eventually(async () => (await queued()).length === 1)
    assert.notEqual((await store.schedules.waiting('tick'))[0], 1000)
  })
})

test('an entry whose hook hangs, or that has a thousand firings to make up, delays no other entry, change or stop', async () => {
  class Hangs extends Job {
    static override queue = 'hung'
    static beforeEnqueue(): Promise<void> {
      return new Promise(() => undefined)
    }
    perform(): void {}
  }
  const then = Date.now() - 20 * 3_600_000
  const behind = ['hung', ...Array.from({ length: 20 }, (_, i) => `late${i}`)]
  for (const name of behind)
    await redis.hset(`resque:rt:schedule:${name}`, { since: then, cursor: then, slot: then, fired: 1 })
  const late = behind
    .slice(1)
    .map((name) => `${name}:\n  cron: '* * * * *'\n  class: A\n  queue: late\n  catchup: all\n`)
  const others = Array.from({ length: 250 }, (_, i) => `o${i}:\n  every: 1h\n  class: A\n  queue: q\n`)
  await run(
    Hangs,
    `hung:\n  every: 1h\n  class: Asked\n  catchup: all\n${late.join('')}${others.join('')}tick:\n  every: [1s, {first: now}]\n  class: A\n  queue: q\n`,
  )
  await eventually(async () => (await queued()).length > 0)
  assert.ok((await redis.llen('resque:queue:late')) < 20_000, 'fired before all was made up')
  await eventually(async () => Object.keys(await store.schedules.described()).length === 272)
  await store.schedules.switch('hung', { paused: true }, Date.now())
  await store.schedules.setDynamic('more', '{"every":["1s",{"first":"now"}],"class":"A","queue":"more"}')
  await eventually(async () => (await redis.llen('resque:queue:more')) > 0)
  const stopping = performance.now()
  await scheduler?.stop()
  assert.ok(performance.now() - stopping < 7000)
  assert.equal(await redis.exists('resque:resque:resque_scheduler_master_lock'), 0)
})

test('what runSchedule asks for and cannot be had is noted as missed, and not asked for again', async () => {
  scheduler = testScheduler(store, 'lost:\n  class: NoSuchJob\n')
  await scheduler.start()
  await eventually(async () => Object.keys(await store.schedules.described()).length === 1)
  await runSchedule('lost', store)
  assert.match((await missed()).reason, /no queue is known for NoSuchJob/)
  assert.equal((await store.schedules.find('lost'))?.askedMs, undefined)
})

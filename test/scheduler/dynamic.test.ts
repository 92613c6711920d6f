import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { Redis } from 'ioredis'
import type { Store } from '../../runtime/store/store.ts'
import {
  getSchedule,
  pauseSchedule,
  removeSchedule,
  runSchedule,
  setSchedule,
} from '../../scheduler/entries/dynamic.ts'
import type { Scheduler } from '../../scheduler/scheduler.ts'
import { job } from '../../runtime/jobs/job.ts'
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

/** Polls as a real one does, so that the time to see a change is what users see. */
async function run(yaml = '', more: Parameters<typeof testScheduler>[2] = {}): Promise<Scheduler> {
  return lead(testScheduler(store, yaml, { renewMs: 1200, ...more }))
}
const loaded = (scheduler: Scheduler): string[] => scheduler.entries.map(({ entry }) => entry.name).sort()
const queued = (queue = 'q'): Promise<number> => redis.llen(`resque:queue:${queue}`)
describe('a dynamic schedule', () => {
  test("is stored in Resque's own keys, a class by its name", async () => {
    const echo = job({}, function EchoJob() {})
    await setSchedule(
      'tick',
      { every: ['2s', { first_in: '1s' }], class: echo, queue: 'cron', args: { x: 1 }, persist: true },
      store,
    )
    assert.deepEqual(await redis.hgetall('resque:persistent_schedules'), {
      tick: '{"every":["2s",{"first_in":"1s"}],"class":"EchoJob","queue":"cron","args":{"x":1}}',
    })
    assert.deepEqual(await redis.smembers('resque:schedules_changed'), ['tick'])
    assert.deepEqual((await getSchedule('tick', store))?.args, { x: 1 })
    assert.equal(await removeSchedule('tick', store), true)
    assert.equal(await getSchedule('tick', store), undefined)
    assert.equal(await removeSchedule('tick', store), false)
  })

  test("that Ruby's scheduler cannot read is kept where only this runtime looks, until Ruby sets one of its name", async () => {
    const cron = { class: 'A', queue: 'q', cron: '0 0 * * 5L' }
    await setSchedule('last', { ...cron, cron: '0 0 * * 5' }, store)
    await setSchedule('last', cron, store)
    await setSchedule('flow', { every: '1h', workflow: 'Flow' }, store)
    await setSchedule('often', { every: '500ms', class: 'A', queue: 'q' }, store)
    assert.equal(await redis.exists('resque:persistent_schedules'), 0)
    assert.deepEqual(await getSchedule('last', store), cron)
    const scheduler = await run('kept:\n  cron: 0 0 L-2 * *\n  class: A\n  queue: q\n  persist: true\n')
    await eventually(() => loaded(scheduler).join() === 'flow,kept,last,often')
    assert.equal(await redis.exists('resque:persistent_schedules'), 0)
    await redis.hset('resque:persistent_schedules', 'last', '{"every":"2h","class":"A","queue":"q"}')
    await redis.sadd('resque:schedules_changed', 'last')
    await eventually(() => scheduler.entries.some(({ entry }) => entry.timingText === '2h'))
    assert.equal(await removeSchedule('last', store), true)
    assert.equal(await removeSchedule('flow', store), true)
    await eventually(() => loaded(scheduler).join() === 'kept,often')
  })

  test('that is wrong is refused, and nothing is written', async () => {
    await assert.rejects(
      setSchedule('tick', { every: '0s', class: 'A', zzz: 1 } as object, store),
      (error: Error & { code: string }) => {
        assert.equal(error.code, 'ERR_SCHEDULE')
        assert.match(error.message, /tick: .*every: expected .*more than nothing/)
        assert.match(error.message, /zzz/)
        return true
      },
    )
    await assert.rejects(setSchedule('tick', { args: [10n] }, store), { code: 'ERR_NOT_JSON' })
    assert.deepEqual(await redis.keys('*'), [])
  })

  test('is seen by a running scheduler, set, changed and removed', async (t) => {
    const scheduler = await run('fixed:\n  every: 1h\n  class: A\n  queue: q\n')
    await eventually(() => loaded(scheduler).length === 1)
    const within = async (what: string, change: () => Promise<unknown>, seen: () => boolean): Promise<void> => {
      const since = performance.now()
      await change()
      await eventually(seen, { timeoutMs: 5000, intervalMs: 2 })
      t.diagnostic(`${what}: ${Math.round(performance.now() - since)} ms`)
    }
    const every = (): unknown => scheduler.entries.find(({ entry }) => entry.name === 'tick')?.entry.timingText
    await within(
      'set',
      () => setSchedule('tick', { every: '1h', class: 'A', queue: 'q' }, store),
      () => every() === '1h',
    )
    await within(
      'changed',
      () => setSchedule('tick', { every: '2h', class: 'A', queue: 'q' }, store),
      () => every() === '2h',
    )
    await within(
      'removed',
      () => removeSchedule('tick', store),
      () => every() === undefined,
    )
    assert.deepEqual(loaded(scheduler), ['fixed'])
  })

  test('that Ruby sets is run, too', async () => {
    const scheduler = await run()
    await redis.hset(
      'resque:persistent_schedules',
      'ruby',
      '{"every":["1s",{"first":"now"}],"class":"R","queue":"q","args":[1.0]}',
    )
    await redis.sadd('resque:schedules_changed', 'ruby')
    await eventually(() => loaded(scheduler).includes('ruby'), { timeoutMs: 1500 })
    await eventually(async () => (await queued()) > 0)
    assert.equal(await redis.lindex('resque:queue:q', 0), '{"class":"R","args":[1.0]}')
    // It may have been loaded between the two writes above: then its name is taken off with the next look.
    await eventually(async () => (await redis.exists('resque:schedules_changed')) === 0)
  })

  test('that is garbage is named, and the others run', async () => {
    await redis.hset('resque:persistent_schedules', {
      bad: 'no json',
      worse: '[1]',
      good: '{"every":["1s",{"first":"now"}],"class":"A","queue":"q"}',
    })
    const { log, lines } = keepingLogger()
    await run('', { log })
    await eventually(async () => (await queued()) > 0)
    assert.match(lines.join(''), /persistent_schedules: bad: expected a JSON object/)
    assert.match(lines.join(''), /persistent_schedules: worse: expected a JSON object/)
  })

  test('goes over an entry of the file with its name', async () => {
    await setSchedule('tick', { every: '2h', class: 'A', queue: 'q' }, store)
    const scheduler = await run('tick:\n  every: 1h\n  class: A\n  queue: q\n')
    await eventually(() => scheduler.entries[0]?.entry.timingText === '2h')
  })

  test('is let be where the settings say so', async () => {
    await setSchedule('tick', { every: '2h', class: 'A', queue: 'q' }, store)
    const scheduler = await run('fixed:\n  every: 1h\n  class: A\n  queue: q\n', { dynamic: false })
    await eventually(() => loaded(scheduler).length > 0 && scheduler.entries[0]?.nextMs !== undefined)
    assert.deepEqual(loaded(scheduler), ['fixed'])
    await pauseSchedule('fixed', store)
    await eventually(() => scheduler.entries[0]?.nextMs === undefined)
    await setSchedule('fixed', { every: '2h', class: 'A', queue: 'q' }, store)
    await scheduler.reload()
    assert.equal(scheduler.entries[0]?.entry.timingText, '1h')
    assert.deepEqual(
      (await redis.smembers('resque:schedules_changed')).sort(),
      ['fixed', 'tick'],
      "it is Ruby's to read",
    )
  })
})

test('an entry of the file that says persist is stored as Resque stores it, numbers as they were written', async () => {
  await run('tick:\n  every: 1h\n  class: A\n  queue: q\n  args: [12345678901234567890]\n  persist: true\n')
  const stored = await eventually(() => redis.hget('resque:persistent_schedules', 'tick'))
  assert.equal(stored, '{"every":"1h","class":"A","queue":"q","args":[12345678901234567890]}')
  await running.pop()?.stop()
  await redis.del('resque:schedules_changed')
  await run('tick:\n  every: 1h\n  class: A\n  queue: q\n  args: [12345678901234567890]\n  persist: true\n')
  await eventually(async () => Object.keys(await store.schedules.described()).length === 1)
  assert.equal(await redis.exists('resque:schedules_changed'), 0, 'the same is not stored again')
})

test('a reload takes what changed, and keeps the timers of what did not', async () => {
  let yaml = 'a:\n  every: 1h\n  class: A\n  queue: q\nb:\n  every: 1h\n  class: A\n  queue: q\n'
  const scheduler = testScheduler(store, () => yaml)
  running.push(scheduler)
  await scheduler.start()
  await eventually(
    () => scheduler.entries.length === 2 && scheduler.entries.every(({ nextMs }) => nextMs !== undefined),
  )
  const before = new Map(scheduler.entries.map(({ entry, nextMs }) => [entry.name, nextMs]))
  yaml = 'a:\n  every: 1h\n  class: A\n  queue: q\nb:\n  every: 2h\n  class: A\n  queue: q\nc:\n  every: 61 parsecs\n'
  await scheduler.reload()
  const after = new Map(scheduler.entries.map(({ entry, nextMs }) => [entry.name, nextMs]))
  assert.deepEqual([...after.keys()].sort(), ['a', 'b'])
  assert.equal(after.get('a'), before.get('a'))
  assert.notEqual(after.get('b'), before.get('b'))
  assert.deepEqual(Object.keys(await store.schedules.described()).sort(), ['a', 'b'])
})

test('runSchedule has the leader fire an entry once, paused or without a timing, and the next leader where there is none', async () => {
  const yaml = 'byhand:\n  class: A\n  queue: q\npaused:\n  every: 1h\n  class: B\n  queue: q\n'
  const scheduler = await run(yaml)
  await eventually(async () => Object.keys(await store.schedules.described()).length === 2)
  await pauseSchedule('paused', store)
  await runSchedule('paused', store)
  await eventually(async () => (await queued()) === 1)
  await scheduler.stop()
  await runSchedule('byhand', store)
  await run(yaml)
  await eventually(async () => (await queued()) === 2)
  assert.deepEqual(
    await Promise.all([0, 1].map((at) => redis.lindex('resque:queue:q', at))),
    ['B', 'A'].map((name) => `{"class":"${name}","args":[]}`),
  )
  assert.equal((await store.schedules.find('byhand'))?.askedMs, undefined)
  await assert.rejects(runSchedule('byhnd', store), {
    code: 'ERR_NOT_FOUND',
    message: /runSchedule byhnd: expected an entry .* did you mean byhand\?/,
  })
})

test('a change of one entry reads that one: the others, thousands maybe, are not read again', async () => {
  const { log, lines } = keepingLogger()
  await redis.hset('resque:persistent_schedules', 'bad', 'no json')
  const scheduler = await run('', { log })
  await eventually(() => lines.some((line) => line.includes('bad: expected a JSON object')))
  for (let i = 0; i < 50; i += 1) await setSchedule(`e${i}`, { every: '1h', class: 'A', queue: 'q' }, store)
  await eventually(() => loaded(scheduler).length === 50)
  await eventually(async () => Object.keys(await store.schedules.described()).length === 50)
  await eventually(async () => (await redis.exists('resque:schedules_changed')) === 0)
  assert.equal(lines.filter((line) => line.includes('bad: expected a JSON object')).length, 1)
})

test('changes while Redis is away are seen when it is back', async () => {
  const scheduler = await run('tick:\n  every: 1h\n  class: A\n  queue: q\n', { lockTtlMs: 60_000 })
  await eventually(() => loaded(scheduler).length === 1)
  const find = store.schedules.findDynamic.bind(store.schedules)
  let failures = 2
  store.schedules.findDynamic = (name) => {
    failures -= 1
    return failures >= 0 ? Promise.reject(new Error('Redis is away')) : find(name)
  }
  await setSchedule('late', { every: '1h', class: 'A', queue: 'q' }, store)
  await eventually(() => loaded(scheduler).includes('late'))
  assert.ok(failures < 0)
})

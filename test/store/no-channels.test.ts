// A user of Redis 7 has no channels unless they are given to it: what it writes is written once, and news is polled for.
import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { createLogger } from '../../runtime/core/logger.ts'
import { newId } from '../../runtime/core/ids.ts'
import type { NewDelayedJob } from '../../runtime/store/queues/delayed-pages.ts'
import { openStore, type Store } from '../../runtime/store/store.ts'
import { useRedis } from '../support/redis.ts'
import { startRedisProxy } from '../support/redis-proxy.ts'
import { redisSettings } from '../support/store.ts'
import { reserveOne } from '../support/reserve.ts'
import { eventually } from '../support/wait.ts'

const server = useRedis()
const limits = { ttlMs: 86_400_000, failedMax: 100 }
let store: Store

beforeEach(async () => {
  const acl = ['resetchannels', '~resque:*', '+@all']
  await server.client().call('ACL', 'SETUSER', 'quiet', 'on', '>secret', ...acl)
  store = openStore({ ...redisSettings(server), username: 'quiet', password: 'secret' }, 'resque')
})
afterEach(() => store.close())

const job = (dueMs = 0): NewDelayedJob => ({
  id: newId(),
  className: 'OkJob',
  item: '{"class":"OkJob","args":[]}',
  queue: 'q',
  dueMs,
})

test('enqueueing, delaying, moving and cancelling do not fail after they have written', async () => {
  const now = Date.now()
  const [first, soon, late] = [job(), job(now + 100), job(now + 90_000)]
  assert.deepEqual(await store.queues.push('q', [first], now, limits.ttlMs), [undefined])
  assert.deepEqual(await store.delayed.add([soon, late], now, limits.ttlMs), [undefined, undefined])
  assert.equal((await store.delayed.moveDue(now + 100, 10, limits)).moved, 1)
  assert.equal(await store.jobs.cancel(late.id, now, limits.ttlMs), 'cancelled')
  await store.supervisors.register('s', ['vm:1:q'], {}, 10_000)
  const taken = await reserveOne(store, 's', 'vm:1:q', ['q'], newId(), now)
  assert.equal(taken.kind === 'job' && taken.job.id, first.id)
  assert.equal(await store.jobs.cancel(first.id, now, limits.ttlMs), 'running')
  await store.queues.setPaused('q', false)
  assert.equal(await server.client().llen('resque:queue:q'), 1)
})

test('a schedule is changed, and the leader finds its name in the set of those that changed', async () => {
  await store.schedules.setDynamic('new', '{}')
  await store.schedules.switch('paused', { paused: true }, Date.now())
  await store.schedules.askFor('asked', Date.now())
  assert.equal(await store.schedules.removeDynamic('new'), true)
  assert.deepEqual((await store.schedules.takeChanged()).sort(), ['asked', 'new', 'paused'])
})

test('every listener is told that it hears nothing, or only warned when it polls', async () => {
  const listen = (): Promise<unknown> => store.connection.listen('resque:rt:wake', () => undefined)
  const refused = { code: 'ERR_REDIS', message: /NOPERM.* channel.*let the user have the channels .*&resque:\*/ }
  await Promise.all([assert.rejects(listen(), refused), assert.rejects(listen(), refused)])
  await assert.rejects(listen(), refused)
  const lines: string[] = []
  const log = createLogger({ level: 'debug', format: 'text', write: (line) => lines.push(line) })
  const stop = await store.connection.listenIfAllowed('resque:rt:wake', () => undefined, log)
  assert.equal(stop, undefined)
  assert.match(lines.join(''), /cannot listen to resque:rt:wake, so changes are found only by polling/)
})

test('the end of a run is waited for without a channel', async () => {
  const stop = await store.runs.read.listen('run', () => assert.fail('heard'))
  stop()
})

test('who is allowed later is heard', async () => {
  const listen = (heard: string[]): Promise<() => void> =>
    store.connection.listen('resque:rt:wake', (message) => heard.push(message))
  const heard: string[] = []
  await assert.rejects(listen(heard))
  await server.client().call('ACL', 'SETUSER', 'quiet', '&resque:*')
  const stop = await listen(heard)
  await server.client().publish('resque:rt:wake', 'q')
  while (heard.length === 0) await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(heard, ['q'])
  stop()
})

test('a connection that breaks before Redis has answered SUBSCRIBE costs no channel, neither at first nor later', async (t) => {
  let breaks = 1
  const proxy = await startRedisProxy(server, (bytes) =>
    bytes.includes('\r\nsubscribe\r\n') && breaks-- > 0 ? 'close' : true,
  )
  const address = { ...redisSettings(server).address, path: proxy.url.replace('unix://', '') }
  const broken = openStore({ ...redisSettings(server), address }, 'resque')
  t.after(async () => {
    broken.close()
    await proxy.stop()
  })
  let heard = 0
  await broken.connection.listen('resque:rt:wake', () => (heard += 1))
  assert.equal(breaks, -1, 'the second SUBSCRIBE was answered')
  const isHeard = async (): Promise<void> => {
    const already = heard
    await eventually(async () => (await server.client().publish('resque:rt:wake', 'q')) > 0)
    await eventually(() => heard > already)
  }
  await isHeard()
  breaks = 1
  await server.client().client('KILL', 'TYPE', 'PUBSUB')
  await eventually(() => breaks < 0)
  await isHeard()
})

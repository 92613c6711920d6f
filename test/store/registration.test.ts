// Whatever registers a worker's slots is found by the reaper, wherever in its life the worker's process dies.
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { openStore } from '../../runtime/store/store.ts'
import { startRedisProxy } from '../support/redis-proxy.ts'
import { useRedis } from '../support/redis.ts'
import { redisSettings, testStore } from '../support/store.ts'
import { eventually } from '../support/wait.ts'

const server = useRedis()
const slots = ['vm:1:q', 'vm+2:1:q']
const limits = { maxRedeliveries: 3, failedMax: 10, ttlMs: 1000 }

/** Start, the renaming after a lost lease, and the end of a worker, up to the message to Redis with this number. */
async function liveUpTo(last: number): Promise<boolean> {
  let [messages, died] = [0, false]
  let die: () => void = () => undefined
  const death = new Promise<void>((resolve) => (die = resolve))
  const store = testStore(server)
  const proxy = await startRedisProxy(server, () => {
    died ||= messages++ >= last
    if (died) die()
    return !died
  })
  const address = { ...redisSettings(server).address, path: proxy.url.replace('unix://', '') }
  const dead = openStore({ ...redisSettings(server), address }, 'resque')
  const dying = dead.supervisors
  const life = (async () => {
    await dying.register('first', slots, { host: 'vm' }, 20)
    await eventually(async () => died || (await dying.beat('first', slots, 20)).fenced)
    // Late: its lease is over, and another buries it at the same time.
    await Promise.all([
      dying.describe('first', { launcher: 'fork' }),
      store.supervisors.reclaim('first', limits, Date.now()),
    ])
    await dying.register('second', slots, { host: 'vm' }, 20)
    await dying.describe('second', { launcher: 'fork' })
    await dying.beat('second', slots, 20)
    await dying.unregister('second', slots)
  })()
  await Promise.race([life, death])
  dead.close()
  await proxy.stop()
  void life.catch(() => undefined)
  await eventually(async () => {
    for (const id of (await store.supervisors.lapsed()).dead) await store.supervisors.reclaim(id, limits, Date.now())
    return (await store.supervisors.list()).length === 0
  })
  // That it died is remembered for a day.
  const left = (await server.client().keys('*')).filter((key) => key !== 'resque:rt:supervisors:lost')
  assert.deepEqual(left, [], `killed at message ${last}`)
  store.close()
  return died
}

it('a worker that is killed at any message of its start, its renaming and its end leaves nothing registered', async () => {
  let last = 0
  while (await liveUpTo(last)) last += 1
  assert.ok(last > 5, `only ${last} messages`)
})

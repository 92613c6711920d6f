// Which errors say that Redis is away (waiting helps), which that it will not do it, and which are nothing of Redis.
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { explainRedisError } from '../../runtime/store/connection/redis.ts'
import { openStore, type Store } from '../../runtime/store/store.ts'
import { startRedisProxy } from '../support/redis-proxy.ts'
import { useRedis } from '../support/redis.ts'
import { redisSettings, testStore } from '../support/store.ts'

const server = useRedis()
let store: Store
beforeEach(() => (store = testStore(server)))
afterEach(() => store.close())

test('what a program throws between its commands is thrown as it is', async () => {
  for (const error of [new RangeError('out of range'), new TypeError('no function')]) {
    await assert.rejects(
      store.connection.ask(() => Promise.reject(error)),
      (thrown) => thrown === error,
    )
  }
})

test('what a script stumbles over is an answer, not an absence', async () => {
  const permits = [{ kind: 'rate' as const, key: 'k', limit: 1 }]
  const job = { worker: 'w', id: 'j', delivery: '1' }
  await store.supervisors.register('s', ['w'], {}, 60_000)
  await server.client().hset('resque:rt:inflight:s', 'j', '1 w')
  await assert.rejects(store.limits.acquire('s', job, permits, 1), { code: 'ERR_REPLY', message: /perMs/ })
})

test('another type under a key is one, too, and says where to look', async () => {
  await server.client().set('resque:failed', 'text')
  await assert.rejects(store.failures.count(), { code: 'ERR_REPLY', message: /WRONGTYPE.*docs\/redis-keys\.md/ })
})

test('calls of one script are done in their order, also where Redis does not have the script yet', async () => {
  const proxy = await startRedisProxy(server, () => true, 10)
  const far = openStore({ ...redisSettings(server), address: redisSettings(proxy).address }, 'resque')
  await far.health.clock()
  const names = Array.from({ length: 20 }, (_, n) => `j${n}`)
  const calls: Promise<unknown>[] = []
  for (const id of names) {
    calls.push(far.queues.push('q', [{ id, className: 'A', item: `["${id}"]` }], Date.now(), 60_000))
    // In less time than a reply takes, so that some calls are sent between those that are sent again.
    await sleep(1)
  }
  await Promise.all(calls)
  far.close()
  await proxy.stop()
  assert.deepEqual(
    await server.client().lrange('resque:queue:q', 0, -1),
    names.map((id) => `["${id}"]`),
  )
})

test('calls that wait for the first one fail as it does when it gets no answer', async () => {
  const away = openStore({ ...redisSettings(server), commandTimeoutMs: 200 }, 'resque')
  const client = server.client()
  await away.health.clock()
  await client.client('PAUSE', 1500, 'ALL')
  const startedAt = performance.now()
  const push = (id: string): Promise<unknown> => away.queues.push('q', [{ id, className: 'A', item: id }], 1, 60_000)
  const ends = await Promise.allSettled([push('a'), push('b'), push('c')])
  assert.deepEqual(
    ends.map((end) => end.status === 'rejected' && (end.reason as { code?: string }).code),
    ['ERR_REDIS', 'ERR_REDIS', 'ERR_REDIS'],
  )
  assert.ok(performance.now() - startedAt < 1000)
  away.close()
})

describe('a reply that passes by itself is an absence', () => {
  const replies = [
    'LOADING Redis is loading the dataset in memory',
    "READONLY You can't write against a read only replica. script: 1f, on @user_script:9.",
    "OOM command not allowed when used memory > 'maxmemory'. script: 1f, on @user_script:9.",
    'ERR Error running script (call to f_1f): @user_script:9: @user_script: 9: -OOM command not allowed',
    'MISCONF Redis is configured to save RDB snapshots',
    'BUSY Redis is busy running a script.',
    'TRYAGAIN Multiple keys request during rehashing of slot',
    'CLUSTERDOWN The cluster is down',
    'MASTERDOWN Link with MASTER is down',
    'NOREPLICAS Not enough good replicas to write.',
    'NOAUTH Authentication required.',
    'ERR max number of clients reached',
    'ERR Error running script (call to f_1f): Script killed by user with SCRIPT KILL. script: 1f',
  ]
  for (const reply of replies) {
    test(reply.split(' ').slice(0, 6).join(' '), () => {
      assert.equal((explainRedisError(new Error(reply), redisSettings(server)) as { code?: string }).code, 'ERR_REDIS')
    })
  }
})

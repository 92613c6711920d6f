// Which errors say that Redis is away (waiting helps), which that it will not do it, and which are nothing of Redis.
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { explainRedisError } from '../../runtime/store/connection/redis.ts'
import type { Store } from '../../runtime/store/store.ts'
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

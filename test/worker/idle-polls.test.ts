// What a worker asks of Redis while there is nothing to do: polls by plain commands, and the script that takes jobs only when
// there may be one. The workers are real fetchers in this process.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Redis } from 'ioredis'
import { useRedis } from '../support/redis.ts'
import { eventually } from '../support/wait.ts'
import { closeAfterEach, IdleWorker, registered } from './idle-worker.ts'

const server = useRedis()
closeAfterEach()

const item = '{"class":"OkJob","args":[1]}'
const counted = async (redis: Redis, command: string): Promise<number> =>
  Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(await redis.info('commandstats'))?.[1] ?? 0)

test('while there is nothing to take, polls of a registered worker do not call a script', async () => {
  for (const queues of [['q'], ['*']]) {
    const worker = await new IdleWorker(server, queues, 20).start()
    const { redis } = worker.store.connection
    await redis.sadd('resque:queues', 'q')
    await eventually(async () => (await registered(server)) === 1)
    const before = worker.looks
    const polls = await counted(redis, 'exists')
    await eventually(async () => (await counted(redis, 'exists')) >= polls + 5)
    assert.ok(worker.looks <= before + 1, `${worker.looks - before} looks`)
    await redis.rpush('resque:queue:q', item)
    await eventually(() => worker.taken.length === 1)
    worker.fetcher.stop()
  }
})

test('a poll finds what waits in a paused queue, and takes it only when the queue is resumed by a client that wakes no one', async () => {
  const worker = await new IdleWorker(server, ['q'], 20).start()
  const { redis } = worker.store.connection
  await eventually(async () => (await registered(server)) === 1)
  await redis.sadd('resque:rt:paused', 'q')
  await redis.rpush('resque:queue:q', item)
  const before = worker.looks
  await eventually(() => worker.looks > before + 2)
  assert.equal(worker.taken.length, 0)
  await redis.srem('resque:rt:paused', 'q')
  await eventually(() => worker.taken.length === 1)
})

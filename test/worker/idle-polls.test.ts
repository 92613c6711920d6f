// What a worker asks of Redis while there is nothing to do: one command a poll, and the script that takes jobs only when
// there may be one. The workers are real fetchers in this process.
import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import type { Redis } from 'ioredis'
import { systemClock } from '../../runtime/core/clock.ts'
import { silentLogger } from '../../runtime/core/logger.ts'
import { Fetcher } from '../../runtime/worker/reserve/fetcher.ts'
import { QueueChoice } from '../../runtime/worker/reserve/queue-choice.ts'
import { useRedis } from '../support/redis.ts'
import { eventually } from '../support/wait.ts'
import { closeAfterEach, idle, IdleWorker, newStore, registered } from './idle-worker.ts'

const server = useRedis()
closeAfterEach()

const item = '{"class":"OkJob","args":[1]}'
const counted = async (redis: Redis, command: string): Promise<number> =>
  Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(await redis.info('commandstats'))?.[1] ?? 0)

test('while there is nothing to take, a poll of a registered worker is one command, which takes nothing', async () => {
  for (const queues of [['q'], ['*'], ['q*']]) {
    const worker = await new IdleWorker(server, queues, 20).start()
    const { redis } = worker.store.connection
    await redis.sadd('resque:queues', 'q')
    await eventually(async () => (await registered(server)) === 1)
    const before = worker.looks
    const ask = mock.method(worker.store.connection, 'ask')
    const polls = await counted(redis, 'exists')
    await eventually(async () => (await counted(redis, 'exists')) >= polls + 10)
    const [asked, polled] = [ask.mock.callCount(), (await counted(redis, 'exists')) - polls]
    ask.mock.restore()
    assert.ok(worker.looks <= before + 1, `${worker.looks - before} looks`)
    // A look may come between, with the list of queues.
    assert.ok(asked <= polled + 3, `${asked} commands for ${polled} polls`)
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

test('a worker with patterns finds a new queue of a client that wakes no one by its next poll, and looks once for one that it does not serve', async () => {
  const worker = await new IdleWorker(server, ['q*'], 20).start()
  const { redis } = worker.store.connection
  await redis.sadd('resque:queues', 'q')
  await eventually(async () => (await registered(server)) === 1)
  const before = worker.looks
  await redis.sadd('resque:queues', 'other')
  await eventually(() => worker.looks === before + 1)
  await redis.rpush('resque:queue:other', item)
  await redis.sadd('resque:queues', 'q2')
  await redis.rpush('resque:queue:q2', item)
  // The list of queues is read again every five seconds in any case.
  await eventually(() => worker.taken.length === 1, { timeoutMs: 4000 })
  assert.equal(worker.taken[0]?.queue, 'q2')
  assert.ok(worker.looks <= before + 4, `${worker.looks - before} looks`)
})

test('a list with patterns is read again after four seconds by a poll, after five by a look, or when the clock went back, also where the number of queues is the same', async () => {
  const store = newStore(server)
  const { redis } = store.connection
  let nowMs = 1_000_000
  const clock = { ...systemClock, now: () => nowMs }
  const choice = new QueueChoice({ store, clock, queues: ['*'], weights: {} })
  const replace = async (from: string, to: string): Promise<void> => {
    await redis.multi().srem('resque:queues', from).sadd('resque:queues', to).rpush(`resque:queue:${to}`, item).exec()
  }
  await redis.sadd('resque:queues', 'a')
  assert.equal(await choice.areEmpty(), false)
  assert.deepEqual(await choice.select(), ['a'])
  await replace('a', 'b')
  nowMs += 3999
  assert.equal(await choice.areEmpty(), true)
  nowMs += 1000
  assert.deepEqual(await choice.select(), ['a'])
  nowMs += 1
  assert.deepEqual(await choice.select(), ['b'])
  await replace('b', 'a')
  nowMs += 4000
  assert.equal(await choice.areEmpty(), false)
  assert.deepEqual(await choice.select(), ['a'])
  await replace('a', 'b')
  await redis.del('resque:queue:a', 'resque:queue:b')
  nowMs += 5000
  assert.equal(await choice.areEmpty(), false)
  assert.equal(await choice.areEmpty(), true)
  await replace('b', 'c')
  nowMs -= 1
  assert.equal(await choice.areEmpty(), false)
  assert.deepEqual(await choice.select(), ['c'])
  await redis.del('resque:queue:c')
  nowMs += 5000
  assert.equal(await choice.areEmpty(), true)
  await redis.sadd('resque:queues', 'd')
  assert.equal(await choice.areEmpty(), false)
  assert.deepEqual(await choice.select(), ['c', 'd'])
  await redis.multi().del('resque:queues').set('resque:queues', 'x').exec()
  assert.equal(await choice.areEmpty(), false)
})

test('with weights each job is of a draw of its own', async () => {
  const store = newStore(server)
  const { redis } = store.connection
  await store.supervisors.register('s', ['vm:1:q'], {}, 60_000)
  await redis.rpush('resque:queue:high', item, item)
  await redis.rpush('resque:queue:low', item)
  const reserve = mock.method(store.supervisors, 'reserve')
  const fetcher = new Fetcher({
    ...{ store, clock: systemClock, log: silentLogger, queues: ['high', 'low'], slots: 2, pollMs: 60_000 },
    weights: { low: 1e12 },
    supervisorId: () => 's',
    onFenced: () => assert.fail('fenced'),
    onEmpty: () => undefined,
  })
  const jobs = await Promise.all([fetcher.next('vm:1:q'), fetcher.next('vm:2:q')])
  assert.deepEqual(
    jobs.map((job) => job?.queue),
    ['low', 'high'],
  )
  assert.deepEqual(
    reserve.mock.calls.map(({ arguments: [, slots] }) => slots.workers.length),
    [1, 1],
  )
  fetcher.stop()
  await fetcher.close()
})

test('a worker that may not listen is in no register, and polls; one that may not hear of queues is woken', async () => {
  for (const [queues, isWoken] of [
    [['q'], false],
    [['*'], false],
    [['*'], true],
  ] as const) {
    const worker = new IdleWorker(server, [...queues], 20)
    const { connection } = worker.store
    const listen = connection.listenIfAllowed.bind(connection)
    connection.listenIfAllowed = (channel, ...rest) =>
      isWoken && channel !== connection.keys.wakeQueues() ? listen(channel, ...rest) : Promise.resolve(undefined)
    await worker.start()
    await connection.redis.sadd('resque:queues', 'q')
    await eventually(() => worker.looks > 0)
    await eventually(async () => (await registered(server)) === (isWoken ? 1 : 0))
    await connection.redis.rpush('resque:queue:q', item)
    await eventually(() => worker.taken.length === 1)
    worker.fetcher.stop()
    await worker.fetcher.close()
  }
})

test('a worker stays registered until after its next look, and listens no more once it is closed', async () => {
  const worker = await new IdleWorker(server, ['*'], 700).start()
  const { redis } = worker.store.connection
  await redis.sadd('resque:queues', 'q')
  await worker.store.queues.wake('q', 1)
  worker.fetcher.wake()
  await eventually(async () => (await registered(server)) === 1)
  const [list = ''] = await redis.keys('resque:rt:idle:*')
  const [, until] = await redis.zrange(list, 0, '0', 'WITHSCORES')
  assert.ok(Number(until) > Date.now() + 10_700)
  worker.fetcher.stop()
  await worker.fetcher.close()
  const heard = async (): Promise<unknown[]> => redis.pubsub('CHANNELS', 'resque:rt:wake*')
  await eventually(async () => (await heard()).length === 0)
})

test('a worker that takes a job by itself, and has no slot left, is off the register', async () => {
  const [worker] = await idle(server, ['q'], 1, { pollMs: 100, slots: 1 })
  await worker?.store.connection.redis.rpush('resque:queue:q', item)
  await eventually(() => worker?.taken.length === 1)
  assert.equal(await registered(server), 0)
})

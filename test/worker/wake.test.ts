// One job wakes one idle worker that serves its queue, whatever pushed it; and no message that is lost delays a job by more
// than the poll. The workers are real fetchers with a connection of their own, in this process.
import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { systemClock } from '../../runtime/core/clock.ts'
import { newId } from '../../runtime/core/ids.ts'
import { silentLogger } from '../../runtime/core/logger.ts'
import type { Store } from '../../runtime/store/store.ts'
import { MaintenanceLock } from '../../runtime/store/workers/maintenance-lock.ts'
import { RetryMover } from '../../runtime/worker/reserve/retry-mover.ts'
import { useRedis } from '../support/redis.ts'
import { eventually } from '../support/wait.ts'
import { closeAfterEach, idle, IdleWorker, newStore, registered, sum, taken } from './idle-worker.ts'
import { reserveOne } from '../support/reserve.ts'

const server = useRedis()
const ttlMs = 60_000
const limits = { ttlMs, failedMax: 100 }
closeAfterEach()

const job = (n: number) => ({ id: newId(), className: 'OkJob', item: `{"class":"OkJob","args":[${n}]}` })
const jobs = (count: number) => Array.from({ length: count }, (_, n) => job(n))
const push = (store: Store, queue: string, count = 1) => store.queues.push(queue, jobs(count), Date.now(), ttlMs)

test('a job wakes one worker, and none of those that do not serve its queue', async () => {
  const serving = await idle(server, ['low', 'q'], 4)
  const others = await idle(server, ['other'], 3)
  const [before, asleep] = [sum(serving), sum(others)]
  await push(serving[0]?.store as Store, 'q')
  await eventually(() => taken(serving) === 1)
  // The one that was woken looks again, and finds nothing.
  await eventually(() => sum(serving) === before + 2)
  await eventually(async () => (await registered(server)) === 7)
  assert.deepEqual([sum(serving), sum(others)], [before + 2, asleep])
})

test('a burst of n jobs wakes n workers, or all that are idle', async () => {
  const workers = await idle(server, ['q'], 5, { slots: 1 })
  const before = sum(workers)
  const wakes = workers.map(({ store }) => mock.method(store.queues, 'wake').mock)
  await push(workers[0]?.store as Store, 'q', 3)
  await eventually(() => taken(workers) === 3)
  assert.equal(sum(workers), before + 3)
  // Each has taken the job that it was woken for.
  assert.ok(wakes.every((wake) => wake.callCount() === 0))
  assert.ok(workers.every((worker) => worker.taken.length <= 1))
  await push(workers[0]?.store as Store, 'q', 9)
  await eventually(() => taken(workers) === 5)
  assert.equal(sum(workers), before + 5)
})

test('a worker that has died or does not hear is passed over', async () => {
  const [worker] = await idle(server, ['q'], 1)
  const { store, id } = worker as IdleWorker
  const list = String((await store.connection.redis.keys('resque:rt:idle:*'))[0])
  await store.connection.redis.zadd(list, Date.now() + 1000, 'dead1', Date.now() + 1001, 'dead2')
  await push(store, 'q')
  await eventually(() => worker?.taken.length === 1)
  assert.equal((await store.supervisors.inflight(id)).size, 1)
})

test('a worker that is woken and takes nothing delays the job by no more than the poll', async () => {
  const workers = await idle(server, ['q'], 1, { pollMs: 300 })
  const { store } = workers[0] as IdleWorker
  const list = String((await store.connection.redis.keys('resque:rt:idle:*'))[0])
  // Frozen: it is subscribed, registered, and next in line.
  const frozen = server.client()
  await frozen.subscribe('resque:rt:wake:worker:frozen')
  await store.connection.redis.zadd(list, Date.now() + 200, 'frozen')
  await push(store, 'q')
  assert.equal(await store.connection.redis.zscore(list, 'frozen'), null)
  const pushedAt = performance.now()
  await eventually(() => taken(workers) === 1)
  assert.ok(performance.now() - pushedAt < 2000)
})

test('jobs of a client that wakes no one are found by one poll, which wakes others for the rest', async () => {
  const sleepers = await idle(server, ['q'], 3, { slots: 1 })
  const [poller] = await idle(server, ['q'], 1, { pollMs: 100, slots: 1 })
  const redis = (poller as IdleWorker).store.connection.redis
  await redis.rpush('resque:queue:q', ...jobs(4).map(({ item }) => item))
  await eventually(() => taken(sleepers) === 3 && poller?.taken.length === 1)
})

test('a woken worker that has no slot left for the job wakes another', async () => {
  const [other] = await idle(server, ['low'], 1)
  // Of two lists that contain a queue, the one that was declared last is looked at first.
  const [busy] = await idle(server, ['high', 'low'], 1, { slots: 1 })
  const { store } = busy as IdleWorker
  const wake = mock.method(store.queues, 'wake')
  await store.connection.redis.rpush('resque:queue:high', job(1).item)
  await push(store, 'low')
  await eventually(() => other?.taken.length === 1)
  assert.equal(busy?.taken.length, 1)
  assert.deepEqual(wake.mock.calls[0]?.arguments, ['low', 1])
})

test('a worker that stops or pauses is off the register, and passes on what it was woken for', async () => {
  for (const halt of ['pause', 'stop'] as const) {
    const [halted] = await idle(server, [halt], 1)
    const { fetcher, store } = halted as IdleWorker
    const { redis } = store.connection
    const list = String((await redis.zrange(`resque:rt:served-by:${halt}`, 0, '0'))[0])
    const [listener = ''] = await redis.zrange(`resque:rt:idle:${list}`, 0, '0')
    fetcher[halt]()
    await eventually(async () => (await redis.zcard(`resque:rt:idle:${list}`)) === 0)
    const [other] = await idle(server, [halt], 1)
    await redis.rpush(`resque:queue:${halt}`, job(1).item)
    // The message was under way.
    await redis.publish(`resque:rt:wake:worker:${listener}`, halt)
    await eventually(() => other?.taken.length === 1)
    assert.equal(halted?.taken.length, 0)
    await fetcher.close()
    const channel = `resque:rt:wake:worker:${listener}`
    await eventually(async () => String(await redis.pubsub('NUMSUB', channel)) === `${channel},0`)
  }
})

test('workers with patterns hear of new queues that they serve, and of no others', async () => {
  const mail = await new IdleWorker(server, ['mail-*']).start()
  const all = await new IdleWorker(server, ['*', '!mail-*']).start()
  await eventually(() => mail.looks > 0 && all.looks > 0)
  await push(mail.store, 'mail-a')
  await eventually(() => mail.taken.length === 1)
  await eventually(async () => (await registered(server)) === 1)
  const before = mail.looks
  await push(mail.store, 'sms')
  await eventually(() => all.taken.length === 1)
  assert.equal(mail.looks, before)
  await push(mail.store, 'mail-a')
  await eventually(() => mail.taken.length === 2)
  assert.equal(all.taken.length, 1)
})

test('whatever pushes a job wakes a worker', async () => {
  const [worker] = await idle(server, ['q'], 1)
  const { store, id } = worker as IdleWorker
  const { redis } = store.connection
  await redis.set('resque:queue:wrong', 'no list').then(() => store.queues.wake('wrong', 1))
  const now = Date.now()
  const busy = newStore(server)
  await busy.supervisors.register('busy', ['vm:1:q'], {}, ttlMs)
  const inHand = async (): Promise<{ id: string; delivery: string; worker: string }> => {
    await push(busy, 'own')
    const reply = await reserveOne(busy, 'busy', 'vm:1:q', ['own'], newId(), now)
    assert.ok(reply.kind === 'job')
    await redis.hset(`resque:rt:job:${reply.job.id}`, 'queue', 'q')
    return { id: reply.job.id, delivery: reply.job.delivery, worker: 'vm:1:q' }
  }
  const permit = { kind: 'concurrency' as const, key: 'k', limit: 1 }
  const delayed = (dueMs: number) => [{ ...job(dueMs), queue: 'q', dueMs }]
  const paths: Record<string, () => Promise<unknown>> = {
    enqueue: () => push(store, 'q'),
    'a delayed job that is due already': () => store.delayed.add(delayed(now - 1), now, ttlMs),
    'a short delay': async () => {
      await store.delayed.add(delayed(now + 500), now, ttlMs)
      await store.delayed.moveDue(now + 500, 10, limits)
    },
    'a long delay': async () => {
      const dueMs = now + 90_000
      await redis.set('resque:resque:resque_scheduler_master_lock', 'me')
      await store.delayed.add(delayed(dueMs), now, ttlMs)
      await store.delayed.moveBuckets({ id: 'me', lockPrefix: '' }, dueMs + 1000, 10, limits)
    },
    'a delayed job that is queued by hand': async () => {
      await store.delayed.add([{ ...job(7), queue: 'q', dueMs: now + 90_000 }], now, ttlMs)
      await store.delayed.enqueueNow({ className: 'OkJob', item: job(7).item, queue: 'q' }, now, ttlMs)
    },
    'a delivery that goes back': async () => busy.supervisors.requeue('busy', await inHand(), now, 0, false, ttlMs),
    'a concurrency slot that comes free': async () => {
      const [first, second] = [await inHand(), await inHand()]
      for (const each of [first, second]) await busy.limits.acquire('busy', each, [permit], now)
      await busy.supervisors.settle('busy', first, now, 10, { state: 'done', ttlMs })
    },
    'a dead worker': async () => {
      await inHand()
      await redis.zadd('resque:rt:supervisors', 1, 'busy')
      await store.supervisors.reclaim('busy', { maxRedeliveries: 3, ...limits }, now)
    },
    'a failed job that is retried': async () => {
      await redis.rpush('resque:failed', `{"payload":${job(8).item},"queue":"q"}`)
      for (const entry of await store.failures.list(0, 1)) await store.failures.retry(entry, newId(), now, ttlMs)
    },
    'a queue that is resumed': async () => {
      await store.queues.setPaused('q', true)
      await redis.rpush('resque:queue:q', job(9).item)
      await store.queues.setPaused('q', false)
    },
    'a step of a run': async () => {
      const kinds = [{ class: 'OkJob', queue: 'q' }]
      await store.runs.create({ id: 'run', className: 'Flow', kinds, nodes: [{ kind: 0, parents: [] }], ttlMs }, now)
      await store.runs.start('run', now)
    },
  }
  for (const [what, act] of Object.entries(paths)) {
    const before = worker?.taken.length
    await eventually(async () => (await registered(server)) === 1)
    await act()
    await eventually(() => worker?.taken.length === Number(before) + 1, { timeoutMs: 5000, what })
  }
  assert.equal((await store.supervisors.inflight(id)).size, Object.keys(paths).length)
})

const lockOf = ({ connection }: Store) =>
  new MaintenanceLock({ name: 'upkeep', connection, clock: systemClock, log: silentLogger })

test('one mover wakes for a delayed job; another takes over at once when it stops, and soon when it dies', async () => {
  const movers = await Promise.all(
    [1, 2, 3].map(async () => {
      const store = newStore(server)
      let moves = 0
      const move = store.delayed.moveDue.bind(store.delayed)
      store.delayed.moveDue = (...args) => {
        moves += 1
        return move(...args)
      }
      const lock = lockOf(store)
      const mover = new RetryMover({ store, clock: systemClock, log: silentLogger, lock, limits })
      await mover.start()
      await lock.start()
      const stop = (): Promise<void> => lock.stop().then(() => mover.stop())
      return { stop, store, moves: () => moves }
    }),
  )
  const active = await eventually(() => movers.find(({ moves }) => moves() > 0))
  const others = movers.filter((each) => each !== active)
  const due = () => [{ ...job(1), queue: 'q', dueMs: Date.now() + 30 }]
  const { store } = active
  const waiting = (count: number) => eventually(async () => (await store.queues.sizes()).get('q') === count)
  await store.delayed.add(due(), Date.now(), ttlMs)
  await waiting(1)
  assert.deepEqual(
    others.map(({ moves }) => moves()),
    [0, 0],
  )
  await active.stop()
  const next = await eventually(() => others.find(({ moves }) => moves() > 0), { timeoutMs: 2000 })
  await store.delayed.add(due(), Date.now(), ttlMs)
  await waiting(2)
  for (const mover of movers) if (mover !== next) await mover.stop()
  // Its process is gone: what it holds runs out.
  next.store.close()
  await store.connection.redis.pexpire('resque:rt:duty:upkeep', 50)
  const heir = lockOf(store)
  await heir.start()
  await eventually(() => heir.isHeld)
  await Promise.all([heir.stop(), next.stop()])
})

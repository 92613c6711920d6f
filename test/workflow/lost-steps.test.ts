// Steps that a Ruby worker takes, or whose queue is removed from outside: they are found, and put back once.
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { planAdditions } from '../../runtime/workflow/graph/additions.ts'
import { useRedis } from '../support/redis.ts'
import { eventually } from '../support/wait.ts'
import { StepDriver } from './support.ts'
import { reserveOne } from '../support/reserve.ts'

const redis = useRedis()
let driver: StepDriver

beforeEach(async () => {
  driver = await new StepDriver(redis).register()
})
afterEach(() => driver.close())

const diamond = { a: [], b: ['a'], c: ['a'], d: ['b', 'c'] }

/** Starts a run and ends its first step: two others are queued. */
async function started(): Promise<string> {
  const { id } = await driver.create(diamond)
  await driver.store.runs.start(id, Date.now())
  const first = await driver.take()
  assert.ok(first)
  await driver.end(first)
  return id
}

const lost = async (id: string): Promise<number[]> => (await driver.store.runs.lost([id])).lost.get(id) ?? []

describe('a step that lies nowhere', () => {
  test('is found, and put back by continue, also while its run is under way', async () => {
    const { runs } = driver.store
    const id = await started()
    assert.deepEqual(await lost(id), [])
    await assert.rejects(runs.resume(id, Date.now()), { code: 'ERR_STATE' })
    await redis.client().del('test:queue:work')
    assert.deepEqual(await lost(id), [1, 2])
    await runs.resume(id, Date.now())
    assert.deepEqual(await lost(id), [])
    assert.equal(await redis.client().llen('test:queue:work'), 2)
    await assert.rejects(runs.resume(id, Date.now()), { code: 'ERR_STATE' })
    assert.deepEqual(await driver.drain(), ['b', 'c', 'd'])
    assert.equal((await runs.read.find(id))?.status, 'finished')
  })

  test('is put back by a continue after a stop', async () => {
    const { runs } = driver.store
    const id = await started()
    await redis.client().lpop('test:queue:work')
    await runs.stop(id, Date.now())
    await runs.resume(id, Date.now())
    assert.deepEqual((await driver.drain()).sort(), ['b', 'c', 'd'])
  })

  test('is put back by retry, and by itself: the others stay', async () => {
    const { runs } = driver.store
    const id = await started()
    await assert.rejects(runs.decide(id, 1, 'retry', Date.now()), { code: 'ERR_STATE', message: /it is queued/ })
    await redis.client().del('test:queue:work')
    await runs.decide(id, 2, 'retry', Date.now())
    assert.deepEqual(await lost(id), [1])
    await assert.rejects(runs.decide(id, 2, 'retry', Date.now()), { code: 'ERR_STATE' })
    await runs.decide(id, 1, 'retry', Date.now())
    assert.deepEqual((await driver.drain()).sort(), ['b', 'c', 'd'])
  })

  test('is found where it was back from a wait, from a retry, or put back', async () => {
    const { store, supervisor } = driver
    const later = Date.now() + 60_000
    const waits = await driver.create({ a: [] }, { wait: { a: 5000 } })
    await store.runs.start(waits.id, Date.now())
    assert.deepEqual(await lost(waits.id), [], 'it waits its time')
    const back = await driver.create({ a: [] })
    await store.runs.start(back.id, Date.now())
    const taken = await driver.take()
    assert.ok(taken)
    assert.deepEqual(await lost(back.id), [])
    await store.supervisors.requeue(supervisor, taken.job, Date.now(), Date.now() + 5000, true, 60_000)
    assert.deepEqual(await lost(back.id), [])
    await store.delayed.moveDue(later, 100, { ttlMs: 60_000, failedMax: 10 })
    assert.deepEqual([await lost(waits.id), await lost(back.id)], [[], []])
    await redis.client().del('test:queue:work')
    assert.deepEqual([await lost(waits.id), await lost(back.id)], [[0], [0]])
    for (const { id } of [waits, back]) await store.runs.resume(id, Date.now())
    assert.deepEqual(await driver.drain(), ['a', 'a'])
  })

  test('that was there after all runs once', async () => {
    const id = await started()
    await driver.store.connection.run('run-recover', { id, now: Date.now() }, [1, 2])
    assert.equal(await redis.client().llen('test:queue:work'), 4)
    assert.deepEqual(await driver.drain(), ['b', 'c', 'd'])
    assert.equal((await driver.store.runs.read.find(id))?.status, 'finished')
  })

  test('is told from one behind many other items of its queue', async () => {
    const id = await started()
    const broken = ['{"class":"ResqueRuntime::Step",', '{"class":"ResqueRuntime::Step","args":{}}']
    const others = Array.from({ length: 1998 }, () => '{"class":"OkJob","args":[]}')
    await redis.client().rpush('test:queue:work', ...broken, ...others)
    assert.deepEqual(await lost(id), [])
    await redis.client().lpop('test:queue:work')
    assert.deepEqual(await lost(id), [1])
  })

  test('is not looked for in a run that is gone, and in a run that is too large the search says that it is not complete', async () => {
    const { runs, connection } = driver.store
    assert.deepEqual(await runs.lost(['gone']), { lost: new Map(), complete: true })
    const id = await started()
    await redis.client().hset(connection.keys.run(id), 'total', 200_001)
    assert.deepEqual(await runs.lost([id]), { lost: new Map(), complete: false })
  })

  test('in the hands of a worker that has not begun it is not lost', async () => {
    const { store, supervisor, worker } = driver
    const id = await started()
    const reply = await reserveOne(store, supervisor, worker, ['work'], 'hand', Date.now())
    assert.equal(reply.kind, 'job')
    assert.deepEqual(await lost(id), [])
  })
})

describe('a run whose records are damaged does not stand still, nor does another', () => {
  const record = 44
  const table = (id: string): string => `test:rt:run:${id}:table`
  const number = (value: number): Buffer => Buffer.from(new Uint32Array([value]).buffer)
  const bytesAt = (offset: number, bytes: Buffer) => (id: string) => redis.client().setrange(table(id), offset, bytes)
  const advancing = 'test:rt:advancing'
  const damages: Record<string, [damage: (id: string) => Promise<unknown>, ran: string[]]> = {
    'a child is in a state that does not exist': [bytesAt(record, Buffer.from([99])), ['a', 'c']],
    'a child is not in the table': [(id) => redis.client().set(`test:rt:run:${id}:children`, number(77)), ['a']],
    'the table ends within a record': [
      async (id) => redis.client().set(table(id), (await redis.client().getBuffer(table(id)))?.subarray(0, 140) ?? ''),
      ['a', 'b', 'c'],
    ],
    'a node has more children than there are edges': [bytesAt(12, number(4e9)), ['a', 'b', 'c', 'd']],
    'a node says nothing of where its children are': [bytesAt(8, number(4e9)), ['a']],
    'an edge is cut': [
      async (id) =>
        redis
          .client()
          .set(
            `test:rt:run:${id}:children`,
            (await redis.client().getBuffer(`test:rt:run:${id}:children`))?.subarray(0, 6) ?? '',
          ),
      ['a', 'b'],
    ],
    'a kind is no JSON': [(id) => redis.client().hset(`test:rt:run:${id}:kinds`, '1', '{'), ['a', 'c']],
    'a kind is gone': [(id) => redis.client().hdel(`test:rt:run:${id}:kinds`, '1'), ['a', 'c']],
    'a kind has no queue': [(id) => redis.client().hset(`test:rt:run:${id}:kinds`, '1', '{"class":"b"}'), ['a', 'c']],
    'a counter is no number': [(id) => redis.client().hset(`test:rt:run:${id}`, 'running', 'x'), ['a', 'b', 'c', 'd']],
    'its age is no number': [
      (id) => redis.client().hset(`test:rt:run:${id}`, 'created_at', 'x', 'ttl_ms', 'x'),
      ['a', 'b', 'c', 'd'],
    ],
  }
  for (const [what, [damage, ran]] of Object.entries(damages))
    test(what, async () => {
      const { id } = await driver.create(diamond)
      await driver.store.runs.start(id, Date.now())
      await damage(id)
      assert.deepEqual(await driver.drain(), ran)
      assert.equal((await driver.store.runs.read.find(id))?.status, ran.length === 4 ? 'finished' : 'failed')
      assert.equal(await redis.client().llen(advancing), 0)
      await driver.create({ e: [] }).then((other) => driver.store.runs.start(other.id, Date.now()))
      assert.deepEqual(await driver.drain(), ['e'])
    })

  test('what is left to do cannot be read: the run ends as far as it came, and the others go on', async () => {
    const { store } = driver
    for (const entry of [
      'tell 0 x finished',
      'tell 0 0 unknown',
      'roots',
      'grow 0',
      'grow 0 4000000000',
      'sing 1',
      '',
    ]) {
      const { id } = await driver.create({ a: [] })
      await store.connection.run('run-start', { id, now: Date.now() })
      const other = await driver.create({ b: [] })
      await store.connection.run('run-start', { id: other.id, now: Date.now() })
      await redis.client().lset(advancing, 0, `${id} ${entry}`)
      assert.ok((await store.runs.advance(Date.now())) < 5, entry)
      assert.deepEqual(await driver.drain(), ['b'], entry)
      assert.equal((await store.runs.read.find(id))?.status, 'failed', entry)
    }
    const gone = Array.from({ length: 450 }, (_, n) => `gone${n} roots 0`)
    await redis.client().rpush(advancing, ...gone)
    assert.equal(await store.runs.advance(Date.now()), 3, 'a call passes over no more than it works off')
  })

  test('a job that joins hangs on one that is not there', async () => {
    const { runs } = driver.store
    const { id } = await driver.create({ a: [], z: ['a'] })
    await runs.start(id, Date.now())
    const a = (await driver.take()) ?? assert.fail()
    const added = { id: 'n', class: 'n', after: ['0'], before: [], queue: 'work' }
    const grow = await runs.stage(id, await planAdditions(runs.read, id, [added]))
    await redis.client().setrange(`test:rt:run:${id}:parents`, 4, number(77))
    await driver.end(a, 'done', { extra: JSON.stringify({ grow }) })
    assert.deepEqual(await driver.drain(), ['z'])
    assert.equal((await runs.read.find(id))?.status, 'failed')
  })
})

test('whoever ends a step with many children goes on with them; a step that is another job’s is busy', async () => {
  const many = Array.from({ length: 650 }, (_, i) => `c${i}`)
  const { id } = await driver.create({ a: [], ...Object.fromEntries(many.map((name) => [name, ['a']])) })
  await driver.store.runs.start(id, Date.now())
  assert.equal((await driver.store.runs.countByStatus()).running, 1)
  const a = (await driver.take()) ?? assert.fail()
  assert.equal(await driver.store.runs.begin(id, 0, 'another', 1, Date.now()), 'busy')
  assert.equal(await driver.store.runs.begin(id, 9999, 'another', 1, Date.now()), 'gone')
  await driver.end(a)
  await eventually(async () => (await driver.store.runs.read.find(id))?.counts.queued === 650)
  const [row] = await driver.store.runs.read.nodes(id, 0, 1)
  assert.ok(Math.abs((row?.endedAt ?? 0) - Date.now()) < 60_000)
  await assert.rejects(driver.store.runs.expire('none', 1, Date.now()), { code: 'ERR_NOT_FOUND' })
})

test('a step that a stop has cancelled waits for the continue; one that waits for a limit is delayed', async () => {
  const { store, supervisor } = driver
  const { id, names } = await driver.create({ a: [], b: ['a'] })
  await store.runs.start(id, Date.now())
  const first = (await driver.take()) ?? assert.fail()
  await store.runs.stop(id, Date.now())
  await driver.end(first, 'cancelled')
  assert.deepEqual(await driver.states(id, names), { run: 'stopped', a: 'held', b: 'waiting' })
  await store.runs.resume(id, Date.now())
  const { job } = (await driver.take()) ?? assert.fail()
  const rate = { kind: 'rate' as const, key: 'k', limit: 1, perMs: 600_000 }
  await store.limits.acquire(supervisor, { ...job, id: 'other' }, [rate], Date.now())
  assert.equal(await store.limits.acquire(supervisor, job, [rate], Date.now()), 'granted')
  await store.supervisors.requeue(supervisor, job, Date.now(), 0, false, 60_000)
  const again = (await driver.take()) ?? assert.fail()
  assert.equal(await store.limits.acquire(supervisor, again.job, [rate], Date.now()), 'held')
  assert.equal((await driver.states(id, names)).a, 'delayed')
  assert.equal(await driver.store.connection.redis.hexists(`test:rt:run:${id}`, 'args'), 0)
})

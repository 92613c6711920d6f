// Changes of all failed jobs that match: counted first, in steps, stopped on request, and never of what does not match.
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { RuntimeError } from '../../runtime/core/errors.ts'
import {
  changeFailed,
  countFailed,
  listChanged,
  requeueFailed,
  retryWithArgs,
} from '../../runtime/inspect/changes/failed.ts'
import { useRedis } from '../support/redis.ts'
import { useStore } from '../worker/support.ts'
import { StepDriver } from '../workflow/support.ts'
import { inspected } from './support.ts'

const server = useRedis()
const to = useStore(server)

const entry = (n: number, more: object = {}): string =>
  JSON.stringify({
    ...{ failed_at: '2026/01/01 00:00:00 UTC', payload: { class: n % 2 === 0 ? 'Even' : 'Odd', args: [n] } },
    ...{ exception: 'E', error: 'no', backtrace: [], worker: 'a:1:low', queue: 'low', ...more },
  })
const add = async (...entries: string[]): Promise<void> =>
  void (await server.client().rpush('resque:failed', ...entries))
const left = async (): Promise<number[]> =>
  (await to.store.failures.list(0, 1000)).map(
    ({ payload }) => (JSON.parse(payload) as { args: number[] }).args[0] ?? -1,
  )

it('removes what matched when it was counted, in steps, and nothing that failed later', async () => {
  await add(...Array.from({ length: 250 }, (_, n) => entry(n)))
  const place = inspected(to.store)
  const counted = await countFailed(place, { class: 'Even' })
  assert.deepEqual(counted, { count: 125, newest: 249, isStopped: false })
  await add(entry(1000))
  const seen: number[] = []
  const change = await changeFailed(place, 'remove', { class: 'Even' }, { newest: counted.newest, onProgress: ({ done }) => seen.push(done) }) // prettier-ignore
  assert.deepEqual(change, { looked: 250, matched: 125, done: 125, skipped: [], isStopped: false })
  assert.deepEqual(seen, [50, 100, 125])
  const rest = await left()
  assert.equal(rest.length, 126)
  assert.ok(rest.every((n) => n % 2 === 1 || n === 1000))
})

it('stops when it is asked to; what was done stays done', async () => {
  await add(...Array.from({ length: 250 }, (_, n) => entry(n)))
  const stop = new AbortController()
  const options = { signal: stop.signal, onProgress: () => stop.abort() }
  const change = await changeFailed(inspected(to.store), 'remove', {}, options)
  assert.deepEqual([change.isStopped, change.done, (await left()).length], [true, 100, 150])
})

it('retries all that match: they leave the list in the same step, and what cannot run again is skipped with its reason', async () => {
  const step = { class: 'ResqueRuntime::Step', args: ['gone', '0', 'S'] }
  await add(entry(0), entry(1), entry(2), entry(4, { queue: '' }), entry(6, { payload: step }))
  const change = await changeFailed(inspected(to.store), 'retry', { text: '"queue"' })
  assert.deepEqual([change.matched, change.done], [5, 3])
  assert.deepEqual(
    change.skipped.map(({ count, indexes }) => [count, indexes]),
    [
      [1, [4]],
      [1, [3]],
    ],
  )
  assert.match(change.skipped[0]?.reason ?? '', /gone.*ERR_NOT_FOUND/)
  assert.deepEqual((await to.store.queues.peek('low')).map((item) => JSON.parse(item).args[0]).sort(), [0, 1, 2])
  assert.equal(await to.store.failures.count(), 2)
})

it('runs a failed job again with other arguments, digit for digit', async () => {
  await add(entry(1))
  const place = inspected(to.store)
  const [failed] = await to.store.failures.list()
  assert.ok(failed)
  await assert.rejects(retryWithArgs(place, failed, '{"a":1}'), /ERR_ARGUMENT|JSON text of an array/)
  assert.equal(await retryWithArgs(place, failed, '[12345678901234567890, "é"]'), true)
  assert.deepEqual(await to.store.queues.peek('low'), ['{"class":"Odd","args":[12345678901234567890, "é"]}'])
  assert.equal(await to.store.failures.count(), 0)
  assert.equal(await retryWithArgs(place, failed, '[]'), false)
})

it('retries oldest first where entries stay, and marks them', async () => {
  await add(...Array.from({ length: 150 }, (_, n) => entry(n)))
  const change = await changeFailed(inspected(to.store), 'retry', { retried: false }, { keep: true })
  assert.deepEqual([change.matched, change.done, (await left()).length], [150, 150, 150])
  const queued = (await to.store.queues.peek('low', 0, 200)).map((item) => JSON.parse(item).args[0])
  assert.deepEqual(
    queued,
    Array.from({ length: 150 }, (_, n) => n),
  )
  assert.equal((await countFailed(inspected(to.store), { retried: true })).count, 150)
})

it('an empty list has nothing to change, and counting stops when it is asked to', async () => {
  const place = inspected(to.store)
  assert.deepEqual(await countFailed(place, {}), { count: 0, newest: -1, isStopped: false })
  assert.deepEqual((await changeFailed(place, 'remove', {})).looked, 0)
  await add(entry(0))
  const counted = await countFailed(place, {}, { signal: AbortSignal.abort() })
  assert.deepEqual(counted, { count: 0, newest: 0, isStopped: true })
  assert.deepEqual(await changeFailed(place, 'remove', { class: 'None' }), { looked: 1, matched: 0, done: 0, skipped: [], isStopped: false }) // prettier-ignore
})

it('an entry that moves between reading and changing is left, and any other fault ends the change', async (t) => {
  const { store } = to
  const place = inspected(store)
  const read = store.failures.newestFirst.bind(store.failures)
  const moves = t.mock.method(store.failures, 'newestFirst', async (...args: Parameters<typeof read>) => {
    const found = await read(...args)
    await server.client().lpop('resque:failed')
    return found
  })
  await add(entry(0), entry(1), entry(2))
  assert.deepEqual((await changeFailed(place, 'remove', { class: 'Odd' })).skipped, [{ reason: listChanged, count: 1, indexes: [] }]) // prettier-ignore
  assert.deepEqual((await changeFailed(place, 'retry', { class: 'Odd' })).skipped, [{ reason: listChanged, count: 1, indexes: [0] }]) // prettier-ignore
  assert.equal((await store.queues.peek('low')).length, 0)
  moves.mock.restore()
  await server.client().del('resque:failed')
  await add(entry(1))
  await server.client().set('resque:queue:low', 'of another type')
  const change = await changeFailed(place, 'retry', {})
  assert.deepEqual([change.done, await store.failures.count()], [0, 1])
  assert.match(change.skipped[0]?.reason ?? '', /ERR_REPLY/)
  t.mock.method(store.failures, 'retry', () => Promise.reject(new RuntimeError('ERR_REDIS', 'away')))
  await assert.rejects(changeFailed(place, 'retry', {}), { code: 'ERR_REDIS' })
})

it('a failed step runs again through its run, whose entry leaves or is marked; never with other arguments', async (t) => {
  const driver = await new StepDriver(server, 'driver', 'resque').register()
  t.after(() => driver.close())
  const place = inspected(driver.store)
  const { id } = await driver.create({ a: [], b: [] })
  await driver.store.runs.start(id, Date.now())
  await driver.drain(['a', 'b'])
  const payload = (node: number): object => ({
    payload: { class: 'ResqueRuntime::Step', args: [id, String(node), 'S'] },
  })
  await add(entry(0, payload(0)), entry(1, payload(1)))
  const [first, second] = await driver.store.failures.list()
  assert.ok(first && second)
  await assert.rejects(retryWithArgs(place, first, '[]'), { code: 'ERR_STATE' })
  assert.equal(await requeueFailed(place, second, { keep: false }), true)
  assert.equal(await requeueFailed(place, first), true)
  const [kept, ...more] = await driver.store.failures.list()
  assert.deepEqual([kept?.digest !== first.digest, kept?.retried_at !== undefined, more], [true, true, []])
  assert.equal((await driver.store.runs.read.find(id))?.counts.queued, 2)
  await assert.rejects(requeueFailed(place, first), { code: 'ERR_STATE' }, 'it waits again')
  const long = `[${'1,'.repeat(600_000)}1]`
  await add(entry(1))
  const [, job] = await driver.store.failures.list()
  assert.ok(job)
  await assert.rejects(retryWithArgs(place, job, long), { code: 'ERR_TOO_LARGE' })
})

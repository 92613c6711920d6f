// What a call says of its job: limits, uniqueness, options; and what a retry of the failed job keeps of it.
import assert from 'node:assert/strict'
import { afterEach, beforeEach, it } from 'node:test'
import { systemClock } from '../../runtime/core/clock.ts'
import { Job, job } from '../../runtime/index.ts'
import { Client } from '../../runtime/jobs/client.ts'
import type { Store } from '../../runtime/store/store.ts'
import { useRedis } from '../support/redis.ts'
import { testStore } from '../support/store.ts'

const server = useRedis()
let store: Store
let client: Client
beforeEach(() => {
  store = testStore(server)
  client = new Client(store, { maxPayloadBytes: 1000, recordTtlMs: 60_000, waitingTtlMs: 60_000 }, systemClock)
})
afterEach(() => store.close())

class MailJob extends Job {
  static override queue = 'mail'
  perform(_to: string, _subject?: string): void {}
}

it('a limit of one call leaves the other limit of its class in force', async () => {
  const paced = job({ queue: 'mail', rateLimit: { limit: 5, per: '1s' } }, function paced() {})
  const { id } = await client.enqueue(paced, [], { concurrency: 2 })
  const { permits } = JSON.parse((await store.jobs.find(id))?.options ?? '{}') as { permits?: { kind: string }[] }
  assert.deepEqual(
    permits?.map(({ kind }) => kind),
    ['concurrency', 'rate'],
  )
})

it('a unique job is the same one with and without undefined arguments at its end', async () => {
  const first = await client.enqueue(MailJob, ['ann'], { unique: true })
  const second = await client.enqueue(MailJob, ['ann', undefined], { unique: true })
  assert.deepEqual([second.id, second.duplicate], [first.id, true])
})

it('enqueueBulk runs no afterEnqueue for a job that was there already', async () => {
  const said: string[] = []
  class HookedJob extends MailJob {
    static afterEnqueue(to: string): void {
      said.push(to)
    }
  }
  const handles = await client.enqueueBulk(HookedJob, [['a'], ['a'], ['b']], { unique: true })
  assert.deepEqual(
    handles.map(({ duplicate }) => duplicate),
    [false, true, false],
  )
  assert.deepEqual(said, ['a', 'b'])
})

it('a failed job that is put back keeps the options of its call', async () => {
  const { id } = await client.enqueue(MailJob, ['ann'], { timeout: '1m', retry: 2 })
  const { options } = (await store.jobs.find(id)) ?? {}
  const item = (await store.queues.peek('mail'))[0] ?? ''
  const failure = { failedAtMs: 1, item, exception: 'E', error: '', backtrace: [], worker: 'w', queue: 'mail' }
  await store.failures.add({ ...failure, id }, 10)
  await store.failures.add(failure, 10)
  const [ours, rubys] = await store.failures.list()
  assert.ok(ours && rubys && options !== undefined)
  for (const [entry, again] of [
    [ours, 'j1'],
    [rubys, 'j2'],
  ] as const)
    await store.failures.retry(entry, again, 1, 60_000)
  assert.deepEqual(
    [(await store.jobs.find('j1'))?.options, (await store.jobs.find('j2'))?.options],
    [options, undefined],
  )
})

it('a handle takes no other options, tells what a job returned, and of what it failed', async () => {
  const handle = await client.enqueue(MailJob, ['a'])
  for (const wrong of [null, 5, { timeot: '1s' }]) {
    await assert.rejects(handle.result(wrong as never), { code: 'ERR_ARGUMENT' }, `result(${JSON.stringify(wrong)})`)
    await assert.rejects(
      handle.events(wrong as never).next(),
      { code: 'ERR_ARGUMENT' },
      `events(${JSON.stringify(wrong)})`,
    )
  }
  const redis = server.client()
  const key = `resque:rt:job:${handle.id}`
  await redis.hset(key, { state: 'done' })
  assert.equal(await handle.result(), undefined)
  await redis.hset(key, { result: '[12345678901234567890]' })
  assert.deepEqual(await handle.result(), [12345678901234567890n])
  for (const [fields, message] of [
    [{ state: 'cancelled' }, /cancelled: cancelled$/],
    [{ state: 'failed', cause: 'timeout' }, /failed: timeout$/],
    [{ state: 'failed', error: '{"name":"TypeError","message":"no"}' }, /failed: TypeError: no$/],
  ] as const) {
    await redis.hset(key, fields)
    await assert.rejects(handle.result(), { code: 'ERR_JOB_FAILED', message })
  }
  await redis.del(key)
  await assert.rejects(handle.result(), { code: 'ERR_NOT_FOUND' })
})

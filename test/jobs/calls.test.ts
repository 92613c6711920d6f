// What a call says of its job: limits, uniqueness, options.
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

// A call that got no answer may be repeated with the same id.
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { systemClock } from '../../runtime/core/clock.ts'
import { Job } from '../../runtime/index.ts'
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
  perform(_to: string): void {}
}
class OtherJob extends MailJob {}

const waiting = (): Promise<string[]> => server.client().lrange('resque:queue:mail', 0, -1)

describe('an id', () => {
  it('makes a call safe to repeat: the second writes nothing, while the record is kept', async () => {
    const redis = server.client()
    const first = await client.enqueue(MailJob, ['ann'], { id: 'order-17' })
    const twice = await Promise.all([1, 2].map(() => client.enqueue(MailJob, ['ann'], { id: 'order-17' })))
    assert.deepEqual(
      [first, ...twice].map(({ id, duplicate }) => [id, duplicate]),
      [
        ['order-17', false],
        ['order-17', true],
        ['order-17', true],
      ],
    )
    const later = await client.enqueueIn('1h', MailJob, ['bea'], { id: 'later' })
    assert.equal((await client.enqueueIn('2h', MailJob, ['bea'], { id: 'later' })).duplicate, true)
    assert.equal((await later.status()).state, 'delayed')
    assert.equal((await waiting()).length, 1)
    assert.equal(await redis.zcard('resque:delayed_queue_schedule'), 1)
    assert.ok((await redis.pttl('resque:rt:job:order-17')) > 0)
    await redis.del('resque:rt:job:order-17')
    assert.equal((await client.enqueue(MailJob, ['ann'], { id: 'order-17' })).duplicate, false)
  })

  it('is refused in another form, of another class, and for many jobs', async () => {
    await client.enqueue(MailJob, ['ann'], { id: 'one' })
    for (const id of ['', 'a b', 'a:b', 'x'.repeat(101), 7 as unknown as string])
      await assert.rejects(client.enqueue(MailJob, ['ann'], { id }), {
        code: 'ERR_ARGUMENT',
        message: /^id of MailJob: expected text/,
      })
    await assert.rejects(
      client.enqueue(OtherJob, ['ann'], { id: 'one' }),
      /expected the id of no other job.*a job of MailJob/,
    )
    const many = { id: 'one' } as object
    await assert.rejects(client.enqueueBulk(MailJob, [['ann'], ['bea']], many), { code: 'ERR_ARGUMENT' })
    assert.equal((await waiting()).length, 1)
  })
})

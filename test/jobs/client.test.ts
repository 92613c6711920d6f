import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { z } from 'zod'
import { systemClock } from '../../runtime/core/clock.ts'
import { Job, job } from '../../runtime/index.ts'
import { Client } from '../../runtime/jobs/client.ts'
import type { Store } from '../../runtime/store/store.ts'
import { useRedis } from '../support/redis.ts'
import { testStore } from '../support/store.ts'

const server = useRedis()
let store: Store
let client: Client
let said: string[]
beforeEach(() => {
  said = []
  store = testStore(server)
  client = new Client(store, { maxPayloadBytes: 1000, recordTtlMs: 60_000, waitingTtlMs: 60_000 }, systemClock)
})
afterEach(() => store.close())

class MailJob extends Job {
  static override queue = 'mail'
  perform(_to: string, _opts?: { urgent: boolean }): void {}
}
class HookedJob extends Job {
  static override queue = 'mail'
  static beforeEnqueue(to: string): boolean | undefined {
    said.push(`before ${to}`)
    return to === 'nobody' ? false : undefined
  }
  static afterEnqueue(to: string): void {
    said.push(`after ${to}`)
  }
  static beforeSchedule(to: string): void {
    said.push(`before schedule ${to}`)
  }
  static afterSchedule(to: string): void {
    said.push(`after schedule ${to}`)
  }
  beforeDequeue(to: string): boolean {
    said.push(`before dequeue ${to}`)
    return to !== 'kept'
  }
  perform(_to: string): void {}
}
class TypedJob extends Job {
  static override queue = 'mail'
  static input = z.object({ id: z.string() })
  perform(_input: { id: string }): void {}
}
const homeless = job({}, function homeless() {})

const waiting = (queue = 'mail'): Promise<string[]> => server.client().lrange(`resque:queue:${queue}`, 0, -1)

describe('enqueue', () => {
  it("writes Resque's bytes, and nothing else to the list", async () => {
    await client.enqueue(MailJob, ['ann', { urgent: true }])
    assert.deepEqual(await waiting(), ['{"class":"MailJob","args":["ann",{"urgent":true}]}'])
    assert.deepEqual(await server.client().smembers('resque:queues'), ['mail'])
  })

  it('gives a handle that knows where the job is', async () => {
    const handle = await client.enqueue(MailJob, ['ann'])
    const { state, queue, enqueuedAt } = await handle.status()
    assert.deepEqual([state, queue], ['waiting', 'mail'])
    assert.ok(Math.abs(Date.now() - (enqueuedAt?.getTime() ?? 0)) < 60_000)
    assert.equal((await client.job('none-such').status()).state, 'unknown')
    await assert.rejects(client.job('none-such').result(), { code: 'ERR_NOT_FOUND' })
    await assert.rejects(handle.result({ timeout: 20 }), { code: 'ERR_TIMEOUT', message: /it is waiting/ })
  })

  it('can name another queue for one call', async () => {
    await client.enqueue(MailJob, ['ann'], { queue: 'urgent' })
    assert.equal((await waiting('urgent')).length, 1)
  })

  it('keeps equal jobs apart', async () => {
    const handles = [await client.enqueue(MailJob, ['ann']), await client.enqueue(MailJob, ['ann'])]
    assert.notEqual(handles[0]?.id, handles[1]?.id)
    assert.equal(await handles[0]?.cancel(), true)
    assert.deepEqual(
      [(await handles[0]?.status())?.state, (await handles[1]?.status())?.state],
      ['cancelled', 'waiting'],
    )
    assert.equal((await waiting()).length, 1)
    await handles[0]?.cancel()
    assert.equal((await handles[0]?.status())?.state, 'cancelled', 'a second call changes nothing')
  })

  const refused: [name: string, call: () => Promise<unknown>, error: { code: string; message: RegExp }][] = [
    [
      'what is not JSON',
      () => client.enqueue(MailJob, [Symbol('s') as never]),
      { code: 'ERR_NOT_JSON', message: /^MailJob: args\[0\]: .*a symbol/ },
    ],
    [
      'too much',
      () => client.enqueue(MailJob, ['x'.repeat(2000)]),
      { code: 'ERR_TOO_LARGE', message: /at most 1000 bytes/ },
    ],
    [
      'what does not fit the schema',
      () => client.enqueue(TypedJob, [{ id: 5 as never }]),
      { code: 'ERR_SCHEMA', message: /^TypedJob: .*id: / },
    ],
    [
      'a job without a queue',
      () => client.enqueue(homeless, []),
      { code: 'ERR_ARGUMENT', message: /^homeless: expected a queue/ },
    ],
    ['what is no job', () => client.enqueue(Date as never, [] as never), { code: 'ERR_ARGUMENT', message: /got Date/ }],
    [
      'options that are wrong',
      () => client.enqueue(MailJob, ['a'], { timeout: 'soon' }),
      { code: 'ERR_ARGUMENT', message: /timeout of MailJob/ },
    ],
    ...(
      [
        ['no date', () => client.enqueueAt(new Date('x'), MailJob, ['a']), /^enqueueAt MailJob/],
        ['no length', () => client.enqueueIn('soon', MailJob, ['a']), /^enqueueIn MailJob/],
        ['seconds', () => client.enqueueAt(Date.now() / 1000 + 60, MailJob, ['a']), /seconds: multiply by 1000$/],
        ['a Date of seconds', () => client.enqueueAt(new Date(Date.now() / 1000), MailJob, ['a']), /multiply by 1000$/],
        ['microseconds', () => client.enqueueAt(Date.now() * 1000, MailJob, ['a']), /microseconds: divide by 1000$/],
        ['a delay', () => client.enqueueAt(60_000, MailJob, ['a']), /looks like a delay: use enqueueIn$/],
        ['text', () => client.enqueueAt('2027-01-01' as never, MailJob, ['a']), /write new Date\("2027-01-01"\)$/],
        [
          'nothing',
          () => client.enqueueAt(undefined as never, MailJob, ['a']),
          /^enqueueAt MailJob: .* got undefined$/,
        ],
        ['a moment', () => client.enqueueIn(Date.now() + 60_000, MailJob, ['a']), /or use enqueueAt$/],
        ['a BigInt', () => client.enqueueIn(5n as never, MailJob, ['a']), /^enqueueIn MailJob: .* got 5n$/],
        ['Infinity', () => client.enqueueIn(Infinity, MailJob, ['a']), /got Infinity$/],
        ['text without a unit', () => client.enqueueIn('60', MailJob, ['a']), /write '60s' for seconds/],
      ] as const
    ).map(([name, call, message]): (typeof refused)[number] => [
      `${name} for a time`,
      call,
      { code: 'ERR_ARGUMENT', message },
    ]),
  ]
  for (const [name, call, error] of refused) {
    it(`refuses ${name}, and writes nothing`, async () => {
      await assert.rejects(call(), error)
      assert.deepEqual(await server.client().keys('*'), [])
    })
  }
})

describe('enqueue hooks', () => {
  it('run before and after', async () => {
    await client.enqueue(HookedJob, ['ann'])
    assert.deepEqual(said, ['before ann', 'after ann'])
  })

  it('stop the job when one says false: nothing is written, and the handle says so', async () => {
    const handle = await client.enqueue(HookedJob, ['nobody'])
    assert.deepEqual([handle.accepted, said], [false, ['before nobody']])
    assert.deepEqual(await server.client().keys('*'), [])
  })

  it('are others for a job that is delayed', async () => {
    await client.enqueueIn('1h', HookedJob, ['ann'])
    assert.deepEqual(said, ['before schedule ann', 'after schedule ann'])
  })

  it('may keep a job from being dequeued', async () => {
    await client.enqueue(HookedJob, ['kept'])
    assert.equal(await client.dequeue(HookedJob, ['kept']), 0)
    assert.equal((await waiting()).length, 1)
  })
})

describe('enqueueBulk', () => {
  it('writes all in order, over many batches, with a handle each', async () => {
    const list = Array.from({ length: 2345 }, (_, i) => [`u${i}`] as [string])
    const handles = await client.enqueueBulk(MailJob, list)
    assert.equal(new Set(handles.map(({ id }) => id)).size, 2345)
    const items = await waiting()
    assert.deepEqual(
      [items.length, items[0], items.at(-1)],
      [2345, '{"class":"MailJob","args":["u0"]}', '{"class":"MailJob","args":["u2344"]}'],
    )
    assert.equal((await handles[2344]?.status())?.state, 'waiting')
  })

  it('checks all before it writes any', async () => {
    await assert.rejects(client.enqueueBulk(MailJob, [['a'], [NaN as never]]), { code: 'ERR_NOT_JSON' })
    assert.deepEqual(await server.client().keys('*'), [])
  })

  it('asks the hooks for each', async () => {
    const handles = await client.enqueueBulk(HookedJob, [['a'], ['nobody'], ['b']])
    assert.deepEqual(
      handles.map(({ accepted }) => accepted),
      [true, false, true],
    )
    assert.equal((await waiting()).length, 2)
    assert.deepEqual(
      said.filter((text) => text.startsWith('after')),
      ['after a', 'after b'],
    )
  })

  it('does nothing for nothing', async () => {
    assert.deepEqual(await client.enqueueBulk(MailJob, []), [])
  })
})

describe('enqueueAt', () => {
  it('delays what is due later, and queues at once what is not', async () => {
    const later = await client.enqueueAt(Date.now() + 3_600_000, MailJob, ['later'])
    const { state, dueAt } = await later.status()
    assert.equal(state, 'delayed')
    assert.ok(Math.abs((dueAt?.getTime() ?? 0) - Date.now() - 3_600_000) < 60_000)
    await client.enqueueAt(new Date('2020-01-01'), MailJob, ['now'])
    assert.deepEqual(await waiting(), ['{"class":"MailJob","args":["now"]}'])
    assert.equal(await later.cancel(), true)
    assert.equal((await later.status()).state, 'cancelled')
  })
})

describe('dequeue', () => {
  it('removes what has exactly these arguments, or all of the class', async () => {
    await client.enqueueBulk(MailJob, [['a'], ['b'], ['a'], ['c']])
    await client.enqueue(HookedJob, ['other'])
    assert.equal(await client.dequeue(MailJob, ['a']), 2)
    assert.equal(await client.dequeue(MailJob), 2)
    assert.deepEqual(await waiting(), ['{"class":"HookedJob","args":["other"]}'])
  })
})

it('unique jobs: the second is told of the first, and written nowhere', async () => {
  const first = await client.enqueue(MailJob, ['ann'], { unique: true })
  const second = await client.enqueue(MailJob, ['ann'], { unique: true })
  const other = await client.enqueue(MailJob, ['bob'], { unique: true })
  assert.deepEqual(
    [first.duplicate, second.duplicate, second.id === first.id, other.duplicate],
    [false, true, true, false],
  )
  assert.equal((await waiting()).length, 2)
})

import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { systemClock } from '../../runtime/core/clock.ts'
import { Job } from '../../runtime/index.ts'
import { Client } from '../../runtime/jobs/client.ts'
import { JobHandle } from '../../runtime/jobs/handle.ts'
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

describe('events of a job', () => {
  it('give each change up to the end, and nothing twice', async () => {
    const handle = await client.enqueue(MailJob, ['ann'])
    const seen: string[] = []
    for await (const { state, progress } of handle.events({ every: 10 })) {
      seen.push(progress ? `${state} ${progress.at}/${progress.of} ${progress.note}` : state)
      if (seen.length === 1) await server.client().hset(`resque:rt:job:${handle.id}`, 'progress', '1/2 half')
      if (seen.length === 2) await handle.cancel()
    }
    assert.deepEqual(seen, ['waiting', 'waiting 1/2 half', 'cancelled 1/2 half'])
  })

  it('end with an abort, and at once for a job that is unknown', async () => {
    const handle = await client.enqueue(MailJob, ['ann'])
    const stop = new AbortController()
    for await (const { state } of handle.events({ every: '1h', signal: stop.signal })) {
      assert.equal(state, 'waiting')
      setImmediate(() => stop.abort())
    }
    const states = []
    for await (const { state } of new JobHandle(store, 'nothing', { recordTtlMs: 60_000 }).events()) states.push(state)
    assert.deepEqual(states, ['unknown'])
  })

  it('refuse options that do not exist', async () => {
    const handle = await client.enqueue(MailJob, ['ann'])
    await assert.rejects(handle.events({ evry: 10 } as object).next(), { code: 'ERR_ARGUMENT', message: /evry/ })
  })

  it('as server-sent events have the status as JSON, and `end` as the name of the last', async () => {
    const handle = await client.enqueue(MailJob, ['ann'])
    const texts: string[] = []
    const decoder = new TextDecoder()
    for await (const chunk of handle.eventStream({ every: 10 })) {
      texts.push(decoder.decode(chunk))
      if (texts.length === 1) await handle.cancel()
    }
    assert.match(texts[0] ?? '', /^data: \{"id":"[^"]+","state":"waiting".*\}\n\n$/)
    assert.match(texts.at(-1) ?? '', /^event: end\ndata: \{.*"state":"cancelled".*\}\n\n$/)
  })

  it('as a stream stop when the page goes away', async () => {
    const handle = await client.enqueue(MailJob, ['ann'])
    const reader = handle.eventStream({ every: '1h' }).getReader()
    await reader.read()
    await reader.cancel()
    assert.equal((await reader.read()).done, true)
  })
})

// How jobs end: retries, verbs, timeouts, memory, cancelling; one worker with real processes for all of it.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Running } from '../support/process.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { isAlive } from '../support/signal.ts'
import { testStore } from '../support/store.ts'
import { eventually } from '../support/wait.ts'
import { Job } from '../../runtime/jobs/job.ts'
import { Client } from '../../runtime/jobs/client.ts'
import { systemClock } from '../../runtime/core/clock.ts'
import type { Store } from '../../runtime/store/store.ts'
import { push, startWorker, untilState, useEvidence } from './support.ts'

const evidence = useEvidence()
let server: TestRedis
let store: Store
let client: Client
let worker: Running

before(async () => {
  server = await startRedis()
  store = testStore(server)
  client = new Client(store, { maxPayloadBytes: 1_000_000, recordTtlMs: 60_000, waitingTtlMs: 60_000 }, systemClock)
  const env = { RUNTIME_LIMITS_ATTEMPTS_KEPT: '3', RUNTIME_LIMITS_FAILED_MAX: '20' }
  worker = await startWorker(server, evidence, { concurrency: 2, env })
})
after(async () => {
  const { exitCode } = await worker.stop('SIGQUIT')
  store.close()
  await server.stop()
  assert.equal(exitCode, 0)
})

const begun = (tag: string, times = 1): Promise<unknown> =>
  eventually(() => evidence.lines('begin', tag).length >= times, { timeoutMs: 60_000, what: `${tag} to begin` })
const childOf = (tag: string): number => Number(evidence.lines('begin', tag)[0]?.[2])
const attemptsOf = async (id: string): Promise<{ attempt: number; name: string; message: string; at: string }[]> =>
  JSON.parse((await store.jobs.find(id))?.['attempts'] ?? '[]') as never

describe('retries', () => {
  for (const backoff of ['fixed', 'linear', 'exponential'] as const) {
    it(`waits ${backoff} delays, and shows the job its attempt`, async () => {
      const id = await push(store, 'Fails', [backoff, 4], { retry: { limit: 3, delay: 40, backoff, jitter: 0 } })
      const record = await untilState(store, id, 'done')
      assert.deepEqual(
        evidence.lines('begin', backoff).map((words) => words[3]),
        ['1', '2', '3', '4'],
      )
      assert.equal(record.attempt, '4')
      const at = (await attemptsOf(id)).map((attempt) => Date.parse(attempt.at))
      const least = { fixed: [40, 40], linear: [80, 120], exponential: [80, 160] }[backoff]
      assert.ok((at[1] ?? 0) - (at[0] ?? 0) >= 40)
      assert.ok((at[2] ?? 0) - (at[1] ?? 0) >= (least[0] ?? 0), 'the second delay is as the policy says')
    })
  }

  it('asks the class for its delay when backoff is a function', async () => {
    await untilState(store, await push(store, 'RetriesByFunction', ['fn', 3]), 'done')
    assert.equal(evidence.lines('begin', 'fn').length, 3)
  })

  it('fails for good when the limit is reached, with the last attempts kept', async () => {
    const id = await push(store, 'Fails', ['never', 99], { retry: { limit: 5, delay: 1, jitter: 0 } })
    await untilState(store, id, 'failed')
    assert.equal(evidence.lines('begin', 'never').length, 6)
    const entry = (await store.failures.list()).find((one) => one.id === id)
    assert.equal(entry?.exception, 'Flaky')
    assert.equal(entry?.error, 'attempt 6')
    assert.equal(entry?.cause, 'exception')
    assert.deepEqual(
      (await attemptsOf(id)).map(({ attempt, message }) => [attempt, message]),
      [4, 5, 6].map((n) => [n, `attempt ${n}`]),
      'limits.attemptsKept is 3',
    )
  })

  it('retries only the errors named by on, and never those named by not', async () => {
    const on = await push(store, 'Fails', ['on', 2], { retry: { limit: 1, delay: 1, on: ['Flaky'] } })
    const other = await push(store, 'Fails', ['other', 2], { retry: { limit: 1, delay: 1, on: ['TypeError'] } })
    const not = await push(store, 'Fails', ['not', 2], { retry: { limit: 1, delay: 1, not: ['Flaky'] } })
    await untilState(store, on, 'done')
    await untilState(store, other, 'failed')
    await untilState(store, not, 'failed')
    assert.equal(evidence.lines('begin', 'other').length + evidence.lines('begin', 'not').length, 2)
  })

  it('retries a death, too', async () => {
    const id = await push(store, 'Loops', ['loops'], { retry: { limit: 1, delay: 1, on: ['TimeoutError'] } })
    await untilState(store, id, 'failed')
    assert.equal(evidence.lines('begin', 'loops').length, 2)
  })
})

describe('verbs', () => {
  it('Discard drops the job without a failure', async () => {
    const record = await untilState(store, await push(store, 'Verbs', ['d', 'discard']), 'discarded')
    assert.equal(record['reason'], 'not wanted')
    assert.equal((await store.failures.list()).filter((entry) => entry.id === record['id']).length, 0)
  })

  it('Fail fails at once, whatever the retry policy', async () => {
    const record = await untilState(store, await push(store, 'Verbs', ['f', 'fail']), 'failed')
    assert.equal(record.attempt, '1')
    assert.equal(evidence.lines('begin', 'f').length, 1)
  })

  it('Snooze runs again later and counts no attempt', async () => {
    const record = await untilState(store, await push(store, 'Verbs', ['s', 'snooze']), 'done')
    assert.deepEqual(
      evidence.lines('begin', 's').map((words) => words[3]),
      ['1', '1', '1'],
    )
    assert.equal(record.attempt, '1')
  })
})

describe('timeouts and memory', () => {
  for (const name of ['Loops', 'IgnoresTerm']) {
    it(`ends ${name} by TERM, grace, KILL`, async () => {
      const id = await push(store, name, [name])
      const record = await untilState(store, id, 'failed')
      assert.equal(record.cause, 'timeout')
      const { signal, wallMs } = JSON.parse(record.evidence ?? '{}') as { signal: string; wallMs: number }
      assert.equal(signal, 'SIGKILL')
      assert.ok(wallMs >= 800, `300 ms and 500 ms grace, took ${wallMs} ms`)
      assert.ok(!isAlive(childOf(name)))
      const entry = (await store.failures.list()).find((one) => one.id === id)
      assert.equal(entry?.exception, 'TimeoutError')
      assert.match(entry?.error ?? '', /ran longer than 300ms/)
    })
  }

  it('gives a class without a timeout that of jobs.timeout, and a call its own', async () => {
    const other = await startWorker(server, evidence, { queues: 'timed', env: { RUNTIME_JOBS_TIMEOUT: '300ms' } })
    const own = await push(store, 'Records', ['own', 600], { queue: 'timed', timeout: '1m' })
    assert.equal((await untilState(store, own, 'done', 'failed')).state, 'done')
    const long = await push(store, 'Waits', ['long'], { queue: 'timed' })
    assert.match((await untilState(store, long, 'failed')).error ?? '', /ran longer than 300ms/)
    await other.stop('SIGQUIT')
  })

  it('fails a job that waits in vain, and one that returns too much, by name', async () => {
    const vain = await untilState(store, await push(store, 'WaitsInVain', []), 'failed')
    assert.equal(vain.cause, 'never settled')
    const much = await untilState(store, await push(store, 'Returns', [2 * 1024 ** 2], { keepResult: '1m' }), 'failed')
    assert.match(much.error ?? '', /expected at most 1048576 bytes of JSON, got 2097154.*limits\.maxResultBytes/)
    await untilState(store, await push(store, 'Returns', [2 * 1024 ** 2]), 'done')
  })

  it('does not take a job that ends well after its timeout for a success', async () => {
    const id = await push(store, 'Records', ['late', 400], { timeout: 200 })
    assert.equal((await untilState(store, id, 'failed')).cause, 'timeout')
    assert.equal(evidence.lines('end', 'late').length, 1, 'within worker.termTimeoutMs')
  })

  it('aborts the signal of a job that is out of time', async () => {
    const record = await untilState(store, await push(store, 'Polite', ['p'], { timeout: 300 }), 'failed')
    assert.equal(record.cause, 'timeout')
    assert.equal(evidence.lines('aborted', 'p').length, 1)
  })

  it('ends a job that uses more memory than it may', async () => {
    const record = await untilState(store, await push(store, 'Eats', []), 'failed')
    assert.equal(record.cause, 'memory')
    assert.match(record.error ?? '', /more than 150/)
  })

  it('ends what a job has started together with it', async () => {
    await untilState(store, await push(store, 'LeavesProcesses', ['l'], { timeout: 200 }), 'failed')
    const [words] = evidence.lines('begin', 'l')
    assert.ok(!isAlive(Number(words?.[2])))
  })
})

describe('cancelling', () => {
  it('takes a waiting job out of its queue', async () => {
    const id = await push(store, 'Records', ['w'], { queue: 'nobody' })
    const twin = await push(store, 'Records', ['w'], { queue: 'nobody' })
    assert.ok(await client.job(id).cancel())
    assert.equal((await client.job(id).status()).state, 'cancelled')
    assert.equal((await client.job(twin).status()).state, 'waiting', 'another with the same bytes stays')
    assert.equal((await store.queues.peek('nobody')).length, 1)
    assert.equal(await client.job(id).cancel(), false)
  })

  for (const [where, delayMs] of [
    ['the millisecond set', 1000],
    ["Resque's buckets", 3_600_000],
  ] as const) {
    it(`takes a delayed job out of ${where}`, async () => {
      const redis = server.client()
      const keysBefore = (await redis.keys('resque:*delayed*')).length
      class Later extends Job {
        static override queue = 'q'
        static override wireName = 'Records'
        async perform(_tag: string): Promise<void> {}
      }
      const handle = await client.enqueueIn(delayMs, Later, ['later'])
      assert.equal((await handle.status()).state, 'delayed')
      assert.ok(await handle.cancel())
      assert.equal((await handle.status()).state, 'cancelled')
      assert.equal((await redis.keys('resque:*delayed*')).length, keysBefore, 'nothing of it is left')
      assert.equal(await redis.keys('resque:timestamps:*').then((keys) => keys.length), 0)
    })
  }

  it('aborts the signal of a running job, and kills one that does not stop', async () => {
    const polite = await push(store, 'Polite', ['cp'])
    await begun('cp')
    assert.ok(await client.job(polite).cancel())
    await untilState(store, polite, 'cancelled')
    assert.equal(evidence.lines('aborted', 'cp').length, 1)
    const rude = await push(store, 'IgnoresTerm', ['ci'], { timeout: '1m' })
    await begun('ci')
    assert.ok(await client.job(rude).cancel())
    await untilState(store, rude, 'cancelled')
    assert.ok(!isAlive(childOf('ci')))
  })

  it('ends the onFailure hook of a job that died', async () => {
    const id = await push(store, 'HangsAfterDeath', ['ch'])
    await eventually(() => evidence.lines('hook', 'ch').length === 1, { what: 'the hook to begin' })
    assert.ok(await client.job(id).cancel())
    assert.equal((await untilState(store, id, 'failed')).cause, 'timeout')
    assert.ok(!isAlive(Number(evidence.lines('hook', 'ch')[0]?.[2])))
  })

  it('does not retry a job that was cancelled', async () => {
    const id = await push(store, 'Waits', ['cr'], { retry: 5 })
    await begun('cr')
    await client.job(id).cancel()
    await untilState(store, id, 'cancelled')
    assert.equal(evidence.lines('begin', 'cr').length, 1)
  })
})

describe('bounds', () => {
  it('keeps the failed list at its limit, and ends records in time', async () => {
    const ids = []
    for (let i = 0; i < 30; i += 1) ids.push(await push(store, 'NoSuchClass', [i]))
    await untilState(store, ids.at(-1) ?? '', 'failed')
    assert.equal(await store.failures.count(), 20)
    const redis = server.client()
    for (const key of await redis.keys('resque:rt:job:*')) {
      if ((await redis.hget(key, 'state')) === 'waiting') continue
      assert.ok((await redis.ttl(key)) > 0, `${key} lives for ever`)
    }
  })
})

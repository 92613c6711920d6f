// What resque-runtime/testing gives to applications.
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import {
  close,
  configure,
  enqueue,
  enqueueAt,
  enqueueIn,
  findJob,
  Job,
  job,
  memory,
  Snooze,
  Workflow,
} from '../../runtime/index.ts'
import { defaultClient } from '../../runtime/jobs/default-client.ts'
import { drain, fakeClock, inline } from '../../runtime/testing/index.ts'
import { useRedis } from '../support/redis.ts'

const server = useRedis()
beforeEach(() => configure({ redis: { url: server.url } }))
afterEach(() => close())

class AddJob extends Job {
  static override queue = 'low'
  static override keepResult = '1h'
  async perform(a: number, b: number): Promise<{ sum: number }> {
    this.progress(1, 1, 'added')
    this.log(`${a} + ${b}`)
    return { sum: a + b }
  }
}
class ParentJob extends Job {
  static override queue = 'low'
  async perform(): Promise<void> {
    for (const n of [1, 2, 3]) await enqueue(AddJob, n, n)
  }
}
class FailingJob extends Job {
  static override queue = 'low'
  perform(): void {
    throw new RangeError('always')
  }
}

describe('wrong arguments', () => {
  it('are refused with a code, by name', async () => {
    const argument = { code: 'ERR_ARGUMENT' }
    const run = inline as (definition: unknown) => Promise<unknown>
    await assert.rejects(run('x'), argument)
    await assert.rejects(drain([AddJob, Date] as never), argument)
    class SomeFlow extends Workflow {
      configure(): void {}
    }
    await assert.rejects(drain([SomeFlow] as never), /of a workflow the classes of its steps; got/)
    await assert.rejects(fakeClock().advance('soon' as never), argument)
    assert.throws(() => job({}, () => undefined), argument)
    assert.throws(() => job({}, 'x' as never), argument)
    assert.throws(() => new Snooze('soon'), argument)
    await assert.rejects(memory.read(5 as never), argument)
    await assert.rejects(findJob('none').result({ timout: 5 } as never), argument)
    class WrongProgress extends Job {
      perform(): void {
        this.progress('1' as never, 2)
      }
    }
    await assert.rejects(run(WrongProgress), /expected two numbers, got "1" and 2/)
  })
})

describe('inline', () => {
  it('runs a job here and gives what it returns, as JSON would carry it', async () => {
    class DateJob extends Job {
      perform(input: { a?: number; b: number }): unknown {
        return { ...input, at: undefined }
      }
    }
    assert.deepEqual(await inline(AddJob, 1, 2), { sum: 3 })
    assert.deepEqual(await inline(DateJob, { a: undefined, b: 1 }), { b: 1 })
    await assert.rejects(inline(DateJob, new Date() as never), { code: 'ERR_NOT_JSON' })
  })

  it('throws what the job threw', async () => {
    await assert.rejects(inline(FailingJob), (error: Error) => {
      assert.deepEqual([error.name, error.message], ['RangeError', 'always'])
      return /testing\.test\.ts/.test(error.stack ?? '')
    })
  })

  it('takes a snoozed job for no failure', async () => {
    class LaterJob extends Job {
      perform(): void {
        throw new Snooze('10m')
      }
    }
    assert.equal(await inline(LaterJob), undefined)
  })
})

describe('drain', () => {
  it('runs what waits, and what that enqueues, and nothing that is delayed', async () => {
    await enqueue(ParentJob)
    const later = await enqueueIn('1h', AddJob, 9, 9)
    assert.deepEqual(await drain([ParentJob, AddJob]), { processed: 4, failed: 0 })
    assert.equal((await later.status()).state, 'delayed')
  })

  it('leaves results, logs and failures where a worker would', async () => {
    const good = await enqueue(AddJob, 2, 3)
    const bad = await enqueue(FailingJob)
    assert.deepEqual(await drain([AddJob, FailingJob]), { processed: 2, failed: 1 })
    assert.deepEqual(await good.result(), { sum: 5 })
    assert.deepEqual(await findJob(good.id).log(), ['2 + 3'])
    assert.deepEqual((await good.status()).progress, { at: 1, of: 1, note: 'added' })
    const status = await bad.status()
    assert.deepEqual([status.state, status.cause, status.error?.message], ['failed', 'exception', 'always'])
    await assert.rejects(bad.result(), { code: 'ERR_JOB_FAILED', message: /RangeError: always/ })
  })

  it('takes only from the queues named', async () => {
    const handle = await enqueue.with({ queue: 'other' })(AddJob, 1, 1)
    assert.deepEqual(await drain([AddJob], { queues: ['low'] }), { processed: 0, failed: 0 })
    assert.equal((await handle.status()).state, 'waiting')
  })
})

describe('drain beside a worker of another process', () => {
  const beside = async (pid: string, leaseMs = 60_000): Promise<void> => {
    const { store } = defaultClient()
    await store.supervisors.register('dev', [`dev-host:${pid}:low`], { host: 'dev-host', pid, queues: 'low' }, leaseMs)
  }

  it('is refused, with that worker and what to do', async () => {
    const handle = await enqueue(AddJob, 1, 1)
    await beside('7')
    await assert.rejects(drain([AddJob]), {
      code: 'ERR_STATE',
      message: /worker dev-host:7 takes jobs from low; give the tests a namespace of their own .*configure\(/,
    })
    assert.equal((await handle.status()).state, 'waiting')
  })

  it('runs what waits where the lease of that worker has expired', async () => {
    await beside('7', 1)
    await enqueue(AddJob, 1, 1)
    assert.deepEqual(await drain([AddJob]), { processed: 1, failed: 0 })
  })

  it('runs what waits in queues and namespaces that it does not serve', async () => {
    await beside('7')
    await enqueue.with({ queue: 'other' })(AddJob, 1, 1)
    assert.deepEqual(await drain([AddJob], { queues: ['other'] }), { processed: 1, failed: 0 })
    configure({ redis: { url: server.url }, namespace: 'test' })
    await enqueue(AddJob, 1, 1)
    assert.deepEqual(await drain([AddJob]), { processed: 1, failed: 0 })
  })
})

describe('fakeClock', () => {
  it('ends sleeps in order as time moves on, also those begun on the way', async () => {
    const clock = fakeClock(1000)
    const woke: number[] = []
    const sleeper = async (ms: number): Promise<void> => {
      await clock.sleep(ms)
      woke.push(clock.now())
    }
    void sleeper(30)
    void sleeper(10).then(() => sleeper(5))
    void sleeper(100)
    await clock.advance(50)
    assert.deepEqual(woke, [1010, 1015, 1030])
    assert.equal(clock.now(), 1050)
  })

  it('ends a sleep when its signal aborts, and none when the clock is set', async () => {
    const clock = fakeClock(0)
    const abort = new AbortController()
    let woke = false
    const slept = clock.sleep(1000, abort.signal).then(() => (woke = true))
    clock.set(5000)
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(woke, false)
    abort.abort()
    await slept
    assert.equal(clock.now(), 5000)
  })
})

it('a minute of delay lies where Ruby sees it, however long the hooks take', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() })
  class SlowHookJob extends AddJob {
    static beforeSchedule(): void {
      t.mock.timers.tick(1100)
    }
  }
  await enqueueIn('60s', SlowHookJob, 1, 2)
  await enqueueAt(Date.now() + 59_990, AddJob, 1, 2)
  assert.equal(await server.client().zcard('resque:rt:delayed'), 0)
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  callOptions,
  checkOptions,
  checkStatics,
  settingsOf,
  optionsOn,
  type JobOptions,
} from '../../runtime/jobs/options.ts'
import { limitsOf, uniqueOf } from '../../runtime/jobs/limits.ts'
import { backoffOf, retryDelayMs, retryPolicy, type RetryOptions } from '../../runtime/jobs/retry.ts'

describe('options', () => {
  const refused: [JobOptions, RegExp][] = [
    [{ colour: 'red' } as JobOptions, /^colour of A: expected one of queue, retry/],
    [{ timout: 5 } as JobOptions, /^timout of A: .*; did you mean timeout\?/],
    [{ retry: null as never }, /^retry of A: expected a whole number or \{ limit, .*, got null/],
    [{ retry: { limit: 3, dealy: '1s' } as never }, /^retry\.dealy of A: .*did you mean delay\?/],
    [{ retry: { limit: 3, on: 'TimeoutError' as never } }, /^retry\.on of A: expected a list/],
    [{ retry: NaN }, /^retry\.limit of A: .*got NaN/],
    [{ concurrency: Infinity }, /^concurrency of A: .*got Infinity/],
    [{ timeout: '0s' }, /^timeout of A: expected a millisecond or more/],
    [{ cpuLimit: 0 }, /^cpuLimit of A: expected a millisecond or more/],
    [{ memoryLimit: '1' }, /^memoryLimit of A: expected 1mb or more/],
    [{ queue: '' }, /^queue of A: expected a name, got ""/],
    [{ timeout: 'soon' }, /^timeout of A: expected milliseconds or text/],
    [{ timeout: -1 }, /^timeout of A/],
    [{ memoryReport: 'yes' as never }, /^memoryReport of A: expected true or false, got "yes"/],
    [{ memoryLimit: 'much' }, /^memoryLimit of A: expected bytes or text/],
    [{ niceness: -5 }, /^niceness of A: expected a whole number from 0 to 19, got -5/],
    [{ openFiles: 3 }, /^openFiles of A/],
    [{ isolation: 'thread' as 'fork' }, /^isolation of A: expected fork, spawn or inline, got "thread"/],
    [{ delivery: 'once' as 'at-most-once' }, /^delivery of A/],
    [{ retry: -1 }, /^retry\.limit of A: expected a whole number/],
    [{ retry: { limit: 3, backoff: 'slow' as 'linear' } }, /^retry\.backoff of A/],
    [{ retry: { limit: 3, jitter: 2 } }, /^retry\.jitter of A: expected 0 to 1, got 2/],
    [{ concurrency: 0 }, /^concurrency of A/],
    [{ concurrency: { limit: 1.5 } }, /^concurrency of A/],
    [{ rateLimit: { limit: 5, per: 0 } }, /^rateLimit\.per of A/],
    [{ rateLimit: 5 as never }, /^rateLimit of A: expected \{ limit, per, by \}, got 5/],
    [{ concurrency: { limit: 1, bye: 1 } as never }, /^concurrency\.bye of A: expected one of limit, by/],
    [{ concurrency: { limit: 1, by: 'user' as never } }, /^concurrency\.by of A: expected a function/],
    [{ unique: 'yes' as never }, /^unique of A: expected true, false or/],
    [{ unique: { for: 0 } }, /^unique\.for of A/],
    [{ unique: { until: 'run' as never } }, /^unique\.until of A: expected start or end, got "run"/],
  ]
  for (const [options, said] of refused) {
    it(`refuses ${JSON.stringify(options)}`, () =>
      assert.throws(() => checkOptions(options, 'A'), { code: 'ERR_ARGUMENT', message: said }))
  }

  it('refuse a static that is nearly an option, and no other', () => {
    class Misspelt {
      static timout = '5s'
    }
    class Own {
      static table = 'users'
      static retrys = 3
      static queues(): void {}
    }
    assert.throws(() => checkStatics(Misspelt, 'A'), {
      code: 'ERR_ARGUMENT',
      message: /^timout of A: .*did you mean timeout\?/,
    })
    assert.throws(() => checkStatics(Own, 'A'), { message: /^retrys of A: .*did you mean retry\?/ })
    assert.doesNotThrow(() =>
      checkStatics(
        class {
          static table = 'users'
          static queues(): void {}
        },
        'A',
      ),
    )
  })

  it('are inherited from a base class', () => {
    class Base {
      static queue = 'low'
      static retry = 2
    }
    class Derived extends Base {
      static override queue = 'high'
    }
    assert.deepEqual(optionsOn(Derived), { queue: 'high', retry: 2 })
  })

  it('become plain data with units', () => {
    const given: JobOptions = {
      timeout: '30 minutes',
      memoryLimit: '512mb',
      memoryReport: true,
      cpuLimit: 1500,
      keepResult: '1h',
      queue: 'low',
    }
    assert.deepEqual(settingsOf(given, 'A'), {
      timeoutMs: 1_800_000,
      memoryLimitBytes: 512 * 1024 ** 2,
      memoryReport: true,
      cpuLimitSeconds: 2,
      keepResultMs: 3_600_000,
    })
  })

  it('of one call travel as JSON, and a function does not', () => {
    assert.equal(callOptions('A', {}, []), undefined)
    assert.deepEqual(
      JSON.parse(callOptions('A', { timeout: '1s', concurrency: { limit: 2, by: (x: string) => x } }, ['k']) ?? ''),
      {
        timeoutMs: 1000,
        permits: [{ kind: 'concurrency', key: 'A:k', limit: 2 }],
      },
    )
    assert.throws(
      () => callOptions('A', { retry: { limit: 1, backoff: () => 5 } }, []),
      /retry\.backoff of A: .*put it on the class/,
    )
  })

  it("of one call that name one limit leave the class's other one in force", () => {
    const own: JobOptions = { concurrency: { limit: 1, by: (x: string) => x }, rateLimit: { limit: 5, per: '1s' } }
    const permitsWith = (given: JobOptions): unknown =>
      (JSON.parse(callOptions('A', given, ['k'], own) ?? '{}') as { permits?: unknown }).permits
    const rate = (limit: number): object => ({ kind: 'rate', key: 'A', limit, perMs: 1000 })
    assert.deepEqual(permitsWith({ rateLimit: { limit: 9, per: '1s' } }), [
      { kind: 'concurrency', key: 'A:k', limit: 1 },
      rate(9),
    ])
    assert.deepEqual(permitsWith({ concurrency: 3 }), [{ kind: 'concurrency', key: 'A', limit: 3 }, rate(5)])
    assert.equal(permitsWith({ timeout: '1s' }), undefined)
  })

  it('make one key for all jobs of a class, or one by argument', () => {
    assert.deepEqual(
      limitsOf('A', { concurrency: 3, rateLimit: { limit: 5, per: '1s', by: (x: string) => x } }, ['k']),
      [
        { kind: 'concurrency', key: 'A', limit: 3 },
        { kind: 'rate', key: 'A:k', limit: 5, perMs: 1000 },
      ],
    )
    assert.deepEqual(uniqueOf('A', { unique: true }, ['x', 1]), { key: 'A:["x",1]', forMs: 3_600_000 })
    assert.deepEqual(uniqueOf('A', { unique: { for: '1m', by: (x: string) => x } }, ['x', 1]), {
      key: 'A:x',
      forMs: 60_000,
    })
    assert.equal(uniqueOf('A', {}, []), undefined)
  })

  it('refuse a key that all jobs would share unawares', () => {
    const by = (user: unknown): string => user as string
    assert.throws(() => uniqueOf('A', { unique: { by } }, [{ id: 1 }]), /^.*unique\.by of A: .* got \{"id":1\}/)
    assert.throws(() => limitsOf('A', { concurrency: { limit: 1, by } }, []), { code: 'ERR_ARGUMENT' })
  })
})

describe('retry delays', () => {
  const delays = (options: Parameters<typeof retryPolicy>[0], names = ['Error']): (number | undefined)[] =>
    [1, 2, 3, 4].map((attempt) => retryDelayMs(retryPolicy(options, 'A'), attempt, names, 0))

  it('follow the curve, and end with the limit', () => {
    assert.deepEqual(delays({ limit: 3, delay: 100 }), [100, 200, 400, undefined])
    assert.deepEqual(delays({ limit: 3, delay: 100, backoff: 'linear' }), [100, 200, 300, undefined])
    assert.deepEqual(delays({ limit: 3, delay: 100, backoff: 'fixed' }), [100, 100, 100, undefined])
    assert.deepEqual(delays(1), [15_000, undefined, undefined, undefined])
  })

  it('are bounded, and spread by jitter', () => {
    assert.deepEqual(delays({ limit: 4, delay: 100, maxDelay: 250 }), [100, 200, 250, 250])
    const policy = retryPolicy({ limit: 1, delay: 1000, jitter: 0.5 }, 'A')
    assert.equal(retryDelayMs(policy, 1, [], 1), 500)
  })

  it('come for the errors asked for, ancestors included, and never for those excluded', () => {
    const names = ['NetError', 'BaseError', 'Error']
    assert.equal(delays({ limit: 1, delay: 5, on: ['BaseError'] }, names)[0], 5)
    assert.equal(delays({ limit: 1, delay: 5, on: ['OtherError'] }, names)[0], undefined)
    assert.equal(delays({ limit: 1, delay: 5, not: ['BaseError'] }, names)[0], undefined)
    assert.equal(delays({ limit: 1, delay: 5, not: [TypeError] }, ['TypeError', 'Error'])[0], undefined)
  })

  it('may be computed', () => {
    const options: RetryOptions = {
      limit: 3,
      backoff: (attempt, error) => `${attempt * error.message.length}s`,
      jitter: 0,
    }
    const backoff = backoffOf(options)
    assert.equal(
      retryDelayMs(retryPolicy(options, 'A'), 2, ['Error'], 0, (attempt) => backoff?.(attempt, new Error('abc')) ?? 0),
      6000,
    )
  })
})

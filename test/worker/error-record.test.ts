// What is kept of whatever a job throws.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { packageRoot } from '../../runtime/core/package.ts'
import { job } from '../../runtime/jobs/job.ts'
import type { RetryOptions } from '../../runtime/jobs/retry.ts'
import { Registry } from '../../runtime/jobs/registry.ts'
import { execute } from '../../runtime/worker/child/executor.ts'
import { uncaughtIn, uncaughtLine } from '../../runtime/worker/launchers/output-tail.ts'
import { errorRecord } from '../../runtime/worker/outcome/error-record.ts'
import type { ErrorRecord } from '../../runtime/messages.ts'

/** An error whose property is what a getter makes of it. */
const withGetter = (property: string, get: () => unknown): Error =>
  Object.defineProperty(new Error('own'), property, { get })
const fails = (): never => {
  throw new Error('read')
}
/** All that a record says, on lines. */
const text = ({ name, message, backtrace }: ErrorRecord): string => [`${name}: ${message}`, ...backtrace].join('\n')

describe('the record of an error', () => {
  it('has the name that was given, also by what is no error, and of a class without any', () => {
    const nameless = new (class extends Error {})('m')
    Object.defineProperty(nameless, 'constructor', { value: undefined })
    const thrown = [{ name: 'Oops', message: 'm' }, { name: '' }, nameless, new (class Own extends Error {})('m')]
    assert.deepEqual(
      thrown.map((each) => errorRecord(each).name),
      ['Oops', 'Error', 'Error', 'Own'],
    )
    const circular = new Error('outer', { cause: new Error('inner') })
    Object.assign(circular.cause as Error, { cause: circular })
    assert.equal(text(errorRecord(circular)).match(/outer|inner/g)?.length, 3, 'and that it begins again is said')
  })

  it('has the inner errors of an AggregateError, each with its frames', () => {
    const record = errorRecord(new AggregateError([new TypeError('one'), 'two'], 'both'))
    assert.match(text(record), /^AggregateError: both\n/)
    assert.match(text(record), /\nerror 1 of 2: TypeError: one\nat /)
    assert.match(text(record), /\nerror 2 of 2: Error: two/)
  })

  it('has its causes, whatever they are, to a depth', () => {
    const chain = new Error('top', { cause: new RangeError('middle', { cause: { code: 7, message: 'bottom' } }) })
    assert.match(text(errorRecord(chain)), /caused by RangeError: middle[^]*caused by Error: bottom\nwith code: 7/)
    const circle = new Error('circle')
    circle.cause = circle
    assert.equal(text(errorRecord(circle)).match(/circle/g)?.length, 2)
    assert.match(text(errorRecord(circle)), /\ncaused by Error: circle \(the same as above\)$/)
  })

  it('has its own fields that are plain values, and nothing that hangs below it', () => {
    const record = errorRecord(
      Object.assign(new Error('no'), { code: 'E42', status: 503, request: { token: 'secret' } }),
    )
    assert.equal(record.code, 'E42')
    assert.match(text(record), /with status: 503/)
    assert.doesNotMatch(text(record), /secret/)
  })

  it('is made of what is no Error', () => {
    assert.match(text(errorRecord({ code: 42, message: 'x' })), /^Error: x\nwith code: 42/)
    assert.equal(errorRecord('text').message, 'text')
    assert.match(errorRecord({ a: 1 }).message, /^thrown value: \{ a: 1 \}/)
    assert.match(errorRecord(undefined).message, /undefined/)
    assert.match(errorRecord(Object.assign(Object.create(null) as object, { a: 1 })).message, /a: 1/)
    assert.equal(errorRecord(Symbol('s')).message, 'thrown value: Symbol(s)')
  })

  it('is made of what throws when it is read', () => {
    for (const property of ['message', 'name', 'stack', 'cause', 'code', 'errors', 'constructor'])
      assert.equal(typeof errorRecord(withGetter(property, fails)).message, 'string', property)
    const proxy = new Proxy({}, { get: fails, ownKeys: fails, getOwnPropertyDescriptor: fails, getPrototypeOf: fails })
    assert.equal(typeof errorRecord(proxy).message, 'string')
  })

  it('has text where the error has none', () => {
    assert.match(
      errorRecord(withGetter('message', () => ({ deep: 1 }))).message,
      /its message is not text: \{ deep: 1 \}/,
    )
    assert.equal(errorRecord(withGetter('name', () => 7)).name, 'Error')
    assert.deepEqual(errorRecord(withGetter('stack', () => 7)).backtrace, [])
  })

  it('is bounded', () => {
    const huge = 'x'.repeat(100_000)
    const record = errorRecord(Object.assign(new Error(huge), { name: huge, code: huge, field: huge }))
    assert.ok(JSON.stringify(record).length < 20_000)
    assert.match(record.name, /^x{199}… \(100000 characters\)$/)
  })
})

it('the record of an error ends its frames where the runtime called the job, built or from source', () => {
  for (const own of ['dist/chunks/chunk-A.cjs', 'runtime/worker/child/executor.ts'].map((file) =>
    join(packageRoot, file),
  )) {
    const stack = [
      'Error: x',
      `    at enqueue (${own}:3:1)`,
      '    at A.perform (/app/src/a.ts:1:2)',
      `    at async execute (file://${own}:1:2)`,
      '    at process.processTicksAndRejections (node:internal/process/task_queues:1:2)',
    ].join('\n')
    const { backtrace } = errorRecord(Object.assign(new Error('x'), { stack }))
    assert.deepEqual(backtrace, [`at enqueue (${own}:3:1)`, 'at A.perform (/app/src/a.ts:1:2)'])
  }
})

it('an error that nothing catches is named by the line that a forked process prints last', () => {
  const printed = ['    [errors]: [', '      Error: inner', uncaughtLine('AggregateError: two\nlines')]
  assert.equal(uncaughtIn(printed), 'Uncaught AggregateError: two lines')
  assert.equal(uncaughtIn(['throw x', 'RangeError: plain', '    at a.js']), 'RangeError: plain')
  assert.equal(uncaughtIn(['nothing']), undefined)
})

describe('a job that throws', () => {
  const ends = async (thrown: unknown, backoff?: RetryOptions['backoff']): ReturnType<typeof execute> => {
    const options = { queue: 'q', ...(backoff ? { retry: { limit: 3, backoff, jitter: 0 } } : {}) }
    const definition = job(options, function throws() {
      throw thrown
    })
    const registry = new Registry()
    registry.add({ name: 'throws', kind: 'job', definition, file: 'throws.ts' })
    const about = {
      phase: 'perform' as const,
      jobId: 'j',
      className: 'throws',
      queue: 'q',
      args: '[]',
      attempt: 1,
      worker: 'w',
    }
    return execute(
      about,
      { registry, hooks: {} },
      {
        send: () => undefined,
        onMessage: () => undefined,
      },
    )
  }

  it('keeps its own error where its backoff throws or gives no time, which is said', async () => {
    const backoffs = [fails, () => NaN, () => 'soon' as never, () => undefined as never]
    for (const backoff of backoffs) {
      const outcome = await ends(new RangeError('its own'), backoff)
      assert.ok(outcome.kind === 'failed')
      assert.match(text(outcome.error), /^RangeError: its own\n/)
      assert.match(outcome.backoffFault ?? '', /; the delay is that of the policy$/)
      assert.equal(outcome.retryInMs, 15_000)
    }
    const nan = await ends(new RangeError('its own'), () => NaN)
    assert.match(JSON.stringify(nan), /got NaN/)
  })

  it('fails of what it threw, also where that throws when it is read', async () => {
    const proxy = new Proxy({}, { get: fails, ownKeys: fails, getPrototypeOf: fails })
    for (const thrown of [
      proxy,
      withGetter('message', fails),
      withGetter('constructor', fails),
      null,
      { code: 42, message: 'x' },
    ])
      assert.equal((await ends(thrown, 'fixed')).kind, 'failed')
  })
})

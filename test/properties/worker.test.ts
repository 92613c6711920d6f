// Properties of the pure parts, held by random cases: queue selection, weights, retries, payload bytes.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { decodeItem, parseLossless } from '../../runtime/core/codec.ts'
import { errorNames, retryDelayMs, retryPolicy } from '../../runtime/jobs/retry.ts'
import { decodeFailure, encodeFailure } from '../../runtime/store/queues/failures.ts'
import { queueListName, selectQueues } from '../../runtime/store/queues/queue-list.ts'
import { weightedOrder } from '../../runtime/worker/reserve/queue-choice.ts'

const known = ['.hidden', 'B', 'a/b', 'high', 'low', 'mail_a', 'mail_b', 'medium', 'x{y}']
const all = known.slice(1)

describe('queue selection', () => {
  // Seen with Ruby's Resque 3.0: resque-wire.md, section 9.
  const table: [list: string, polled: string[]][] = [
    ['low,high', ['low', 'high']],
    ['low,nosuch', ['low', 'nosuch']],
    ['low,low', ['low', 'low']],
    ['*', all],
    ['high,*,!low', ['high', ...all.filter((queue) => !['high', 'low'].includes(queue))]],
    ['*,high', all],
    ['*,!mail_*', all.filter((queue) => !queue.startsWith('mail_'))],
    ['!mail_*,*', all.filter((queue) => !queue.startsWith('mail_'))],
    ['low,nosuch,!x', ['low']],
    ['low,!low', []],
    ['[hl]*', ['high', 'low']],
    ['mail_?', ['mail_a', 'mail_b']],
    ['[!h]*', all.filter((queue) => !queue.startsWith('h'))],
    ['{high', []],
  ]
  for (const [list, polled] of table) {
    it(`polls ${list} as Resque does`, () => assert.deepEqual(selectQueues(list.split(','), known), polled))
  }

  const name = fc.stringMatching(/^[a-zA-Z0-9_.:/-]{1,12}$/)
  const pattern = fc.oneof(name, fc.constantFrom('*', 'a*', '!b*', '?', '[a-m]*', '!x', '\\*'))
  it('never invents a queue from a wildcard, never repeats one, and never looks into one that is refused', () => {
    fc.assert(
      fc.property(
        fc.array(pattern, { minLength: 1, maxLength: 6 }),
        fc.uniqueArray(name, { maxLength: 12 }),
        (list, queues) => {
          const selected = selectQueues(list, queues)
          const dynamic = list.some((entry) => /[*?{}[\]!]/.test(entry))
          if (!dynamic) return assert.deepEqual(selected, list)
          assert.ok(selected.every((queue) => queues.includes(queue)))
          assert.equal(new Set(selected).size, selected.length)
          for (const refused of list.filter((entry) => /^![\w]+$/.test(entry)))
            assert.ok(!selected.includes(refused.slice(1)))
          assert.ok(!queueListName(list).includes('!'))
        },
      ),
    )
  })

  it('does not depend on the order in which Redis names the queues', () => {
    fc.assert(
      fc.property(
        fc.array(pattern, { minLength: 1, maxLength: 5 }),
        fc.uniqueArray(name, { maxLength: 10 }),
        (list, queues) => {
          assert.deepEqual(selectQueues(list, queues), selectQueues(list, [...queues].reverse()))
        },
      ),
    )
  })
})

describe('weights', () => {
  it('give every queue a place, each once', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.string({ minLength: 1 }), { maxLength: 10 }),
        fc.dictionary(fc.string(), fc.integer({ min: 1, max: 1000 })),
        (queues, weights) => {
          assert.deepEqual([...weightedOrder(queues, weights)].sort(), [...queues].sort())
        },
      ),
    )
  })

  it('draw in proportion', () => {
    let state = 1
    const random = (): number => (state = (state * 48271) % 2147483647) / 2147483647
    let first = 0
    for (let i = 0; i < 4000; i += 1)
      if (weightedOrder(['low', 'high'], { high: 3, low: 1 }, random)[0] === 'high') first += 1
    assert.ok(first > 2850 && first < 3150, `high was first ${first} times of 4000`)
    const half = (): number => 0.5
    assert.deepEqual(weightedOrder(['a', 'b', 'c'], { a: 0.6, c: 1.5 }, half), ['c', 'b', 'a'])
  })
})

describe('retry policy', () => {
  const options = fc.record({
    limit: fc.integer({ min: 0, max: 50 }),
    delay: fc.integer({ min: 0, max: 10_000_000 }),
    backoff: fc.constantFrom('fixed' as const, 'linear' as const, 'exponential' as const),
    maxDelay: fc.integer({ min: 0, max: 100_000_000 }),
    jitter: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  const random = fc.double({ min: 0, max: 1, noNaN: true })

  it('goes by the names of the error, of its class and of the ancestors of that', () => {
    class Mine extends TypeError {}
    const error = new Mine('x')
    error.name = 'Own'
    assert.deepEqual(errorNames(error), ['Own', 'Mine', 'TypeError', 'Error'])
    assert.deepEqual(errorNames(new (class extends Mine {})('x')), ['TypeError', 'Mine', 'Error'])
  })

  it('retries exactly `limit` times, never later than maxDelay, never earlier than jitter allows', () => {
    fc.assert(
      fc.property(options, fc.integer({ min: 1, max: 60 }), random, (given, attempt, drawn) => {
        const delayMs = retryDelayMs(retryPolicy(given, 'X'), attempt, ['Error'], drawn)
        assert.equal(delayMs === undefined, attempt > given.limit)
        if (delayMs === undefined) return
        const factor = { fixed: 1, linear: attempt, exponential: 2 ** Math.min(attempt - 1, 40) }[given.backoff]
        const full = Math.min(given.delay * factor, given.maxDelay)
        assert.ok(Number.isSafeInteger(delayMs) && delayMs <= full + 0.5 && delayMs >= full * (1 - given.jitter) - 0.5)
      }),
    )
  })

  it('obeys on and not, not before all', () => {
    const kinds = fc.array(fc.constantFrom('A', 'B', 'C'), { maxLength: 3 })
    fc.assert(
      fc.property(kinds, kinds, fc.constantFrom('A', 'B', 'C'), (on, not, name) => {
        const delayMs = retryDelayMs(retryPolicy({ limit: 1, on, not }, 'X'), 1, [name], 0)
        assert.equal(delayMs !== undefined, !not.includes(name) && (on.length === 0 || on.includes(name)))
      }),
    )
  })
})

describe('payloads', () => {
  // What other languages write: numbers that JavaScript would round or spell otherwise, escapes, any order, any spaces.
  const number = fc.constantFrom('1.0', '12345678901234567890', '1.0e+20', '-0.0', '1e16', '3', '0.1')
  const leaf = fc.oneof(
    number,
    fc.string().map((text) => JSON.stringify(text)),
    fc.constantFrom('true', 'null', '"\\u003cb\\u003e"'),
  )
  const value = fc.oneof(
    leaf,
    fc.array(leaf, { maxLength: 3 }).map((items) => `[${items.join(', ')}]`),
    leaf.map((inner) => `{"k" : ${inner}}`),
  )
  const args = fc.array(value, { maxLength: 4 }).map((items) => `[${items.join(',')}]`)

  it('keep the exact bytes of their arguments', () => {
    fc.assert(
      fc.property(args, fc.boolean(), (text, queueFirst) => {
        const item = queueFirst
          ? `{"class":"Foreign","queue":"q","args":${text}}`
          : `{"class":"Foreign","args":${text}}`
        const read = decodeItem(item)
        assert.ok(!('reason' in read))
        assert.equal(read.className, 'Foreign')
        assert.equal(read.args, text)
        assert.ok(Array.isArray(parseLossless(read.args)))
      }),
    )
  })

  it('stand unchanged in a failed entry', () => {
    fc.assert(
      fc.property(args, fc.string(), (text, error) => {
        const item = `{"class":"Foreign","args":${text}}`
        const entry = encodeFailure({
          failedAtMs: 0,
          item,
          exception: 'E',
          error,
          backtrace: [],
          worker: 'h:1:q',
          queue: 'q',
        })
        assert.ok(entry.includes(`"payload":${item}`))
        const read = decodeFailure(entry, 0)
        assert.equal(read?.payload, item)
        assert.equal(read?.error, error)
      }),
    )
  })

  it('that are garbage are told from jobs, and never throw', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => void decodeItem(text)))
  })
})

// Properties of lengths of time: one grammar, wherever they are written.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { parseDurationMs } from '../../config/units.ts'
import { duration, longestMs } from '../../runtime/core/duration.ts'
import { parseEvery } from '../../runtime/cron/timing.ts'

describe('durations', () => {
  const units: [string, number][] = [
    ['ms', 1],
    ['s', 1000],
    [' seconds', 1000],
    ['m', 60_000],
    [' minutes', 60_000],
    ['h', 3_600_000],
    [' hours', 3_600_000],
    ['d', 86_400_000],
    [' days', 86_400_000],
  ]
  it('are what they say', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 30_000 }), fc.constantFrom(...units), (count, [unit, ms]) => {
        assert.equal(duration(`${count}${unit}`), count * ms)
      }),
    )
  })

  it('mean the same to a call, a setting and a schedule, or are refused by all three', () => {
    const count = fc.oneof(fc.nat(999).map(String), fc.constantFrom('0.5', '.5', '1.25'))
    const unit = fc.constantFrom(
      'ms',
      's',
      'Secs',
      'm',
      'min',
      'h',
      'hrs',
      'd',
      'W',
      'mo',
      ' month',
      ' YEARS',
      'P',
      'x',
    )
    const piece = fc.tuple(count, unit).map((pair) => pair.join(''))
    const text = fc.oneof(
      fc.array(piece, { minLength: 1, maxLength: 3 }).map((pieces) => pieces.join(' ')),
      fc
        .array(fc.constantFrom('P', 'T', '1', '2', '.', 'M', 'D', 'H', 'S'), { maxLength: 8 })
        .map((all) => `P${all.join('')}`),
    )
    const read = (parse: () => number | undefined): number | undefined => {
      try {
        return parse()
      } catch {
        return undefined
      }
    }
    fc.assert(
      fc.property(text, (given) => {
        const [called, set, every] = [
          () => duration(given),
          () => parseDurationMs(given),
          () => parseEvery(given, 'every'),
        ].map(read)
        assert.equal(called, set !== undefined && set <= longestMs ? set : undefined)
        assert.ok(called === undefined || Number.isSafeInteger(called))
        if (called !== 0) assert.equal(called, every)
      }),
    )
  })

  it('without a unit, with M, or that are moments are refused with what to write', () => {
    assert.throws(() => duration('60'), /write '60s' for seconds or '60ms'/)
    assert.throws(() => duration('1M'), /write '1 minutes' or '1 months'/)
    assert.throws(() => duration(Date.UTC(2026, 10, 28)), /the moment 2026-11-28T00:00:00.000Z/)
    assert.throws(() => duration(5n as never), /got 5n/)
    assert.equal(duration('PT1H30M'), duration('1h 30 minutes'))
  })

  it('are whole milliseconds from 0 to a hundred years, or refused with what came', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.double(), fc.integer()), (given) => {
        try {
          const ms = duration(given)
          assert.ok(Number.isSafeInteger(ms) && ms >= 0 && ms <= 100 * 365 * 86_400_000)
        } catch (error) {
          assert.equal((error as { code?: string }).code, 'ERR_ARGUMENT')
        }
      }),
    )
  })
})

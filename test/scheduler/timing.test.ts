import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { decideOverlap, planCatchup } from '../../scheduler/firing/fire-times.ts'
import { Cron } from '../../runtime/cron/cron.ts'
import {
  describeTiming,
  fireTimesBetween,
  lastFireTime,
  lastFireTimesBetween,
  nextFireTime,
  parseEvery,
  type Timing,
  timingMark,
} from '../../runtime/cron/timing.ts'

const minute = 60_000
const hour = 60 * minute

describe("rufus-scheduler's durations", () => {
  const good: [text: string, ms: number][] = [
    ['30s', 30_000], ['1h30m', 90 * minute], ['15mins', 15 * minute], ['1w2d', 9 * 24 * hour], ['1.5h', 90 * minute], ['PT5M', 5 * minute],
    ['60', minute], ['1M', 30 * 24 * hour], ['1m', minute], ['1y', 365 * 24 * hour], ['P1DT2H', 26 * hour], ['2 hours, 5 minutes', 125 * minute], ['1h and 5m', 65 * minute],
    ['1 month', 30 * 24 * hour], ['0.5s', 500], ['250ms', 250], ['10sec', 10_000], ['1ms', 1],
  ] // prettier-ignore
  for (const [text, ms] of good) test(text, () => assert.equal(parseEvery(text, 'every'), ms))
  for (const bad of [
    '',
    ' ',
    '0s',
    '0',
    'PT',
    'P',
    'PT.M',
    'P1.2.3D',
    'PT1..5M',
    'P.D',
    'P1DT',
    '1h 1h',
    '-5m',
    '5 parsecs',
    'h',
    '1h 5',
    'NaN',
    '200y',
    30,
    null,
    undefined,
    {},
    '__proto__',
    '9'.repeat(99),
  ]) {
    test(`refused: ${JSON.stringify(bad)}`, () =>
      assert.throws(() => parseEvery(bad, 'every'), { code: 'ERR_SCHEDULE' }))
  }
})

test('the mark of a cron line does not depend on the zone of the machine', () => {
  const before = process.env.TZ
  const markIn = (zone: string, text: string): string => {
    process.env.TZ = zone
    const cron = Cron.parse(text)
    assert.equal(cron.zone.name, text.includes('Rome') ? 'Europe/Rome' : zone)
    return timingMark({ kind: 'cron', cron, bounds: {} }, text)
  }
  try {
    assert.equal(markIn('Asia/Tokyo', '0 8 * * *'), markIn('Europe/Berlin', '0 8 * * *'))
    assert.notEqual(markIn('Asia/Tokyo', '0 8 * * *'), markIn('Asia/Tokyo', '0 8 * * * Europe/Rome'))
  } finally {
    process.env.TZ = before ?? ''
    if (before === undefined) delete process.env.TZ
  }
})

test('an entry without a timing runs by hand only', () => {
  assert.equal(timingMark(undefined, ''), 'none')
  assert.equal(describeTiming(undefined), 'by hand only')
  assert.equal(describeTiming({ kind: 'every', everyMs: hour, bounds: {} }), 'Every 1h')
})

describe('every', () => {
  const every = (everyMs: number, bounds = {}): Timing => ({ kind: 'every', everyMs, bounds })

  test('fires one interval after the entry was first seen, or after first_in', () => {
    assert.equal(nextFireTime(every(hour), { sinceMs: 1000, fired: 0 }, 5000), 1000 + hour)
    assert.equal(nextFireTime(every(hour, { firstInMs: minute }), { sinceMs: 1000, fired: 0 }, 1000), 1000 + minute)
    assert.equal(nextFireTime(every(hour, { firstInMs: 0 }), { sinceMs: 1000, fired: 0 }, 999), 1000)
    assert.equal(nextFireTime(every(hour, { firstAtMs: 7 * hour }), { sinceMs: 0, fired: 0 }, 0), 7 * hour)
  })

  test('counts from the last recorded firing, whenever the process started', () => {
    assert.equal(
      nextFireTime(every(hour), { sinceMs: 0, lastSlotMs: 10 * hour, fired: 3 }, 10 * hour + minute),
      11 * hour,
    )
    assert.equal(
      nextFireTime(every(hour), { sinceMs: 0, lastSlotMs: 10 * hour, fired: 3 }, 14 * hour + minute),
      15 * hour,
    )
    assert.equal(nextFireTime(every(hour), { sinceMs: 0, lastSlotMs: 10 * hour, fired: 3 }, 2 * hour), 11 * hour)
  })

  test('ends with last_in, last_at and times', () => {
    assert.equal(nextFireTime(every(hour, { lastInMs: 90 * minute }), { sinceMs: 0, fired: 0 }, 0), hour)
    assert.equal(
      nextFireTime(every(hour, { lastInMs: 90 * minute }), { sinceMs: 0, lastSlotMs: hour, fired: 1 }, hour),
      undefined,
    )
    assert.equal(nextFireTime(every(hour, { lastAtMs: hour - 1 }), { sinceMs: 0, fired: 0 }, 0), undefined)
    assert.equal(nextFireTime(every(hour, { times: 2 }), { sinceMs: 0, lastSlotMs: hour, fired: 2 }, hour), undefined)
    assert.deepEqual(fireTimesBetween(every(hour, { times: 2 }), { sinceMs: 0, fired: 0 }, 0, 9 * hour, 10), {
      slots: [hour, 2 * hour],
      more: false,
    })
  })

  test('lists what lies between two instants, so many at most', () => {
    assert.deepEqual(fireTimesBetween(every(hour), { sinceMs: 0, fired: 0 }, 0, 3 * hour, 10), {
      slots: [hour, 2 * hour, 3 * hour],
      more: false,
    })
    assert.deepEqual(fireTimesBetween(every(hour), { sinceMs: 0, fired: 0 }, 0, 3 * hour, 2), {
      slots: [hour, 2 * hour],
      more: true,
    })
  })

  test('lists the last of them as well, up to the end of its time', () => {
    assert.deepEqual(lastFireTimesBetween(every(hour), { sinceMs: 0, fired: 0 }, 0, 9.5 * hour, 2), [
      8 * hour,
      9 * hour,
    ])
    assert.deepEqual(lastFireTimesBetween(every(hour), { sinceMs: 0, fired: 0 }, 7 * hour, 9 * hour, 5), [
      8 * hour,
      9 * hour,
    ])
    const closed = every(hour, { lastInMs: 3.5 * hour })
    assert.deepEqual(lastFireTimesBetween(closed, { sinceMs: 0, fired: 0 }, 0, 9 * hour, 2), [2 * hour, 3 * hour])
    assert.deepEqual(lastFireTimesBetween(closed, { sinceMs: 0, fired: 0 }, 4 * hour, 9 * hour, 2), [])
    assert.deepEqual(lastFireTimesBetween(every(hour), { sinceMs: 0, fired: 0 }, 0, 9 * hour, 0), [])
    assert.equal(lastFireTime(every(hour, { firstInMs: 5 * hour }), { sinceMs: 0, fired: 0 }, 3 * hour), undefined)
  })

  test('keeps its beat: each next one is an interval after some earlier one, never before the instant asked', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e9 }), fc.nat(1e12), fc.nat(1e12), (everyMs, lastSlotMs, afterMs) => {
        const next = nextFireTime(every(everyMs), { sinceMs: 0, lastSlotMs, fired: 1 }, afterMs) ?? NaN
        assert.ok(next > afterMs && next > lastSlotMs && (next - lastSlotMs) % everyMs === 0)
        assert.ok(next - everyMs <= Math.max(afterMs, lastSlotMs))
      }),
    )
  })
})

test('a cron line obeys first_at and last_at', () => {
  const timing: Timing = {
    kind: 'cron',
    cron: Cron.parse('0 * * * *', 'UTC'),
    bounds: { firstAtMs: 5 * hour, lastAtMs: 6 * hour },
  }
  assert.deepEqual(fireTimesBetween(timing, { sinceMs: 0, fired: 0 }, 0, 24 * hour, 9).slots, [5 * hour, 6 * hour])
})

describe('catching up', () => {
  const missed = [1 * hour, 2 * hour, 3 * hour]
  const plan = (more: object) =>
    planCatchup({ policy: 'none', missed, laterDue: false, windowMs: 24 * hour, nowMs: 4 * hour, max: 100, ...more })

  test('none makes up none', () => assert.deepEqual(plan({}), { fire: [], drop: missed }))
  test('last makes up the last', () =>
    assert.deepEqual(plan({ policy: 'last' }), { fire: [3 * hour], drop: [hour, 2 * hour] }))
  test('last has nothing to make up when a later one is due anyway', () =>
    assert.deepEqual(plan({ policy: 'last', laterDue: true }).fire, []))
  test('all makes up all, oldest first', () => assert.deepEqual(plan({ policy: 'all' }), { fire: missed, drop: [] }))
  test('what lies before the window stays missed', () => {
    assert.deepEqual(plan({ policy: 'all', windowMs: 2 * hour }), { fire: [2 * hour, 3 * hour], drop: [hour] })
    assert.deepEqual(plan({ policy: 'last', windowMs: minute }), { fire: [], drop: missed })
  })
  test('there is a most', () =>
    assert.deepEqual(plan({ policy: 'all', max: 1 }), { fire: [3 * hour], drop: [hour, 2 * hour] }))
})

describe('overlap', () => {
  test('allow always fires', () => assert.equal(decideOverlap('allow', 'busy', 5, 10), 'fire'))
  test('skip leaves out what would overlap', () => {
    assert.equal(decideOverlap('skip', 'busy', 0, 10), 'skip')
    assert.equal(decideOverlap('skip', 'ended', 0, 10), 'fire')
    assert.equal(decideOverlap('skip', 'none', 0, 10), 'fire')
  })
  test('queue lets them wait in turn, so many at most', () => {
    assert.equal(decideOverlap('queue', 'busy', 0, 10), 'wait')
    assert.equal(decideOverlap('queue', 'ended', 1, 10), 'wait')
    assert.equal(decideOverlap('queue', 'busy', 10, 10), 'skip')
    assert.equal(decideOverlap('queue', 'ended', 0, 10), 'fire')
  })
})

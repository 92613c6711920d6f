// Cron lines beside croner, an implementation that is not ours, wherever both read them the same way: in any zone, away from
// changes of its clocks, whose rules are our own (test/scheduler/cron-clocks.test.ts).
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Cron as Croner } from 'croner'
import fc from 'fast-check'
import { Cron } from '../../runtime/cron/cron.ts'
import { RuntimeError } from '../../runtime/core/errors.ts'
import { runs, useSeed } from '../support/properties.ts'

useSeed()

const dayMs = 86_400_000
const zones = ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Asia/Tokyo', 'Australia/Lord_Howe']

/** What both read in a field: a star, values, ranges in order and steps, in lists. */
function field(min: number, max: number, names: readonly string[] = []): fc.Arbitrary<string> {
  const value = fc.integer({ min, max })
  const shown = value.chain((n) => fc.constantFrom(String(n), names[n - min] ?? String(n).padStart(2, '0')))
  const step = fc.integer({ min: 1, max: max - min })
  const range = fc.tuple(value, value).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`)
  const one = fc.oneof(
    { weight: 3, arbitrary: shown },
    { weight: 2, arbitrary: range },
    fc.tuple(range, step).map((parts) => parts.join('/')),
    step.map((n) => `*/${n}`),
  )
  return fc.oneof(
    { weight: 2, arbitrary: fc.constant('*') },
    { weight: 5, arbitrary: fc.array(one, { minLength: 1, maxLength: 3 }).map((list) => list.join(',')) },
  )
}

const months = 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ')
const days = 'sun mon tue wed thu fri sat'.split(' ')
const monthDay = fc.oneof({ weight: 4, arbitrary: field(1, 31) }, fc.constantFrom('L', '15,L'))
const weekday = fc.oneof(
  // A step on a weekday alone, and one that wraps, mean other days to fugit, whose rules ours are.
  { weight: 4, arbitrary: field(0, 6, days) },
  fc.tuple(fc.integer({ min: 0, max: 6 }), fc.constantFrom('#1', '#2', '#5', '#L')).map((parts) => parts.join('')),
)
const line = fc
  .tuple(fc.boolean(), field(0, 59), field(0, 59), field(0, 23), monthDay, field(1, 12, months), weekday)
  .map(([six, seconds, ...five]) => (six ? [seconds, ...five] : five).join(' '))
const instant = fc.integer({ min: 1_600_000_000, max: 2_000_000_000 }).map((seconds) => seconds * 1000)

/** A day field that names every day is a star to croner; to cron(8), and us, only a star is. */
const namesEveryDay = ({ text }: Cron): boolean => {
  const [dow = '', , dom = ''] = text.split(' ').reverse()
  const all = (list: string, min: number, max: number): boolean => {
    if (list === '*') return false
    const cron = new Set<number>()
    for (const part of list.split(',')) {
      const [body = '', step = '1'] = part.split('/')
      const [from = NaN, to = from] =
        body === '*' ? [min, max] : body.split('-').map((each) => (/\d/.test(each) ? Number(each) : days.indexOf(each)))
      for (let n = from; n <= to; n += Number(step)) cron.add(n)
    }
    return cron.size > max - min
  }
  return all(dom, 1, 31) || all(dow, 0, 6)
}

const clocksChange = (zone: Cron['zone'], fromMs: number, toMs: number): boolean =>
  (zone.changeAfter(fromMs - 2 * dayMs)?.atMs ?? Infinity) < toMs + 2 * dayMs

describe('any cron line', () => {
  it('fires when croner says, forth and back', () => {
    fc.assert(
      fc.property(line, fc.constantFrom(...zones), instant, (text, zone, from) => {
        let mine: Cron
        try {
          mine = Cron.parse(text, zone)
        } catch (error) {
          // Croner finds out only when it looks for the date.
          assert.match((error as Error).message, /which never comes/)
          assert.equal(new Croner(text, { timezone: zone }).nextRun(new Date(from)), null)
          return
        }
        fc.pre(!namesEveryDay(mine))
        const theirs = new Croner(text, { timezone: zone })
        const expected = theirs.nextRuns(3, new Date(from)).map((date) => date.getTime())
        const [before] = theirs.previousRuns(1, new Date(from))
        fc.pre(!clocksChange(mine.zone, before?.getTime() ?? from, expected.at(-1) ?? from))
        const found: number[] = []
        for (let at = mine.next(from); at !== undefined && found.length < 3; at = mine.next(at)) found.push(at)
        assert.deepEqual(found, expected, text)
        assert.equal(mine.previous(from - 1), before?.getTime(), text)
      }),
      { numRuns: runs(60) },
    )
  })

  it('is refused with our code, or fires at whole seconds, later each time, and back again', () => {
    const token = fc.oneof(
      fc.constantFrom(
        '*',
        '?',
        'L',
        'L-2',
        'W',
        '1-',
        '-1',
        '24',
        '60',
        '7',
        'mon%2',
        'fri#-1',
        '*/0',
        '22-2',
        '5&',
        ',',
        '@daily',
        'Europe/Berlin',
        '+05:30',
      ),
      line.map((text) => text.split(' ')[0] ?? ''),
      fc.string({ maxLength: 6 }),
    )
    const any = fc.oneof(
      fc.array(token, { maxLength: 8 }).map((tokens) => tokens.join(' ')),
      fc.tuple(line, token, fc.nat(6)).map(([text, odd, at]) =>
        text
          .split(' ')
          .with(Math.min(at, text.split(' ').length - 1), odd)
          .join(' '),
      ),
    )
    fc.assert(
      fc.property(any, instant, (text, from) => {
        const cron = parsed(text)
        const next = cron?.next(from)
        if (!cron || next === undefined) return
        assert.ok(next > from && next % 1000 === 0, text)
        assert.equal(cron.previous(next), next, text)
        assert.ok((cron.previous(next - 1) ?? -Infinity) <= from, text)
        cron.describe()
      }),
      { numRuns: runs(200) },
    )
  })
})

function parsed(text: string): Cron | undefined {
  try {
    return Cron.parse(text, undefined, 'UTC')
  } catch (error) {
    assert.ok(
      error instanceof RuntimeError && error.code === 'ERR_SCHEDULE',
      `${JSON.stringify(text)}: ${String(error)}`,
    )
    return undefined
  }
}

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Cron } from '../../runtime/cron/cron.ts'

function fires(text: string, zone: string, from: string, count: number): string[] {
  const cron = Cron.parse(text, zone)
  const times: string[] = []
  for (let at: number | undefined = Date.parse(from); times.length < count;) {
    at = cron.next(at)
    if (at === undefined) break
    times.push(cron.zone.format(at))
  }
  return times
}

const clocks: [what: string, text: string, zone: string, from: string, expected: string[]][] = [
  [
    'a time in the gap comes at its end',
    '30 2 * * *',
    'Europe/Berlin',
    '2027-03-27T12:00Z',
    ['2027-03-28 03:00:00 CEST', '2027-03-29 02:30:00 CEST'],
  ],
  [
    'several in one gap come once',
    '*/20 2 * * *',
    'Europe/Berlin',
    '2027-03-27T12:00Z',
    ['2027-03-28 03:00:00 CEST', '2027-03-29 02:00:00 CEST'],
  ],
  [
    'the gap and the time after it are one firing',
    '0 2,3 * * *',
    'Europe/Berlin',
    '2027-03-27T12:00Z',
    ['2027-03-28 03:00:00 CEST', '2027-03-29 02:00:00 CEST'],
  ],
  [
    'a time that exists twice comes the first time',
    '30 2 * * *',
    'Europe/Berlin',
    '2027-10-30T12:00Z',
    ['2027-10-31 02:30:00 CEST', '2027-11-01 02:30:00 CET'],
  ],
  [
    'several that exist twice come once each',
    '*/30 2 * * *',
    'Europe/Berlin',
    '2027-10-30T12:00Z',
    ['2027-10-31 02:00:00 CEST', '2027-10-31 02:30:00 CEST', '2027-11-01 02:00:00 CET'],
  ],
  [
    'every hour counts hours as they pass, back',
    '30 * * * *',
    'Europe/Berlin',
    '2027-10-31T00:00Z',
    ['2027-10-31 02:30:00 CEST', '2027-10-31 02:30:00 CET', '2027-10-31 03:30:00 CET'],
  ],
  [
    'every hour counts hours as they pass, forward',
    '30 * * * *',
    'Europe/Berlin',
    '2027-03-28T00:00Z',
    ['2027-03-28 01:30:00 CET', '2027-03-28 03:30:00 CEST'],
  ],
  [
    'New York, gap',
    '30 2 * * *',
    'America/New_York',
    '2027-03-14T00:00Z',
    ['2027-03-14 03:00:00 GMT-4', '2027-03-15 02:30:00 GMT-4'],
  ],
  [
    'New York, twice',
    '30 1 * * *',
    'America/New_York',
    '2027-11-07T00:00Z',
    ['2027-11-07 01:30:00 GMT-4', '2027-11-08 01:30:00 GMT-5'],
  ],
  [
    'a gap of half an hour',
    '15 2 * * *',
    'Australia/Lord_Howe',
    '2027-10-02T00:00Z',
    ['2027-10-03 02:30:00 GMT+11', '2027-10-04 02:15:00 GMT+11'],
  ],
  [
    'half an hour twice',
    '45 1 * * *',
    'Australia/Lord_Howe',
    '2027-04-03T00:00Z',
    ['2027-04-04 01:45:00 GMT+11', '2027-04-05 01:45:00 GMT+10:30'],
  ],
  [
    'a gap at midnight',
    '0 0 * * *',
    'America/Santiago',
    '2027-09-04T12:00Z',
    ['2027-09-05 01:00:00 GMT-3', '2027-09-06 00:00:00 GMT-3'],
  ],
  [
    'a gap at midnight, once a year',
    '0 0 5 9 *',
    'America/Santiago',
    '2027-09-03T12:00Z',
    ['2027-09-05 01:00:00 GMT-3', '2028-09-05 00:00:00 GMT-3'],
  ],
  [
    'midnight twice',
    '0 0 * * *',
    'America/Havana',
    '2027-11-06T12:00Z',
    ['2027-11-07 00:00:00 GMT-4', '2027-11-08 00:00:00 GMT-5'],
  ],
  [
    'a day that was left out',
    '0 8 30 12 *',
    'Pacific/Apia',
    '2011-12-01T00:00Z',
    ['2011-12-31 00:00:00 GMT+14', '2012-12-30 08:00:00 GMT+14'],
  ],
  [
    'no change of clocks at all',
    '30 2 * * *',
    'Asia/Kolkata',
    '2027-03-27T12:00Z',
    ['2027-03-28 02:30:00 GMT+5:30', '2027-03-29 02:30:00 GMT+5:30'],
  ],
]
describe('when clocks change', () => {
  for (const [what, text, zone, from, expected] of clocks) {
    test(`${what} (${text} ${zone})`, () => assert.deepEqual(fires(text, zone, from, expected.length), expected))
  }

  test('each wall time that a line names has exactly one firing a day, in any zone', () => {
    const zones = [
      'Europe/Berlin',
      'America/New_York',
      'Australia/Lord_Howe',
      'America/Santiago',
      'Africa/Casablanca',
      'Asia/Tehran',
      'Pacific/Auckland',
    ]
    fc.assert(
      fc.property(fc.constantFrom(...zones), fc.nat(23), fc.nat(59), fc.nat(364), (zone, hour, minute, day) => {
        const cron = Cron.parse(`${minute} ${hour} * * *`, zone)
        const dates: string[] = []
        let at = Date.UTC(2027, 0, 1) + day * 86_400_000
        for (let i = 0; i < 10; i += 1) {
          at = cron.next(at) ?? NaN
          dates.push(cron.zone.format(at).slice(0, 10))
        }
        for (let i = 1; i < dates.length; i += 1) {
          assert.equal(Date.parse(dates[i] ?? '') - Date.parse(dates[i - 1] ?? ''), 86_400_000)
        }
      }),
    )
  })
})

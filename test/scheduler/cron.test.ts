import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Cron } from '../../runtime/cron/cron.ts'

function fires(text: string, zone: string | undefined, from: string, count: number): string[] {
  const cron = Cron.parse(text, zone)
  const times: string[] = []
  for (let at: number | undefined = Date.parse(from); times.length < count;) {
    at = cron.next(at)
    if (at === undefined) break
    times.push(cron.zone.format(at))
  }
  return times
}

describe('a cron line', () => {
  const from = '2027-01-03T12:00Z' // a Sunday
  const lines: [text: string, expected: string[]][] = [
    ['0 0 L * *', ['2027-01-31', '2027-02-28', '2027-03-31']],
    ['0 0 L-1 * *', ['2027-01-30', '2027-02-27']],
    ['0 0 15,L * *', ['2027-01-15', '2027-01-31']],
    ['0 0 * * 1#2', ['2027-01-11', '2027-02-08']],
    ['0 0 * * mon#2', ['2027-01-11', '2027-02-08']],
    ['0 0 * * 1#1,1#3', ['2027-01-04', '2027-01-18']],
    ['0 0 * * 5L', ['2027-01-29', '2027-02-26']],
    ['0 0 * * fri#L', ['2027-01-29', '2027-02-26']],
    ['0 24 * * *', ['2027-01-04', '2027-01-05']],
    ['0 0 * * 7', ['2027-01-10', '2027-01-17']],
    ['0 0 * * 5-7', ['2027-01-08', '2027-01-09', '2027-01-10', '2027-01-15']],
    ['0 0 * * 0-7', ['2027-01-04', '2027-01-05']],
    ['0 0 * * fri-mon', ['2027-01-04', '2027-01-08']],
    ['0 0 13 * 5', ['2027-01-08', '2027-01-13', '2027-01-15']], // day of month or weekday
    // What fugit 1.12 answers, the parser of resque-scheduler.
    [
      '0 0 * * sun-7',
      ['2027-01-04', '2027-01-05', '2027-01-06', '2027-01-07', '2027-01-08', '2027-01-09', '2027-01-10'],
    ],
    ['0 0 * * 0-sun', ['2027-01-10', '2027-01-17']],
    ['0 0 * * mon/2', ['2027-01-04', '2027-01-11']],
    ['0 0 * * 1-7/2', ['2027-01-04', '2027-01-06', '2027-01-08', '2027-01-10', '2027-01-11']],
    ['0 0 * * 5,*', ['2027-01-08', '2027-01-15']],
    ['0 0 * * mon%2', ['2027-01-04', '2027-01-18']],
    ['0 0 * * mon%2+1', ['2027-01-11', '2027-01-25']],
    ['0 0 * * tue%2', ['2027-01-05', '2027-01-19']],
    ['0 0 1-7& * mon', ['2027-01-04', '2027-02-01', '2027-03-01', '2027-04-05']],
    ['0 0 1-7 * mon&', ['2027-01-04', '2027-02-01']],
    ['0 0 1 * */1', ['2027-01-04', '2027-01-05', '2027-01-06']],
    ['0 0 */1 * 5', ['2027-01-08', '2027-01-15']],
    ['0 0 1-31 * 5', ['2027-01-08', '2027-01-15']],
    ['0 0 -3--1 * *', ['2027-01-29', '2027-01-30', '2027-01-31', '2027-02-26']],
    ['0 0 28-L * *', ['2027-01-28', '2027-01-29', '2027-01-30', '2027-01-31', '2027-02-28']],
    ['0 0 last * *', ['2027-01-31', '2027-02-28']],
    ['0 0 * * fri#last', ['2027-01-29', '2027-02-26']],
    ['0 0 * * friL', ['2027-01-29', '2027-02-26']],
    ['0 0 29 2 *', ['2028-02-29', '2032-02-29']],
    ['0 0 1 jan,DEC *', ['2027-12-01', '2028-01-01']],
    ['@weekly', ['2027-01-10', '2027-01-17']],
    ['@monthly', ['2027-02-01']],
    ['@yearly', ['2028-01-01']],
    ['@daily', ['2027-01-04']],
    ['@midnight', ['2027-01-04']],
  ]
  for (const [text, expected] of lines) {
    test(text, () =>
      assert.deepEqual(
        fires(text, 'UTC', from, expected.length).map((time) => time.slice(0, 10)),
        expected,
      ),
    )
  }

  const hours: [text: string, expected: string[]][] = [
    ['0 0-24 * * *', ['13:00', '14:00']],
    ['0 0-24/6 * * *', ['18:00', '00:00', '06:00', '12:00']],
    ['0 22-24 * * *', ['22:00', '23:00', '00:00', '22:00']],
    ['0 24-2 * * *', ['00:00', '01:00', '02:00', '00:00']],
    ['0 24-24 * * *', ['00:00', '00:00']],
    ['/20 * * * *', ['12:20', '12:40', '13:00']],
    ['*/61 * * * *', ['13:00', '14:00']],
    ['0 0 12 * * mon/2', ['12:00', '12:00']],
    ['0 20 * * * +05:30', ['20:00', '20:00']],
  ]
  for (const [text, expected] of hours) {
    test(text, () =>
      assert.deepEqual(
        fires(text, text.includes('+') ? undefined : 'UTC', from, expected.length).map((time) => time.slice(11, 16)),
        expected,
      ),
    )
  }

  test('of a fixed offset fires in that offset', () => {
    assert.equal(Cron.parse('0 20 * * * +05:30').next(Date.parse(from)), Date.parse('2027-01-03T14:30Z'))
  })

  test('that every fugit reads is known from those that end a scheduler of Ruby', () => {
    const reads = (text: string): boolean => Cron.parse(text, 'UTC').isReadByRuby
    for (const text of ['0 8 * * 1-5', '@daily', '0-24/6 * * * mon%2+1', '*/5 0 24 L jan-mar fri#-1', '0 0 28-L * *'])
      assert.equal(reads(text), true, text)
    for (const text of ['0 0 * * 5L', '0 0 L-2 * *', '0 0 ? * 1', '0 0 * * monday', '0 0 1-7& * mon', '0 0 31 2 1'])
      assert.equal(reads(text), false, text)
  })

  test('of six fields begins with seconds', () => {
    assert.deepEqual(fires('*/30 5 8 * * *', 'UTC', from, 2), ['2027-01-04 08:05:00 UTC', '2027-01-04 08:05:30 UTC'])
  })

  test('names its zone at the end, or takes the one it is given', () => {
    assert.equal(Cron.parse('0 8 * * * Europe/Berlin').zone.name, 'Europe/Berlin')
    assert.equal(Cron.parse('0 0 8 * * * Europe/Berlin').zone.name, 'Europe/Berlin')
    assert.equal(Cron.parse('@daily America/New_York').zone.name, 'America/New_York')
    assert.equal(Cron.parse('0 8 * * mon', 'Asia/Tokyo').zone.name, 'Asia/Tokyo')
    assert.equal(Cron.parse('0 0 8 * * monday', 'Asia/Tokyo').text, '0 0 8 * * monday')
    assert.equal(Cron.parse('0 8 * * * CET').zone.name, 'CET')
  })

  test('is read in plain English', () => {
    assert.equal(Cron.parse('0 8 * * mon-fri').describe(), 'At 08:00, Monday through Friday')
    assert.equal(Cron.parse('@noon').describe(), 'At 12:00')
    assert.equal(Cron.parse('0 24 * * *').describe(), 'At 00:00')
    assert.equal(Cron.parse('*/61 * * * *').describe(), 'Every hour')
    assert.equal(Cron.parse('0 0 * * mon/2').describe(), 'At 00:00, only on Monday')
  })

  test('is not read in words that could mean something else', () => {
    for (const text of ['*/7 * * * *', '0 0 1 * */1', '0 0 13 * 5', '0 0 * * mon%2', '0 0 L-2 * *', '0 0 */2 * *'])
      assert.match(Cron.parse(text).describe(), /^(0 0 |At 0, 7, 14, |.*on day 1, 3, 5, |\*\/7)/, text)
  })

  const wrong: [text: string, message: RegExp][] = [
    ['', /five fields.*got ""/],
    ['* * * *', /five fields/],
    ['61 * * * *', /minute: expected 0 to 59, got "61"/],
    ['* 25 * * *', /hour/],
    ['0 0 0 * *', /day of month/],
    ['0 0 * 13 *', /month/],
    ['0 0 * * 8', /weekday/],
    ['0 0 * * mon#6', /mon#2/],
    ['*/0 * * * *', /step/],
    ['1,,2 * * * *', /commas/],
    ['0 0 15W * *', /W, the nearest working day, is not supported/],
    ['0 0 30 2 *', /never comes/],
    ['0 0 31 feb,apr *', /never comes/],
    ['0 8 * * * Mars/Base', /zone: expected a name.*"Mars\/Base"/],
    ['@reboot', /@reboot is not supported/],
    ['@every 5m', /write every: in place of cron:/],
    ['CRON_TZ=UTC 0 8 * * *', /the zone at the end/],
    ['0 0 12 ? * 2 *', /years is not supported/],
    ['0~30 * * * *', /~, a random value, is not supported/],
    ['0 0 LW * *', /W, the nearest working day, is not supported/],
    ['0 0 * * mon%0', /number of weeks/],
    ['0 0 -1--3 * *', /in order/],
    ['0 8 * * * * * *', /five fields|zone/],
    ['__proto__', /five fields/],
    ['@constructor', /five fields/],
  ]
  for (const [text, message] of wrong) {
    test(`is refused: ${JSON.stringify(text)}`, () =>
      assert.throws(() => Cron.parse(text), { code: 'ERR_SCHEDULE', message }))
  }
  test('is refused when it and zone: name different zones', () => {
    assert.throws(() => Cron.parse('0 8 * * * Europe/Berlin', 'UTC'), /one zone/)
  })

  test('goes back to the firing before, over gaps, too', () => {
    const cron = Cron.parse('30 2 * * *', 'Europe/Berlin')
    const end = Date.parse('2027-03-28T01:00:00Z')
    assert.equal(cron.previous(end), end)
    assert.equal(cron.previous(end - 1), Date.parse('2027-03-27T01:30:00Z'))
    assert.equal(
      Cron.parse('0 0 29 2 *', 'UTC').previous(Date.parse('2027-01-01T00:00Z')),
      Date.parse('2024-02-29T00:00Z'),
    )
  })
})

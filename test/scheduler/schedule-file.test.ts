import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { CheckContext } from '../../scheduler/entries/entry.ts'
import { formatProblem } from '../../scheduler/entries/entry.ts'
import { readEntry, readSchedule } from '../../scheduler/entries/schedule-file.ts'

const context: CheckContext = { file: 'schedule.yml', source: 'file', zone: 'UTC' }
const read = (text: string, more: Partial<CheckContext> = {}) => readSchedule(text, { ...context, ...more })
const only = (options: string, more: Partial<CheckContext> = {}) => {
  const { entries, problems: wrong } = read(`it:\n${options.replace(/^/gm, '  ')}\n`, more)
  assert.deepEqual(wrong.filter(({ severity }) => severity === 'error').map(formatProblem), [])
  return entries.get('it') ?? assert.fail('expected an entry')
}

describe("an entry of resque-scheduler's", () => {
  test('has its options', () => {
    const entry = only(
      `cron: '0 8 * * * Europe/Berlin'\nclass: GenReportJob\nqueue: low\nargs: [daily]\ndescription: A report\npersist: true`,
    )
    assert.equal(entry.timing?.kind === 'cron' && entry.timing.cron.zone.name, 'Europe/Berlin')
    assert.deepEqual([entry.kind, entry.target, entry.queue, entry.args], ['job', 'GenReportJob', 'low', '["daily"]'])
    assert.deepEqual(
      [entry.description, entry.persist, entry.overlap, entry.catchup, entry.enabled],
      ['A report', true, 'allow', 'none', true],
    )
  })

  test('is named after its class when it has none', () => {
    assert.equal(read('CleanupJob:\n  every: 30m\n').entries.get('CleanupJob')?.target, 'CleanupJob')
  })

  const args: [yaml: string, json: string][] = [
    ['args: [1, two, {a: 1}]', '[1,"two",{"a":1}]'],
    ['args: {x: 1}', '[{"x":1}]'],
    ['args: {b: 3, <<: [{a: 1.0, b: 2}, {a: 5, c: 6}]}', '[{"b":3,"a":1.0,"c":6}]'],
    ['args: daily', '["daily"]'],
    ['args: 0', '[0]'],
    ['args:', '[]'],
    ['class: X', '[]'],
    ['args: []', '[]'],
    ['args: [12345678901234567890, 1.0, 1e3, -0.0]', '[12345678901234567890,1.0,1e3,-0.0]'],
    ['args: [0x1F, 0o17]', '[31,15]'],
    ['args: [true, null, ~, "é\\n"]', '[true,null,null,"é\\n"]'],
    ['args: [[], {}]', '[[],{}]'],
    ['args: {a}', '[{"a":null}]'],
    ['args: {<<: {b: 1}, a: 2}', '[{"b":1,"a":2}]'],
  ]
  for (const [yaml, json] of args)
    test(`takes its arguments as they are written: ${yaml}`, () => assert.equal(only(yaml).args, json))

  test("takes Ruby's symbols", () => {
    const entry = only(`:every: ['30s', {:first_in: '2m', first_at: '2030-01-01 08:00Z'}]\n:queue: :high`)
    assert.equal(entry.queue, 'high')
    assert.deepEqual(entry.timing?.bounds, { firstInMs: 120_000, firstAtMs: Date.parse('2030-01-01T08:00Z') })
  })

  test("takes rufus's options in the list form", () => {
    const { timing, overlap } = only(
      `cron: ['* * * * *', { last_in: 1d, times: 3, overlap: false, tags: [a], first: now }]`,
    )
    assert.deepEqual(timing?.bounds, { lastInMs: 86_400_000, times: 3, firstInMs: 0 })
    assert.equal(overlap, 'skip')
    assert.deepEqual(only('every: [1m, {first_in: 90, last_at: 2031-01-01}]').timing?.bounds, {
      firstInMs: 90_000,
      lastAtMs: Date.parse('2031-01-01'),
    })
  })

  test('is left out where it is for another environment, or for some and there is none', () => {
    const text = 'it:\n  rails_env: production, staging\n  every: 1m\n'
    assert.equal(read(text, { env: 'staging' }).entries.size, 1)
    assert.deepEqual(read(text, { env: 'test' }), { entries: new Map(), problems: [] })
    assert.equal(read(text).entries.size, 0)
    assert.equal(read('it:\n  env: test\n  every: 1m\n', { env: 'test' }).entries.size, 1)
  })

  test('enqueues its custom_job_class, unless that is Resque::Job', () => {
    assert.equal(only('class: A\ncustom_job_class: B::Status').target, 'B::Status')
    assert.equal(only('class: A\ncustom_job_class: Resque::Job').target, 'A')
  })

  test('with both timings fires by cron; with neither by hand', () => {
    assert.equal(only('cron: "* * * * *"\nevery: 1m').timing?.kind, 'cron')
    assert.equal(only('class: A\ncron: ""').timing, undefined)
    assert.equal(only('class: A\nevery: ""').timing, undefined)
  })
})

test('an entry of ours has its options', () => {
  const entry = only(
    `every: 30m\nworkflow: ImportWorkflow\nargs: [data.csv]\noverlap: queue\ncatchup: all\ncatchup_window: 2h\njitter: 10s\nenabled: false`,
  )
  assert.deepEqual(
    [entry.kind, entry.target, entry.overlap, entry.catchup],
    ['workflow', 'ImportWorkflow', 'queue', 'all'],
  )
  assert.deepEqual([entry.catchupWindowMs, entry.jitterMs, entry.enabled], [7_200_000, 10_000, false])
  const { timing } = only('cron: 0 8 * * *\nzone: Asia/Tokyo\npipeline: nightly')
  assert.equal(timing?.kind === 'cron' && timing.cron.zone.name, 'Asia/Tokyo')
})

describe('an entry that came as JSON', () => {
  const dynamic: CheckContext = { file: 'persistent_schedules', source: 'dynamic', zone: 'UTC' }
  test('keeps its numbers', () => {
    const { entry } = readEntry(
      'tick',
      '{"class":"EchoJob","every":["2s",{"first_in":"1s"}],"queue":"cron","args":{"x":12345678901234567890},"description":"d"}',
      dynamic,
    )
    assert.deepEqual(
      [entry?.args, entry?.queue, entry?.timing?.bounds],
      ['[{"x":12345678901234567890}]', 'cron', { firstInMs: 1000 }],
    )
  })
  for (const json of ['', 'no json', '[1]', '{"every":', 'null', '{"every":30}']) {
    test(`is refused: ${json}`, () => assert.equal(readEntry('tick', json, dynamic).problems[0]?.entry, 'tick'))
  }
})

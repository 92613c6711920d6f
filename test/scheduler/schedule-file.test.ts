import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { CheckContext } from '../../scheduler/entries/entry.ts'
import { formatProblem } from '../../scheduler/entries/entry.ts'
import { readEntry, readSchedule, requireSound } from '../../scheduler/entries/schedule-file.ts'

const context: CheckContext = { file: 'schedule.yml', source: 'file', zone: 'UTC' }
const read = (text: string, more: Partial<CheckContext> = {}) => readSchedule(text, { ...context, ...more })
const problems = (text: string, more: Partial<CheckContext> = {}): string[] =>
  read(text, more).problems.map(formatProblem)
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

describe('what is wrong is named with file, line and entry', () => {
  const cases: [what: string, yaml: string, said: RegExp][] = [
    [
      'bad cron text',
      'it:\n  class: A\n  cron: 61 * * * *',
      /^schedule\.yml:3: it: cron: minute: expected 0 to 59, got "61"$/,
    ],
    ['nothing', 'it:\n  every: 0s', /:2: it: every: .*more than nothing.*"0s"/],
    [
      'a number for text',
      'it:\n  every: 30',
      /:2: it: every: expected text such as '30s' or '1h30m', got 30; write every: "30s"/,
    ],
    ['a number for cron', 'it:\n  cron: 5', /:2: it: cron: expected text/],
    ['an unknown zone', 'it:\n  cron: 0 8 * * *\n  zone: Mars/Base', /:2: it: zone: expected a name.*"Mars\/Base"/],
    [
      'an unknown option',
      'it:\n  crom: 0 8 * * *',
      /:2: it: crom: expected a known option, got an unknown one; did you mean cron\?/,
    ],
    ['an unknown rufus option', 'it:\n  every: [1m, {first_inn: 2m}]', /first_inn"; did you mean first_in\?/],
    ['a third element', 'it:\n  every: [1m, {}, {}]', /text, or a list of text and one mapping/],
    ['an unknown word', 'it:\n  overlap: no', /:2: it: overlap: expected one of skip, queue, allow, got "no"/],
    ['a word for a truth', 'it:\n  enabled: "yes"', /enabled: expected true or false, got "yes"/],
    ['a list for an entry', 'it: [1]', /:1: it: expected options such as cron: and class:, got \[1\]/],
    [
      'two targets',
      'it:\n  class: A\n  workflow: B',
      /:3: it: expected one of class, workflow, pipeline, template, got class and workflow/,
    ],
    [
      'jitter beyond the interval',
      'it:\n  every: 10s\n  jitter: 10s',
      /:3: it: jitter: expected less than the interval 10s/,
    ],
    ['ERB', "it:\n  queue: <%= ENV['Q'] %>", /it: expected plain values, got ERB/],
    ['a number JSON cannot carry', 'it:\n  args: [.nan]', /it: args: expected numbers that JSON can carry, got \.nan/],
    ['an anchor inside itself', 'it:\n  args: &a [*a]', /it: .*(levels|alias|depth|circular)/i],
    ['an alias of nothing', 'it:\n  args: [*missing]', /it: .*missing/],
    [
      'a second entry of that name',
      'it:\n  every: 1m\nit:\n  every: 2m',
      /:3: it: expected one entry of this name|unique/,
    ],
    ['an option twice', 'it:\n  every: 1m\n  every: 2m', /it: every: expected it once, got it twice/],
    ['no mapping at all', '- a\n- b', /:1: expected entries such as/],
  ]
  for (const [what, yaml, said] of cases) {
    test(what, () => {
      const lines = problems(`${yaml}\nother:\n  every: 1m\n`)
      assert.equal(lines.length, 1, lines.join('\n'))
      assert.match(lines[0] ?? '', said)
    })
    if (what !== 'no mapping at all') {
      test(`${what}: the other entries load, and strict refuses all`, () => {
        const schedule = read(`first:\n  every: 1m\n${yaml}\nother:\n  every: 1m\n`)
        assert.ok(schedule.entries.has('first') && schedule.entries.has('other'))
        assert.throws(() => requireSound(schedule), { code: 'ERR_SCHEDULE' })
      })
    }
  }

  test('everything that is wrong with one entry is said', () => {
    assert.equal(problems('it:\n  every: 0s\n  queue: 5\n  catchup: maybe\n  zzz: 1\n').length, 4)
  })

  test('an unknown class is wrong unless the entry names a queue', () => {
    const classes = new Map([
      ['ReportJob', { kind: 'job' as const, queue: 'low' }],
      ['Import', { kind: 'workflow' as const }],
      ['Homeless', { kind: 'job' as const }],
    ])
    assert.match(
      problems('it:\n  class: Homeless\n  every: 1m', { classes })[0] ?? '',
      /:1: it: queue: expected one, since Homeless names none/,
    )
    assert.deepEqual(problems('it:\n  class: Homeless\n  queue: q\n  every: 1m', { classes }), [])
    assert.match(
      problems('it:\n  class: ReportJbo\n  every: 1m', { classes })[0] ?? '',
      /:2: it: class: expected a job of this application, got ReportJbo; did you mean ReportJob\?/,
    )
    assert.match(
      problems('it:\n  class: RubyJob\n  queue: ruby\n  every: 1m', { classes })[0] ?? '',
      /warning: class: RubyJob is not of this application/,
    )
    assert.match(
      problems('it:\n  workflow: ReportJob\n  every: 1m', { classes })[0] ?? '',
      /workflow: expected a workflow/,
    )
    assert.deepEqual(problems('it:\n  class: ReportJob\n  every: 1m', { classes }), [])
    assert.equal(only('class: Import', { classes }).kind, 'workflow')
  })

  test("what ends Ruby's scheduler is a warning", () => {
    assert.match(
      problems('it:\n  cron: 0 0 L-2 * *')[0] ?? '',
      /warning: resque-scheduler cannot run this .* 0 0 L-2 \* \*/,
    )
    assert.match(
      problems('it:\n  every: 1h\n  workflow: F\n  persist: true')[0] ?? '',
      /warning: .*it has no workflows/,
    )
    assert.deepEqual(problems('it:\n  every: 1h\n  workflow: F'), [])
  })

  test('what has no effect is a warning', () => {
    assert.match(problems('it:\n  every: [1m, {tags: x}]')[0] ?? '', /warning: every\.tags has no effect/)
    assert.match(problems('it:\n  cron: "* * * * *"\n  every: 1m')[0] ?? '', /warning: every has no effect beside cron/)
  })

  test('nothing at all is an empty schedule', () => {
    assert.deepEqual(read(''), { entries: new Map(), problems: [] })
    assert.deepEqual(read('# a comment\n'), { entries: new Map(), problems: [] })
  })

  test('names that JavaScript knows are names like others', () => {
    assert.deepEqual(
      [...read('__proto__:\n  every: 1m\nconstructor:\n  every: 1m\n').entries.keys()],
      ['__proto__', 'constructor'],
    )
    assert.match(problems('it:\n  __proto__: 1\n  every: 1m')[0] ?? '', /__proto__: expected a known option/)
  })
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

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { CheckContext } from '../../scheduler/entries/entry.ts'
import { formatProblem } from '../../scheduler/entries/entry.ts'
import { readSchedule, requireSound } from '../../scheduler/entries/schedule-file.ts'

const context: CheckContext = { file: 'schedule.yml', source: 'file', zone: 'UTC' }
const read = (text: string, more: Partial<CheckContext> = {}) => readSchedule(text, { ...context, ...more })
const problems = (text: string, more: Partial<CheckContext> = {}): string[] =>
  read(text, more).problems.map(formatProblem)
const only = (options: string, more: Partial<CheckContext> = {}) => {
  const { entries, problems: wrong } = read(`it:\n${options.replace(/^/gm, '  ')}\n`, more)
  assert.deepEqual(wrong.filter(({ severity }) => severity === 'error').map(formatProblem), [])
  return entries.get('it') ?? assert.fail('expected an entry')
}

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
    [
      'a mapping for text',
      'it:\n  every: {first: now}',
      /:2: it: every: expected text such as .*, got \{"first":"now"\}$/,
    ],
    ['an empty list', 'it:\n  every: []', /:2: it: every: expected text such as .*, got nothing$/],
    ['no mapping in the list', 'it:\n  every: [1m, 5]', /:2: it: every\[1\]: expected a mapping such as .*, got 5$/],
    ['no times', 'it:\n  every: [1m, {times: 0}]', /:2: it: times: expected a whole number above zero, got 0$/],
    ['a list of parameters', 'it:\n  parameters: [a]', /:2: it: parameters: expected a mapping of names, got \["a"\]$/],
    ['a number for a workflow', 'it:\n  workflow: 5', /:2: it: workflow: expected a name, got 5$/],
    ['a list as an option', 'it:\n  ? [a]\n  : 1', /:1: it: \[ a \]: expected a known option/],
    ['a list as a key of arguments', 'it:\n  args: {[a]: 1}', /it: args: expected keys that are text/],
    ['a merge of a number', 'it:\n  <<: 5', /:1: it: Merge sources must be maps/],
    [
      'arguments too deep',
      `it:\n  args: ${'['.repeat(102)}${']'.repeat(102)}`,
      /it: args: expected at most 100 levels/,
    ],
    [
      'merges too deep',
      `it:\n  args: ${'{<<: '.repeat(102)}{}${'}'.repeat(102)}`,
      /it: args: expected at most 100 levels, got more$/,
    ],
    [
      'arguments too long',
      `it:\n  args: [${'x'.repeat(2 ** 20)}]`,
      /it: args: expected at most 1048576 bytes, got more/,
    ],
    ['ERB around entries', '<% if true %>', /:1: expected entries such as .*; ERB \(<% … %>\) is not evaluated/],
    [
      'ERB around options',
      'it:\n  <% if true %>\n  every: 1m',
      /:2: it: expected YAML: .*; ERB \(<% … %>\) is not evaluated/,
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
    ['two targets without a class', 'it:\n  pipeline: a\n  template: b', /:2: it: .*, got pipeline and template/],
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
    ['a list for a name', '[a, b]:\n  every: 1m', /:1: expected a name for the entry, such as `cleanup:`, got a list/],
    ['a mapping for a name', '? {a: b}\n: every: 1m', /:1: expected a name for the entry, .* got a mapping/],
    [
      'an alias for a name',
      'it: &it\n  every: 1m\n*it :\n  every: 2m',
      /:3: expected a name for the entry, .* got an alias/,
    ],
    ['no name', ': {every: 1m}', /:1: expected a name for the entry, .* got nothing/],
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

  test('what cannot be an entry is named with its own line, and strict takes a schedule without errors', () => {
    const schedule = read('a:\n  every: 1m\n<% if true %>\nb:\n  every: 1m\n  zone: UTC\n<% end %>\n')
    assert.deepEqual(
      schedule.problems.map(({ line, severity, entry }) => [line, severity, entry]),
      [
        [3, 'error', undefined],
        [6, 'warning', 'b'],
        [7, 'error', undefined],
      ],
    )
    assert.deepEqual(
      problems('- [a\n').map((line) => line.replace(/YAML: .*/, '')),
      ['schedule.yml:2: expected '],
    )
    const sound = read('a:\n  every: 1m\n  zone: UTC\n')
    assert.deepEqual([requireSound(sound), sound.problems.length], [sound.entries, 1])
  })

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
      problems('# first\nMail:\n  every: 1m', { classes })[0] ?? '',
      /:2: Mail: class: expected a job of this application, got Mail; name a queue if it belongs to another application/,
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
    assert.match(problems('it:\n  every: 1m\n  zone: UTC')[0] ?? '', /:3: it: warning: zone has no effect on every/)
    assert.match(problems('it: !ruby/object\n  every: 1m')[0] ?? '', /:1: it: expected YAML: Unresolved tag/)
    assert.equal(read('it: !ruby/object\n  every: 1m').entries.size, 1)
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

// YAML itself: anchors, syntax errors, and values that Ruby reads otherwise.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatProblem } from '../../scheduler/entries/entry.ts'
import { readSchedule } from '../../scheduler/entries/schedule-file.ts'

const read = (text: string) => readSchedule(text, { file: 'schedule.yml', source: 'file', zone: 'UTC' })
const problems = (text: string): string[] => read(text).problems.map(formatProblem)

test('anchors and merges are taken', () => {
  const { entries } = read(
    `base: &base\n  queue: low\n  args: [1.0, &n 7]\n  never: true\nit:\n  <<: *base\n  every: 1m\nother:\n  <<: *base\n  args: [*n]\n`,
  )
  assert.deepEqual([entries.get('it')?.queue, entries.get('it')?.args], ['low', '[1.0,7]'])
  assert.equal(entries.get('other')?.args, '[7]')
  const two = read('a: &a {args: [1.0], every: 1m}\nb: &b {args: [2.0]}\nit:\n  <<: [*a, *b]\n:sym:\n  :<<: *b\n')
  assert.deepEqual([two.entries.get('it')?.args, two.problems[0]?.entry], ['[1.0]', 'sym'])
})

test('a syntax error names its line, and the entries around it load', () => {
  const { entries, problems: wrong } = read('a:\n  every: 1m\nb:\n  every: "1m\n  class: [B\nc:\n  every: 3m\n')
  assert.deepEqual([...entries.keys()], ['a', 'c'])
  assert.ok(wrong.length > 0 && wrong.every(({ entry, line }) => entry === 'b' && line >= 4 && line <= 7))
})

test('a syntax error in one entry leaves anchors to the others, also after `---`', () => {
  const base = '---\n# defaults\nbase: &base\n  queue: low\n  every: 1m\n'
  const bad = 'bad:\n  every: "1m\n  class: [B\n'
  const { entries, problems: wrong } = read(`${base}${bad}a:\n  <<: *base\n  class: A\n${bad.replace('bad', 'worse')}`)
  assert.deepEqual([...entries.keys()], ['base', 'a'])
  assert.equal(entries.get('a')?.queue, 'low')
  assert.deepEqual([...new Set(wrong.map(({ entry }) => entry))], ['bad', 'worse'])
  assert.ok(wrong.every(({ line }) => line >= 7))
  assert.match(problems(`${bad}a:\n  args: [*missing]\n`).at(-1) ?? '', /:4: a: .*missing/)
})

test('a file that begins with `---` and has an error has that error only', () => {
  const lines = problems('---\na:\n  every: 1m\nb:\n  every: {\n')
  assert.ok(lines.length > 0 && lines.every((line) => /: b: expected YAML/.test(line)), lines.join('\n'))
  assert.deepEqual(read('---\n'), { entries: new Map(), problems: [] })
})

test("values that Ruby's YAML 1.1 reads otherwise are warned about", () => {
  const cases: [written: string, toRuby: string][] = [
    ['010', '10, to Ruby 8'],
    ['-010', '-10, to Ruby -8'],
    ['1_000', '"1_000", to Ruby 1000'],
    ['1_000.5', '"1_000.5", to Ruby 1000.5'],
    ['yes', '"yes", to Ruby true'],
    ['Off', '"Off", to Ruby false'],
    ['0b11', '"0b11", to Ruby 3'],
    ['0o17', '15, to Ruby text'],
    ['1e3', '1000, to Ruby text'],
    ['1:30', '"1:30", to Ruby a number in base 60'],
    ['2027-01-01', '"2027-01-01", to Ruby a date'],
  ]
  for (const [written, toRuby] of cases) {
    const lines = problems(`it:\n  every: 1m\n  args:\n    - x\n    - ${written}\n`)
    assert.equal(lines.length, 1, written)
    assert.ok(
      lines[0]?.startsWith(`schedule.yml:5: it: warning: `) && lines[0].includes(`here it is ${toRuby}`),
      lines[0],
    )
  }
  assert.deepEqual(
    problems('it:\n  every: 1m\n  args: ["010", \'yes\', 07, 0, 10, 1.5, 1.0e+3, y, true, 089, a_b, 0x1F, +5, ~]\n'),
    [],
  )
})

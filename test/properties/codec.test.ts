// The JSON codec beside lossless-json, a library that keeps each number as it is written.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { LosslessNumber, parse } from 'lossless-json'
import { decodeItem, encodeItem, parseLossless } from '../../runtime/core/codec.ts'
import { jsonText, rawMembers } from '../../runtime/core/json-text.ts'
import { runs, useSeed } from '../support/properties.ts'

useSeed()

const blank = fc.constantFrom('', '', '', ' ', '\n', '\t ', '\r\n')
const digits = fc.stringMatching(/^[1-9]\d{0,24}$/)
/** As any language may write them. */
const number = fc.oneof(
  fc.integer().map(String),
  fc.tuple(fc.constantFrom('', '-'), digits).map((parts) => parts.join('')),
  fc.tuple(digits, fc.constantFrom('.0', '.5', '.10', 'e5', 'E+3', 'e-20', '.25e2')).map((parts) => parts.join('')),
  fc.constantFrom('0', '-0', '0.00001', '9007199254740991', '9007199254740992', '-9007199254740993', '1e400'),
)
const text = fc.oneof(
  fc.string({ unit: 'binary' }).map((each) => JSON.stringify(each)),
  fc.constantFrom('"\\u0000"', '"\\u00001"', '"\\u0000\\u00007"', '"12345678901234567890"', '"\\\\"', '"\\/"', '"]}"'),
)
/** A JSON text with blanks where they may stand. No name twice, which lossless-json refuses. */
const { json } = fc.letrec<{ json: string; list: string; object: string }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    number,
    text,
    fc.constantFrom('true', 'false', 'null'),
    tie('list'),
    tie('object'),
  ),
  list: fc
    .tuple(blank, fc.array(fc.tuple(tie('json'), blank), { maxLength: 5 }))
    .map(([first, items]) => `[${first}${items.map(([item, after]) => item + after).join(`,${first}`)}]`),
  object: fc
    .tuple(blank, fc.uniqueArray(fc.tuple(text, tie('json'), blank), { maxLength: 5, selector: nameOf }))
    .map(
      ([first, all]) =>
        `{${first}${all.map(([name, value, after]) => `${name}${after}:${first}${value}`).join(',')}${first}}`,
    ),
}))

function nameOf([name]: [string, ...unknown[]]): string {
  return JSON.parse(name) as string
}

/** What parseLossless promises, by means of lossless-json: whole numbers that a double cannot hold are BigInt. */
const whole = (digits: string): number | bigint =>
  /^-?\d+$/.test(digits) && !Number.isSafeInteger(Number(digits)) ? BigInt(digits) : Number(digits)

describe('any JSON text', () => {
  it('is read as lossless-json reads it', () => {
    fc.assert(
      fc.property(json, (given) => {
        fc.pre(!given.includes('__proto__'))
        assert.deepEqual(parseLossless(given), parse(given, undefined, { parseNumber: whole }))
      }),
      { numRuns: runs(400) },
    )
  })

  it('keeps the text of its members, so each number that lossless-json finds in them', () => {
    fc.assert(
      fc.property(json, fc.boolean(), blank, (args, isLast, space) => {
        const members = [`"class":${space}"A"`, `"args"${space}:${args}`, '"more":[1.0]']
        const item = `${space}{${(isLast ? members : [...members].reverse()).join(`${space},`)}${space}}`
        assert.equal(rawMembers(item).get('args'), args)
        const read = decodeItem(item)
        assert.ok('args' in read)
        const { args: whole } = parse(item) as { args: unknown }
        const expected = Array.isArray(whole) ? whole : whole === null ? [] : [whole]
        assert.deepEqual(parse(read.args), expected)
      }),
      { numRuns: runs(300) },
    )
  })
})

describe('any value', () => {
  const value = fc.jsonValue({ maxDepth: 4 })
  const values = fc.oneof(
    value,
    fc.array(fc.oneof(value, fc.double({ noNaN: true, noDefaultInfinity: true }), fc.bigInt())),
  )

  it('is written as a text in which lossless-json finds the same values', () => {
    fc.assert(
      fc.property(values, (given) => {
        const read = parse(jsonText(given), undefined, { parseNumber: (each) => new LosslessNumber(each) })
        assert.deepEqual(plain(read), plain(given))
      }),
      { numRuns: runs(400) },
    )
  })

  it('comes back from a queue item', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(value, fc.bigInt()), { maxLength: 4 }), (args) => {
        const read = decodeItem(encodeItem('A', args, Infinity))
        assert.ok('args' in read)
        assert.deepEqual(plain(parseLossless(read.args)), plain(args))
      }),
      { numRuns: runs(300) },
    )
  })
})

/** Numbers of any kind by their shortest digits, so that 5, 5n and a written 5.0 are one; half a character is U+FFFD. */
function plain(value: unknown): unknown {
  if (value instanceof LosslessNumber)
    return plain(/^-?\d+$/.test(value.value) ? BigInt(value.value) : Number(value.value))
  if (typeof value === 'bigint') return `number ${value}`
  if (typeof value === 'number') return `number ${value}`
  if (typeof value === 'string') return wellFormed(value)
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [wellFormed(name), plain(each)]))
}

const wellFormed = (text: string): string => Buffer.from(text).toString()

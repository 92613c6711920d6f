import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { findNotJson } from '../../runtime/core/json-check.ts'

class Money {
  readonly amount = 5
}

const cycle: Record<string, unknown> = { name: 'x' }
cycle['self'] = { inner: cycle }

const deep = (levels: number): unknown => (levels === 0 ? 1 : [deep(levels - 1)])

describe('what JSON cannot carry is found, with its path', () => {
  const cases: [name: string, value: unknown, said: RegExp][] = [
    [
      'undefined in the middle',
      [1, undefined, 2],
      /^args\[1\]: expected a JSON value, got undefined, which would become null/,
    ],
    ['a BigInt', [{ id: 5n }], /^args\[0\]\.id: .*BigInt/],
    ['a function', [{ done: () => 1 }], /^args\[0\]\.done: .*a function/],
    ['a symbol', [Symbol('s')], /^args\[0\]: .*a symbol/],
    ['NaN', [{ a: [0, NaN] }], /^args\[0\]\.a\[1\]: .*NaN, which would become null/],
    ['infinity', [-Infinity], /^args\[0\]: .*-Infinity, which would become null/],
    ['a cycle', [cycle], /^args\[0\]\.self\.inner: .*cycle/],
    ['a Date', [new Date(0)], /^args\[0\]: .*an instance of Date; pass toISOString/],
    ['a Map', [new Map()], /^args\[0\]: .*an instance of Map; pass plain data/],
    ['a Buffer', [Buffer.from('x')], /^args\[0\]: .*an instance of Buffer/],
    ['an instance of a class', [{ price: new Money() }], /^args\[0\]\.price: .*an instance of Money/],
    ['an error', [new Error('x')], /^args\[0\]: .*an instance of Error/],
    ['a hole in an array', [new Array(2)], /^args\[0\]\[0\]: .*undefined/],
    [
      'what is nested too deep for Ruby, with a short path',
      [deep(600)],
      /^args(\[0\])+\[?0?…: .*nested deeper than 99 levels/,
    ],
    ['a property named by a symbol', [{ [Symbol('<<')]: 1 }], /^args\[0\]: .*Symbol\(<<\), which JSON leaves out/],
    ['an array with a property', [Object.assign([1], { total: 1 })], /^args\[0\]: .*array with the property "total"/],
  ]
  for (const [name, value, said] of cases) it(name, () => assert.match(findNotJson(value, 'args') ?? '', said))
})

describe('what JSON carries is let through', () => {
  it('98 levels inside the list of arguments, which with the payload make the 100 that Ruby reads', () => {
    assert.equal(findNotJson([deep(98)], 'args'), undefined)
    assert.match(findNotJson([deep(99)], 'args') ?? '', /99 levels/)
  })

  it('undefined properties, since reading them gives undefined again', () => {
    assert.equal(findNotJson([{ urgent: undefined }], 'args'), undefined)
  })

  it('the same object twice, when it does not contain itself', () => {
    const shared = { a: 1 }
    assert.equal(findNotJson([shared, { shared }], 'args'), undefined)
  })

  it('objects without a prototype', () => {
    assert.equal(findNotJson(Object.assign(Object.create(null) as object, { a: 1 }), 'args'), undefined)
  })

  it('every value that JSON.parse can make', () => {
    fc.assert(
      fc.property(
        fc.jsonValue({ maxDepth: 6 }),
        (value) => findNotJson(JSON.parse(JSON.stringify(value)), 'args') === undefined,
      ),
    )
  })
})

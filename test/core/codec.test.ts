import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { decodeItem, encodeItem, parseLossless } from '../../runtime/core/codec.ts'

describe('queue items', () => {
  it("are Resque's bytes: class, then args, nothing else", () => {
    assert.equal(encodeItem('OkJob', [1, 'zwei', { a: null }], 1000), '{"class":"OkJob","args":[1,"zwei",{"a":null}]}')
    assert.equal(encodeItem('Jobs::Ok', [], 1000), '{"class":"Jobs::Ok","args":[]}')
  })

  it('leave trailing undefined arguments out, as if they had not been written', () => {
    assert.equal(encodeItem('OkJob', ['a', undefined, undefined], 1000), '{"class":"OkJob","args":["a"]}')
  })

  it('are refused when they are too large, with both figures', () => {
    assert.throws(() => encodeItem('OkJob', ['ä'.repeat(50)], 100), {
      code: 'ERR_TOO_LARGE',
      message: /^OkJob: expected at most 100 bytes of arguments, got 104;/,
    })
  })

  it('come back as they went', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.array(fc.jsonValue()), (className, args) => {
        const plain = JSON.parse(JSON.stringify(args)) as unknown[]
        const item = decodeItem(encodeItem(className, plain, Infinity))
        assert.ok('args' in item)
        assert.equal(item.className, className)
        assert.equal(item.args, JSON.stringify(plain))
      }),
    )
  })
})

describe('items of other producers', () => {
  const read = (bytes: string): unknown => decodeItem(bytes)

  it('keep the text of their arguments, numbers and blanks included', () => {
    assert.deepEqual(read('{ "args": [1.0, 12345678901234567890, "\\u00e4"] , "class":"A"}'), {
      className: 'A',
      args: '[1.0, 12345678901234567890, "\\u00e4"]',
    })
  })

  it('have no arguments when they name none, and one when it is no list, as in Resque', () => {
    assert.deepEqual(read('{"class":"A"}'), { className: 'A', args: '[]' })
    assert.deepEqual(read('{"class":"A","args":null}'), { className: 'A', args: '[]' })
    assert.deepEqual(read('{"class":"A","args":5}'), { className: 'A', args: '[5]' })
    assert.deepEqual(read('{"class":"A","args":{"a":1}}'), { className: 'A', args: '[{"a":1}]' })
  })

  it('take the last of members with one name, as JSON.parse does', () => {
    assert.deepEqual(read('{"class":"A","args":[1],"args":[2],"class":"B"}'), { className: 'B', args: '[2]' })
  })

  const garbage: [string, RegExp][] = [
    ['', /not JSON/],
    ['{"class":', /not JSON/],
    ['[]', /expected a JSON object .*, got \[\]/],
    ['null', /expected a JSON object .*, got null/],
    ['"text"', /expected a JSON object/],
    ['{}', /expected "class" to be a class name, got nothing/],
    ['{"class":5,"args":[]}', /expected "class" to be a class name, got 5/],
    ['{"class":"","args":[]}', /expected "class" to be a class name, got ""/],
  ]
  for (const [bytes, said] of garbage) {
    it(`are garbage, and said to be, when they are ${bytes || 'empty'}`, () => {
      const item = decodeItem(bytes)
      assert.match('garbage' in item ? item.garbage : 'no garbage', said)
    })
  }
})

describe('numbers that JavaScript would round', () => {
  it('arrive as BigInt, and only those', () => {
    assert.deepEqual(
      parseLossless('[9007199254740993,-9007199254740993,9007199254740991,"12345678901234567890",1.5e300]'),
      [9007199254740993n, -9007199254740993n, 9007199254740991, '12345678901234567890', 1.5e300],
    )
  })

  it('are found inside objects, and never in strings with escapes', () => {
    assert.deepEqual(parseLossless('{"a":{"id":12345678901234567890},"s":"\\"12345678901234567890"}'), {
      a: { id: 12345678901234567890n },
      s: '"12345678901234567890',
    })
  })
})

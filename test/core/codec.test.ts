import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { clip, head } from '../../config/clip.ts'
import { decodeItem, encodeItem, parseLossless } from '../../runtime/core/codec.ts'

describe('queue items', () => {
  it("are Resque's bytes: class, then args, nothing else", () => {
    assert.equal(encodeItem('OkJob', [1, 'zwei', { a: null }], 1000), '{"class":"OkJob","args":[1,"zwei",{"a":null}]}')
    assert.equal(encodeItem('Jobs::Ok', [], 1000), '{"class":"Jobs::Ok","args":[]}')
  })

  it('leave trailing undefined arguments out, as if they had not been written', () => {
    assert.equal(encodeItem('OkJob', ['a', undefined, undefined], 1000), '{"class":"OkJob","args":["a"]}')
  })

  it('have numbers as Ruby writes them, since its dequeue compares bytes', () => {
    const numbers = [0.00001, 1e-7, -1.2345e-5, 1e21, 1e100, 0.0001, 100, 1e20, -0, 2n ** 70n]
    const text =
      '1.0e-05,1.0e-07,-1.2345e-05,1.0e+21,1.0e+100,0.0001,100,100000000000000000000,0,1180591620717411303424'
    assert.equal(encodeItem('A', numbers, 1000), `{"class":"A","args":[${text}]}`)
    assert.equal(
      encodeItem('A', [{ a: 5n, b: undefined, '0.00001': ['1e-7'] }], 1000),
      '{"class":"A","args":[{"a":5,"0.00001":["1e-7"]}]}',
    )
  })

  it('have whole characters only: half an emoji is U+FFFD', () => {
    assert.equal(
      encodeItem('A', ['hi 😀'.slice(0, 4), '😀', '\\ud83d'], 1000),
      '{"class":"A","args":["hi \\ufffd","😀","\\\\ud83d"]}',
    )
  })

  it('are refused when they are too large, with both figures', () => {
    assert.throws(() => encodeItem('OkJob', ['ä'.repeat(50)], 100), {
      code: 'ERR_TOO_LARGE',
      message: /^OkJob: expected at most 100 bytes of arguments, got 104;/,
    })
  })

  it('come back as they went', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1 }),
        fc.array(fc.jsonValue()).filter((list) => !/0\.0000|e[-+]|-0/.test(JSON.stringify(list))),
        (className, args) => {
          const plain = JSON.parse(JSON.stringify(args)) as unknown[]
          const item = decodeItem(encodeItem(className, plain, Infinity))
          assert.ok('args' in item)
          assert.equal(item.className, className)
          assert.equal(item.args, JSON.stringify(plain))
        },
      ),
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
    assert.deepEqual(read('{"class":"A","args":[1],"args":[2]}'), { className: 'A', args: '[2]' })
    assert.deepEqual(read('{"class":"A","args":[1],"other":[2]}'), { className: 'A', args: '[1]' })
  })

  const garbage: [string, RegExp][] = [
    ['', /not JSON/],
    ['{"class":', /not JSON/],
    ['{"class":"A","args":[1}]}', /not JSON/],
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
      assert.match('reason' in item ? item.reason : 'no garbage', said)
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

  it('are no fractions, however many digits these have', () => {
    const texts = ['0.30000000000000004', '-12345678901234567890.5', '1234567890123456789e3']
    assert.deepEqual(parseLossless(`[${texts.join()}]`), texts.map(Number))
    const one = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
    )
    fc.assert(
      fc.property(fc.array(one, { minLength: 1 }), (numbers) => {
        const text = JSON.stringify(numbers)
        const expected = (JSON.parse(text) as number[]).map((n) =>
          Number.isInteger(n) && !Number.isSafeInteger(n) && !/e/.test(String(n)) ? BigInt(String(n)) : n,
        )
        assert.deepEqual(parseLossless(text), expected)
      }),
      { numRuns: 1000 },
    )
  })

  it('stand among any texts, which arrive as they are', () => {
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('\u0000', '\u0000integer:1', '\u0000\u00007', '\\', '"'),
    )
    fc.assert(
      fc.property(fc.dictionary(texts, texts), fc.array(texts), (members, list) => {
        const expected = JSON.parse(JSON.stringify([members, list])) as unknown[]
        const text = JSON.stringify([members, list], null, 1).replace(/\]$/, ',1234567890123456789]')
        assert.deepEqual(parseLossless(text), [...expected, 1234567890123456789n])
      }),
    )
  })

  it('stand beside a text of many megabytes', () => {
    const text = 'x\\n'.repeat(6_000_000)
    const read = parseLossless(`["${text}",1234567890123456789]`) as [string, bigint]
    assert.deepEqual([read[0].length, read[1]], [12_000_000, 1234567890123456789n])
  })
})

describe('a text that is cut', () => {
  it('ends between characters', () => {
    assert.deepEqual([head('ab😀', 3), head('ab😀', 4), head('ab\ud83d', 9)], ['ab', 'ab😀', 'ab\ufffd'])
    assert.deepEqual([clip('ab😀cd', 4), clip('abcd', 4), clip('abcde', 4)], ['ab…', 'abcd', 'abc…'])
  })
})

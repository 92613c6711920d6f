// The parts that are plain functions.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  importPlaces,
  requiredNames,
  rewriteImports,
  withHeader,
} from '../../../runtime/worker/launchers/fork/app-build/rewrite.ts'
import { FailureWindow } from '../../../runtime/worker/launchers/fork/fallback.ts'
import { machineCodeFor } from '../../../runtime/worker/stack/machine-code.ts'
import { rangesBetweenDevices } from '../../../runtime/worker/launchers/fork/zygote/tuning/fork-ranges.ts'
import { encodeFrame, FrameReader, MAX_FRAME_BYTES } from '../../../runtime/worker/launchers/fork/zygote/wire/frames.ts'

describe('frames', () => {
  it('come out as they went in, however the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.jsonValue(), { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
        (messages, cuts) => {
          const stream = Buffer.concat(messages.map(encodeFrame))
          const reader = new FrameReader()
          const read: unknown[] = []
          for (let at = 0, turn = 0; at < stream.length; turn += 1) {
            const length = cuts[turn % cuts.length] ?? 1
            read.push(...reader.push(stream.subarray(at, at + length)))
            at += length
          }
          assert.deepEqual(read, JSON.parse(JSON.stringify(messages)))
        },
      ),
    )
  })

  it('of a stream that ends within one are dropped', () => {
    const reader = new FrameReader()
    assert.deepEqual(reader.push(encodeFrame({ whole: 1 }).subarray(0, -1)), [])
  })

  it('of a length that no message has are refused', () => {
    const header = Buffer.alloc(4)
    header.writeUInt32LE(MAX_FRAME_BYTES + 1)
    assert.throws(() => new FrameReader().push(header), /announces/)
    const reader = new FrameReader()
    assert.deepEqual(reader.push(Buffer.concat([encodeFrame('before'), header])), ['before'])
    assert.throws(() => reader.push(Buffer.alloc(0)), /announces/)
  })
})

describe('ranges of memory for madvise', () => {
  it('stop before and go on after each device mapping', () => {
    const smaps = `
55d000000000-55d000001000 r--p 00000000 08:01 1 /usr/bin/node
VmFlags: rd mr mw me sd
7ff000000000-7ff000004000 r--p 00000000 00:00 0 [vvar]
VmFlags: rd mr pf io de dd sd
7ff000004000-7ff000006000 r-xp 00000000 00:00 0 [vdso]
VmFlags: rd ex mr mw me de sd
ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]
VmFlags: ex io`
    assert.deepEqual(rangesBetweenDevices(smaps), [
      { start: 0n, bytes: 0x7ff000000000n },
      { start: 0x7ff000004000n, bytes: 0x1000000000000n - 0x7ff000004000n },
    ])
  })
})

describe('machine code of the stack printer', () => {
  it('lies at multiples of four on arm64, and is what an assembler makes of the same instructions', () => {
    const code = machineCodeFor('arm64', 0x7f0000000000n)
    assert.ok(code)
    code.data('abc')
    assert.equal(code.begin(), 0x7f0000000004n)
    code.signalSelf(24)
    code.return()
    const words = Array.from({ length: 18 }, (_, index) => code.bytes.readUInt32LE(4 + index * 4).toString(16))
    // stp, str, mov; x8 = 172, svc; x1 = 24; x8 = 129, svc; ldr, ldp, ret
    assert.deepEqual(words, [
      ...['a9be7bfd', 'f9000bf3', 'aa0003f3'],
      ...['d2801588', 'f2a00008', 'f2c00008', 'f2e00008', 'd4000001'],
      ...['d2800301', 'f2a00001', 'f2c00001', 'f2e00001'],
      ...['d2801028', 'f2a00008', 'f2c00008', 'f2e00008', 'd4000001'],
      'f9400bf3',
    ])
  })

  it('is not made for another processor', () => {
    assert.equal(machineCodeFor('ppc64', 0n), undefined)
  })
})

describe('rewriting of imports', () => {
  it('changes what is an import, and nothing that only looks like one', () => {
    const code = [
      'import { a } from "./a.ts"',
      'export * from "./b.ts"',
      'const text = \'import("./not.ts")\' // import("./nor.ts")',
      'const late = () => import("./late.ts")',
      'const computed = (name) => import(`./${name}.ts`)',
      'const url = import.meta.url',
      'import "package"',
    ].join('\n')
    const rewritten = rewriteImports(code, importPlaces(code), 'file:///x.ts', ({ specifier }) =>
      specifier?.startsWith('.') ? `${specifier}.mjs` : undefined,
    )
    assert.deepEqual(rewritten.split('\n'), [
      'import { a } from "./a.ts.mjs"',
      'export * from "./b.ts.mjs"',
      'const text = \'import("./not.ts")\' // import("./nor.ts")',
      'const late = () => import("./late.ts.mjs")',
      'const computed = (name) => import(__resqueRuntimeLocate("file:///x.ts", `./${name}.ts`))',
      'const url = import.meta.url',
      'import "package"',
    ])
  })

  it('finds what is required by name, and that a name is computed', () => {
    const code = 'const a = require("./a"), b = require.resolve(\'b\', {}), c = require("./a"), d = require("./" + x)'
    assert.deepEqual(requiredNames(code), ['./a', 'b', undefined])
    assert.deepEqual(requiredNames('const a = required("./a")'), [])
  })

  it('puts a header on the first line, after what must stay first', () => {
    assert.equal(withHeader('#!/usr/bin/node\n"use strict";\na', 'h;'), '#!/usr/bin/node\n"use strict";h; \na')
    assert.equal(withHeader('a\nb', 'h;'), 'h; a\nb')
  })
})

it('strikes: too many within a while', () => {
  const strikes = new FailureWindow(2, 100)
  assert.deepEqual([strikes.add(0), strikes.add(200), strikes.add(250)], [false, false, true])
})

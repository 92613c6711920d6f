// Memory, machine code and symbols where a kernel, a libc or a Node answers otherwise than this one.
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { type Kernel, useKernel } from './kernel.ts'

const { zygote, answer, pretend } = await useKernel()
const EINVAL = 22
const O_NONBLOCK = 0o4000

describe("V8's platform", () => {
  const [HOLDER, OBJECT, VTABLE, COPY] = [0x1000n, 0x2000n, 0x3000n, 0x4000n]
  const [NOTHING, COUNT, POST, LATER, OTHER] = [0x51n, 0x52n, 0x53n, 0x54n, 0x55n]
  /** Memory of one page each, and the symbols of Node 22. */
  function memory(t: TestContext, symbols: Record<string, bigint> = {}): Map<bigint, bigint> {
    const words = new Map<bigint, bigint>([
      [HOLDER, 0x7n],
      [HOLDER + 8n, 0x9999000n],
      [HOLDER + 16n, OBJECT],
      [OBJECT, VTABLE + 16n],
      ...[OTHER, COUNT, POST, LATER].map((method, at): [bigint, bigint] => [VTABLE + 16n + BigInt(at * 8), method]),
    ])
    const known: Record<string, bigint> = {
      _ZN4node11per_process11v8_platformE: HOLDER,
      _ZTVN4node12NodePlatformE: VTABLE,
      pthread_mutexattr_destroy: NOTHING,
      _ZN4node12NodePlatform21NumberOfWorkerThreadsEv: COUNT,
      ...symbols,
    }
    const posts = [POST, LATER]
    answer(t, {
      symbolAddress: (name) => known[name] ?? (/OnWorkerThreadImpl/.test(name) ? (posts.shift() ?? 0n) : 0n),
      malloc: () => COPY,
      copyFrom: (address, bytes) => {
        const view = new DataView(bytes.buffer, bytes.byteOffset)
        for (let at = 0; at < bytes.length; at += 8) view.setBigUint64(at, words.get(address + BigInt(at)) ?? 0n, true)
        posts.push(POST, LATER)
      },
      copyTo: (address, bytes) => {
        const view = new DataView(bytes.buffer, bytes.byteOffset)
        for (let at = 0; at < bytes.length; at += 8) words.set(address + BigInt(at), view.getBigUint64(at, true))
      },
    })
    const maps = [HOLDER, OBJECT, VTABLE, COPY].map((at) => `${at.toString(16)}-${(at + 0x1000n).toString(16)} rw-p`)
    pretend(t, { file: () => `${maps.join('\n')}\n9999000-999a000 ---p` })
    return words
  }

  it('gets a copy of its methods, of which those of the workers do nothing', (t) => {
    const words = memory(t)
    assert.equal(zygote.nodePlatform.disablePlatformWorkers(), undefined)
    assert.equal(words.get(OBJECT), COPY + 16n)
    assert.deepEqual(
      [0n, 8n, 16n, 24n].map((at) => words.get(COPY + 16n + at)),
      [OTHER, NOTHING, NOTHING, NOTHING],
    )
    assert.equal(words.get(VTABLE + 24n), COUNT, 'the original stays')
    assert.equal(zygote.nodePlatform.platformFault(), undefined)
    words.set(COPY + 16n + 24n, OTHER)
    assert.equal(zygote.nodePlatform.platformFault(), "only 2 of 3 worker methods of V8's platform are silenced")
    words.set(COPY + 16n + 24n, LATER)
    assert.match(zygote.nodePlatform.platformFault() ?? '', /^1 slots of V8's platform still lead/)
  })

  it('is left alone where Node does not export it, or where it is not found', (t) => {
    const fault = (): (string | undefined)[] => [
      zygote.nodePlatform.disablePlatformWorkers(),
      zygote.nodePlatform.platformFault(),
    ]
    const words = memory(t, { _ZTVN4node12NodePlatformE: 0n })
    const hidden = 'this node binary does not export the platform symbols (built with shared or hidden libraries?)'
    assert.deepEqual(fault(), [hidden, hidden])
    const others = memory(t)
    others.set(OBJECT, 0n)
    const lost = 'no platform object in node::per_process::v8_platform'
    assert.deepEqual(fault(), [lost, lost])
    assert.equal(words.get(OBJECT), VTABLE + 16n)
  })

  it('is not read where nothing is mapped', (t) => {
    memory(t)
    pretend(t, { file: () => undefined })
    assert.throws(() => zygote.nodePlatform.platformFault(), /address 0x1000 is not mapped/)
  })
})

describe('the printer of stacks', () => {
  function install(t: TestContext, calls: Partial<Kernel>): [string | undefined, number[]] {
    const signals: number[] = []
    answer(t, {
      currentIsolate: () => 1n,
      symbolAddress: () => 2n,
      reserveCode: () => 0x1000n,
      mapCode: () => true,
      setSignalHandler: (signal) => void signals.push(signal),
      ...calls,
    })
    return [zygote.stackPrinter.installStackPrinter(), signals]
  }

  it('takes the two signals, or none and says why', (t) => {
    assert.deepEqual(install(t, {}), [undefined, [50, 24]])
    const faults: [Partial<Kernel>, string][] = [
      [{ symbolAddress: () => 0n }, 'this node binary does not export requestInterrupt, printStack, standardError'],
      [{ currentIsolate: () => 0n }, 'this node binary does not export isolate'],
      [{ reserveCode: () => 0n }, 'the kernel gives no memory for machine code'],
      [{ mapCode: () => false }, 'the kernel forbids memory that is made executable'],
    ]
    for (const [calls, fault] of faults) assert.deepEqual(install(t, calls), [fault, []])
    pretend(t, { arch: () => 'ppc64' })
    assert.deepEqual(install(t, {}), ['stacks are printed on x64 and arm64 only, this is ppc64', []])
  })
})

describe('memory that is marked for forking', () => {
  it('is looked at again once where a device was mapped since, and no child is forked with holes', (t) => {
    const { markAllMemory } = zygote.forkRanges
    let refusals = 1
    answer(t, { markForForking: () => (refusals-- > 0 ? EINVAL : 0) })
    assert.equal(markAllMemory(), true)
    refusals = Infinity
    assert.equal(markAllMemory(), false)
  })
})

describe('huge pages', () => {
  it('are made of blocks that are full, and of none where pages are larger', (t) => {
    const blocks: bigint[] = []
    answer(t, { collapse: (start) => void blocks.push(start), pageBytes: () => 65_536 })
    zygote.heapLayout.useHugePages()
    assert.deepEqual(blocks, [])
    answer(t, { pageBytes: () => 4096 })
    zygote.heapLayout.useHugePages()
    assert.ok(blocks.every((start) => start % 0x200000n === 0n))
  })
})

describe('libc', () => {
  it('says that not all was written, and how a call failed', () => {
    const { kernel } = zygote
    const pipe = new Int32Array(2)
    kernel.pipe2(pipe, O_NONBLOCK)
    const [from = -1, to = -1] = pipe
    const bytes = new Uint8Array(16 << 20)
    assert.equal(kernel.writeAll(to, bytes), false, 'nothing empties it')
    assert.ok(kernel.read(from, bytes, bytes.length) > 0)
    kernel.close(from)
    kernel.close(to)
    assert.equal(kernel.socketType(to), undefined)
    assert.equal(kernel.limit(-1, 1), EINVAL)
    assert.equal(kernel.markForForking(1n, 4096n), EINVAL)
  })
})

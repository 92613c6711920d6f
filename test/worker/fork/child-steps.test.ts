// A forked child from its first step to its end, with a kernel of the test's own.
import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { describe, it, type TestContext } from 'node:test'
import type { ParentMessage } from '../../../runtime/messages.ts'
import { encodeFrame } from '../../../runtime/worker/launchers/fork/zygote/wire/frames.ts'
import { assignmentOf } from '../../contracts/launcher.contract.ts'
import { keepListeners, reading, type Kernel, type Zygote, useKernel } from './kernel.ts'

const { zygote, answer } = await useKernel()
const EINTR = 4

describe('the first steps of a child', () => {
  function become(t: TestContext, calls: Partial<Kernel>, renewLoop = 0): { done: string[]; left: number | undefined } {
    const done: string[] = []
    let left: number | undefined
    answer(t, {
      ...{ setpgid: () => 0, dieWithParent: () => undefined, getppid: () => 1, openFile: () => 8, close: () => 0 },
      write: (fd, bytes) => done.push(`${fd} ${String(bytes)}`),
      exitNow: (code) => {
        left ??= code
      },
      ...calls,
    })
    zygote.afterFork.becomeChild({
      ...{ zygotePid: 1, loop: 0n, renewLoop: () => renewLoop, oomFile: Buffer.of(0), oomScore: Buffer.from('500') },
      resources: { release: () => done.push('released') } as never,
      makeDistinct: () => done.push('distinct'),
    })
    zygote.forkSide.forkSide.child = false
    return { done, left }
  }

  it('are its score, what it lets go of, and its identity; without a score where the kernel has none', (t) => {
    assert.deepEqual(become(t, {}), { done: ['8 500', 'released', 'distinct'], left: undefined })
    assert.deepEqual(become(t, { openFile: () => -1 }).done, ['released', 'distinct'])
  })

  it('are its last where its event loop cannot be renewed, or the zygote has died', (t) => {
    assert.equal(become(t, {}, -1).left, 99)
    assert.equal(become(t, { getppid: () => 2 }).left, 97)
  })

  it('lead sockets that it must not use to a dead end', (t) => {
    const { InheritedSockets, LateDescriptors } = zygote.descriptors
    answer(t, { socketType: () => 1, socketpair: () => -1 })
    const sockets = [...zygote.descriptors.openDescriptors()].filter(([, to]) => to.startsWith('socket:'))
    if (sockets.length > 0) assert.throws(() => new InheritedSockets([]), /socketpair failed/)
    answer(t, { socketType: () => 2 })
    assert.equal(new InheritedSockets([]).count, 0, 'datagrams do not mix')
    answer(t, { openFile: () => 3, duplicateFrom: () => assert.fail('raised a failure') })
    assert.equal(new LateDescriptors().raise(-1), -1)
  })
})

describe('what a job hears over its connection', () => {
  /** A channel that reads these chunks. */
  function channel(t: TestContext, ...chunks: (Buffer | number)[]): InstanceType<Zygote['jobChannel']['JobChannel']> {
    const signals = new EventEmitter()
    t.mock.method(process, 'on', (name: string, listener: () => void) => signals.on(name, listener))
    const made = new zygote.jobChannel.JobChannel(setTimeout(() => undefined, 0))
    t.mock.restoreAll()
    answer(t, {
      read: reading(...chunks),
      errno: () => EINTR,
      poll: () => (chunks.length > 0 ? 1 : 0),
      writeAll: (_, bytes) => sent.push(Buffer.from(bytes)) > 0,
    })
    emit = (name) => void signals.emit(name)
    return made
  }
  const sent: Buffer[] = []
  let emit: (name: string) => void = () => undefined
  const cancel = (reason: string): ParentMessage => ({ type: 'cancel', reason })
  const assignment = assignmentOf('Works', [])
  const first = encodeFrame({ type: 'assignment', assignment })

  it('before its assignment was for another job; what follows waits for its listener', (t) => {
    const stale = encodeFrame(cancel('stale'))
    const open = channel(t, -1, stale, Buffer.concat([stale, first, encodeFrame(cancel('own'))]))
    open.open(4)
    assert.deepEqual(open.receiveAssignment(), assignment)
    const heard: ParentMessage[] = []
    open.onMessage((message) => heard.push(message))
    assert.deepEqual(heard, [cancel('own')])
    emit('SIGTERM')
    assert.deepEqual(heard.at(-1), cancel('stop requested'))
    assert.equal(open.receiveAssignment(), undefined, 'the supervisor has gone')
    const unheard = channel(t, Buffer.concat([first, encodeFrame(cancel('never heard'))]), first)
    unheard.open(4)
    for (let job = 0; job < 2; job += 1) assert.deepEqual(unheard.receiveAssignment(), assignment)
    unheard.onMessage((message) => assert.fail(message.type))
  })

  it('is read when the signal comes, up to the end of the stream', (t) => {
    const open = channel(t, encodeFrame(cancel('1')), -1, encodeFrame(cancel('2')), 0)
    emit('SIGURG')
    open.open(4)
    const heard: unknown[] = []
    open.onMessage((message) => heard.push(message))
    emit('SIGURG')
    assert.deepEqual(heard, [cancel('1'), cancel('2')])
  })

  it('is answered where it asks for figures or a snapshot', (t) => {
    sent.length = 0
    const open = channel(
      t,
      Buffer.concat([
        first,
        encodeFrame({ type: 'figures' }),
        encodeFrame({ type: 'snapshot', file: '/x', maxHeapBytes: 1 }),
      ]),
    )
    open.open(4)
    open.receiveAssignment()
    const answers = sent.map((frame) => JSON.parse(frame.toString('utf8', 4)) as { type: string; file?: string })
    assert.deepEqual(
      answers.map(({ type, file }) => [type, file]),
      [
        ['figures', undefined],
        ['snapshot', undefined],
      ],
    )
  })

  it('and not after the next job has begun: where it waits is the answer of one job', async (t) => {
    sent.length = 0
    const where = encodeFrame({ type: 'where', withinMs: 0 })
    const open = channel(t, Buffer.concat([first, where]), Buffer.concat([first, where]))
    open.open(4)
    open.receiveAssignment()
    await new Promise((resolve) => setTimeout(resolve, 60))
    assert.equal(sent.length, 0, 'nothing is known before the zygote has looked')
    open.watchResources()
    answer(t, { read: reading(Buffer.concat([first, where]), Buffer.concat([first, where])) })
    open.receiveAssignment()
    open.receiveAssignment()
    const until = performance.now() + 2000
    while (sent.length === 0 && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 5))
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(sent.length, 1)
    assert.match(String(sent[0]), /"type":"waiting"/)
  })
})

describe("a child's way out", () => {
  /** What {@link replaceExits} made of this process, put back at the end. */
  function exits(t: TestContext): { left: number[]; printed: () => string; killed: unknown[] } {
    const own = process as unknown as Record<'reallyExit' | 'abort' | 'kill' | 'emit', unknown>
    const { reallyExit, abort, kill, emit } = own
    keepListeners(t, 'uncaughtExceptionMonitor')
    Object.assign(own, { abort: () => 'aborted', reallyExit: (code: number) => `really ${code}`, kill: () => 'killed' })
    const [left, killed, printed]: [number[], unknown[], string[]] = [[], [], []]
    answer(t, {
      exitNow: (code) => {
        left.push(code)
        throw new Error('left')
      },
      kill: (...args) => killed.push(args),
      writeAll: (fd, bytes) => printed.push(`${fd} ${String(bytes)}`) > 0,
    })
    zygote.exit.replaceExits()
    t.after(() => {
      zygote.forkSide.forkSide.child = false
      Object.assign(own, { reallyExit, abort, kill, emit })
    })
    return { left, killed, printed: () => printed.join('') }
  }
  const own = process as unknown as {
    reallyExit: (code?: number) => unknown
    abort: () => unknown
    kill: (pid: number, signal?: unknown) => unknown
  }

  it("is Node's own in the zygote", (t) => {
    const { left, killed } = exits(t)
    assert.deepEqual(
      [own.reallyExit(3), own.abort(), own.kill(process.ppid, 'SIGTERM')],
      ['really 3', 'aborted', 'killed'],
    )
    assert.deepEqual([left, killed], [[], []])
  })

  it('is _exit(2), and a signal of its own for abort; the zygote is spared, but for a look whether it is there', (t) => {
    const { left, killed } = exits(t)
    zygote.forkSide.forkSide.child = true
    for (const code of [3, undefined, 256]) assert.throws(() => own.reallyExit(code), /left/)
    assert.deepEqual(left, [3, 0, 0])
    assert.equal(own.abort(), 'aborted')
    assert.deepEqual(killed, [[process.pid, 6]])
    for (const pid of [process.ppid, -process.ppid]) assert.throws(() => own.kill(pid, 'SIGTERM'), { code: 'EPERM' })
    assert.deepEqual([own.kill(process.ppid, 0), own.kill(process.pid, 'SIGUSR2')], ['killed', 'killed'])
  })

  it('prints an error that nothing catches, whatever it is, and leaves with 1 or the code that a listener set', (t) => {
    const { left, printed } = exits(t)
    zygote.forkSide.forkSide.child = true
    const leave = (code: number): void => assert.throws(() => process.emit('exit', code), /left/)
    leave(5)
    const monitor = process.listeners('uncaughtExceptionMonitor').at(-1)
    const caught = (): void => undefined
    process.on('uncaughtException', caught)
    monitor?.(new Error('handled'), 'uncaughtException')
    process.off('uncaughtException', caught)
    leave(0)
    assert.deepEqual([left.splice(0), printed()], [[5, 0], ''])
    const unprintable = Object.defineProperty(new Error('odd'), Symbol.for('nodejs.util.inspect.custom'), {
      value: () => assert.fail('no'),
    })
    // Of which the runner itself has none.
    const handlers = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    monitor?.(unprintable, 'uncaughtException')
    for (const handler of handlers) process.on('uncaughtException', handler)
    leave(7)
    process.exitCode = 9
    leave(7)
    process.exitCode = undefined
    assert.deepEqual(left, [1, 9])
    assert.match(printed(), /^2 an error that cannot be shown\nUncaught Error: odd\n/)
  })

  it('tells no listener of its end where there is none', (t) => {
    const { left } = exits(t)
    zygote.forkSide.forkSide.child = true
    let listeners = 0
    t.mock.method(process, 'listenerCount', () => listeners)
    assert.throws(() => zygote.exit.exitAfterJob(4), /left/)
    listeners = 1
    t.mock.method(process, 'exit', (code: number) => assert.fail(`exit ${code}`))
    assert.throws(() => zygote.exit.exitAfterJob(undefined), /exit 0/)
    assert.deepEqual(left, [4])
  })
})

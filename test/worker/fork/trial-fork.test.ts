// What keeps an application, or this machine, from being forked: what the zygote sees before it says that it is ready.
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { Worker } from 'node:worker_threads'
import { keepListeners, reading, useKernel } from './kernel.ts'

const { zygote, answer, pretend } = await useKernel()
const EINVAL = 22
const KILL = 9
const nothing = { threads: [], natives: [], connections: [] }

describe('before anything is forked', () => {
  it('a kernel without close_range(2) is refused', (t) => {
    assert.equal(zygote.preflight.refuseKernel(), undefined)
    answer(t, { closeFrom: () => -1 })
    assert.match(zygote.preflight.refuseKernel()?.reason ?? '', /no close_range\(2\)/)
  })

  it('threads are named with what started them, else with the native modules that may have', () => {
    const { refuseThreads } = zygote.preflight
    assert.match(
      refuseThreads([], { threads: ['new Worker in a.ts:1', 'new Worker in b.ts:2'], natives: ['sharp'] })?.reason ??
        '',
      /started \d+ threads \(.*, started by new Worker in a\.ts:1 and new Worker in b\.ts:2\)/,
    )
    assert.match(
      refuseThreads([], { threads: [], natives: ['sharp', 'sharp', 'canvas'] })?.reason ?? '',
      /; native modules that were loaded: sharp, canvas\)/,
    )
  })

  it('this platform, whose workers were not taken out, is refused', async () => {
    assert.match((await zygote.preflight.refuseState([], nothing))?.reason ?? '', /slots of V8's platform still lead/)
  })
})

describe('the trial fork', () => {
  const PID = 4242
  /** A child that says this and ends with this status; or goes on, where it did not end. */
  function child(t: TestContext, said: Buffer, { status = 0, ends = true } = {}): { polls: number; killed: number[] } {
    const seen = { polls: 0, killed: [] as number[] }
    answer(t, {
      pipe2: () => 0,
      markForForking: () => 0,
      fork: () => PID,
      openPidfd: () => -1,
      close: () => 0,
      kill: (pid, signal) => seen.killed.push(pid, signal),
      poll: () => ((seen.polls += 1), ends ? 1 : 0),
      wait4: (_, into) => ((into[0] = status), PID),
      read: reading(said),
    })
    return seen
  }
  const trial = async (origins = nothing): Promise<{ reason: string; cure: string } | undefined> =>
    zygote.preflight.tryFork(
      () => assert.fail('not the child'),
      () => undefined,
      origins,
      1,
    )
  const reasonOf = async (): Promise<string | undefined> => (await trial())?.reason
  const stages = (...bytes: number[]): Buffer => Buffer.from(bytes)

  it('is refused by the kernel, or not even tried: what was opened meanwhile is named, five of it', async (t) => {
    child(t, stages())
    answer(t, { fork: () => -1 })
    const connections = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => `a server in ${name}`)
    assert.equal(
      (await trial({ threads: [], natives: ['sharp'] as never[], connections: connections as never[] }))?.reason,
      'the trial fork failed: fork(2) was refused by the kernel; loading the application opened ' +
        `${connections.slice(0, 5).join(', ')} and 2 more; native modules that were loaded: sharp`,
    )
    answer(t, { markForForking: () => EINVAL, fork: () => assert.fail('forked with holes in its memory') })
    assert.match((await reasonOf()) ?? '', /refused by the kernel$/)
  })

  it('succeeds where the child said all and left with 0', async (t) => {
    child(t, stages(0, 1, 2, 3, 4, 5, 6, 7))
    assert.equal(await trial(), undefined)
    child(t, stages(0, 1, 2, 3, 4, 5, 6, 7), { status: 7 << 8 })
    assert.match((await reasonOf()) ?? '', /it left with status 1792 where process\.exit\(0\) was called/)
  })

  it('says at which stage the child died, or what it said', async (t) => {
    child(t, stages())
    assert.match((await reasonOf()) ?? '', /it died while reading its own pid$/)
    child(t, stages(0, 1, 2))
    assert.match((await reasonOf()) ?? '', /it died while waiting for a timer$/)
    child(t, Buffer.concat([stages(0, 1, 0xff), Buffer.from('a fault of ours')]))
    assert.match((await reasonOf()) ?? '', /collecting garbage: a fault of ours$/)
    child(t, Buffer.concat([stages(0, 1, 2, 0xfe), Buffer.from('process.exit was called in a.ts:1')]))
    assert.deepEqual(await trial(), {
      reason: 'the trial fork failed: process.exit was called in a.ts:1',
      cure: 'do that inside the job, or in an afterFork hook (config/hooks.ts), instead of while the module is loaded; or handle the error',
    })
  })

  it('waits longer for a child that wants a processor, and kills one that hangs', async (t) => {
    for (const [state, polls] of [
      ['S', 1],
      ['R', 8],
    ] as const) {
      const seen = child(t, stages(0, 1), { ends: false })
      pretend(t, { file: () => `${PID} (node) ${state} 1` })
      assert.match((await reasonOf()) ?? '', /it hung while collecting garbage$/)
      assert.deepEqual([seen.polls, seen.killed], [polls, [PID, KILL]])
    }
  })

  it('fails where a thread started meanwhile', async (t) => {
    child(t, stages(0, 1, 2, 3, 4, 5, 6, 7))
    let worker: Worker | undefined
    answer(t, { fork: () => ((worker = new Worker('setInterval(() => {}, 1e6)', { eval: true })), PID) })
    assert.equal(await reasonOf(), 'a thread started during the trial fork')
    await worker?.terminate()
  })

  /** This process in the child's place. */
  async function asChild(t: TestContext, collect: () => void = () => undefined): Promise<[Buffer, number[]]> {
    keepListeners(t, 'exit', 'uncaughtExceptionMonitor')
    const [said, left]: [Buffer[], number[]] = [[], []]
    const exit = (code = 0): never => {
      left.push(code)
      throw new Error('left')
    }
    answer(t, {
      ...{ pipe2: () => 0, markForForking: () => 0, fork: () => 0, alarm: () => 0, exitNow: exit },
      writeAll: (_, bytes) => said.push(Buffer.from(bytes)) > 0,
    })
    t.mock.method(process, 'exit', exit)
    await assert.rejects(
      zygote.preflight.tryFork(() => undefined, collect, nothing),
      /left/,
    )
    return [Buffer.concat(said), left]
  }

  it('goes through every stage in the child, and leaves it by process.exit', async (t) => {
    assert.deepEqual(await asChild(t), [stages(0, 1, 2, 3, 4, 5, 6, 7), [0]])
  })

  it('ends a child at once whose pid is not its own', async (t) => {
    answer(t, { getpid: () => PID })
    const [said, left] = await asChild(t)
    const text = `process.pid is ${process.pid}, the kernel says ${PID}`
    assert.deepEqual([said, left], [Buffer.concat([stages(0, 0xff), Buffer.from(text)]), [1]])
  })

  it('names what the application does in the child: an error that nothing catches, or its exit', async (t) => {
    const exitIn = (error: unknown) => (): void => {
      const [last] = process.listeners('exit').slice(-1)
      if (error) process.listeners('uncaughtExceptionMonitor').at(-1)?.(error as Error, 'uncaughtException')
      last?.(1)
      throw new Error('left')
    }
    const error = Object.assign(new RangeError('too late'), {
      stack: 'RangeError\n    at f (/app/config/preload.ts:3:1)',
    })
    assert.match(
      (await asChild(t, exitIn(error)))[0].toString('latin1'),
      /\xfeRangeError: too late, which nothing catches \(\/app\/config\/preload\.ts:3\)/,
    )
    delete (error as Partial<Error>).stack
    Object.defineProperty(error, 'stack', { value: undefined })
    assert.match(
      (await asChild(t, exitIn(error)))[0].toString('latin1'),
      /\xfeRangeError: too late, which nothing catches\xff/,
    )
    assert.match(
      (await asChild(t, exitIn(undefined)))[0].toString('latin1'),
      /\xfeprocess\.exit was called in \S*trial-fork\.test/,
    )
  })
})

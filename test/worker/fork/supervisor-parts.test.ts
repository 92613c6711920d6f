// The supervisor's view of forked processes, and who runs a job that was not forked: with made-up processes and launchers.
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { silentLogger } from '../../../runtime/core/logger.ts'
import { Registry } from '../../../runtime/jobs/registry.ts'
import type { Isolation } from '../../../config/isolations.ts'
import type { ChildMessage, Manifest, ParentMessage } from '../../../runtime/messages.ts'
import type { ConnectionPair } from '../../../runtime/worker/launchers/fork/connection-pair.ts'
import { Fallback } from '../../../runtime/worker/launchers/fork/fallback.ts'
import type { ForkedJob } from '../../../runtime/worker/launchers/fork/forked-job.ts'
import { ForkedProcess } from '../../../runtime/worker/launchers/fork/forked-process.ts'
import { RelaunchedJob } from '../../../runtime/worker/launchers/fork/relaunched-job.ts'
import { InlineLauncher } from '../../../runtime/worker/launchers/inline.ts'
import { type Ending, type LaunchedJob, type Launcher, Launchers } from '../../../runtime/worker/launchers/launcher.ts'
import { assignmentOf } from '../../contracts/launcher.contract.ts'

const assignment = assignmentOf('Works', [])
const done: ChildMessage = { type: 'outcome', outcome: { kind: 'done' }, ranMs: 1 }
const ended: Ending = { pid: 7, exitCode: 0, signal: null, started: true, output: [] }
const usage = { cpuUserMs: 5, cpuSystemMs: 3, peakRssBytes: 1 }
const ticks = async (count = 4): Promise<void> => {
  for (let tick = 0; tick < count; tick += 1) await new Promise((resolve) => setImmediate(resolve))
}

describe('a forked process', () => {
  /** One with an open pair, and what happens to it. */
  function forked(t: TestContext): { process: ForkedProcess; job: ForkedJob; seen: string[] } {
    const seen: string[] = []
    t.mock.method(process, 'kill', (pid: number, name: string) => {
      seen.push(`${name} ${pid}`)
      if (pid < 0) throw new Error('no such group')
      return true
    })
    const pair = {
      ...{ isOpen: true, serve: () => undefined },
      send: (message: ParentMessage) => seen.push(`sent ${message.type}`),
      release: (isClean: boolean) => seen.push(`released ${isClean}`),
    } as unknown as ConnectionPair
    const made = new ForkedProcess({
      ...{ launch: 1, pair, startedTimeoutMs: 60_000, log: silentLogger },
      askUnread: () => seen.push('asked for what is unread'),
      killUnheard: () => seen.push('killed unheard'),
      onIdle: () => seen.push('idle'),
    })
    const job = made.expect(assignment, { onMessage: () => undefined, onOutput: () => undefined })
    t.after(() => made.exited(undefined))
    return { process: made, job, seen }
  }
  const exit = { pid: 7, exitCode: 0, signal: null, alone: true, ...usage }

  it('waits for its next job at once where all that it printed was read, else when that may have been read', async (t) => {
    for (const isRead of [true, false]) {
      const { process: one, seen } = forked(t)
      one.hear({ type: 'started', pid: 7 })
      one.hear({ type: 'outcome', outcome: { kind: 'done' }, ranMs: 1, stays: true, isRead })
      assert.deepEqual(seen, isRead ? ['idle'] : [])
      await ticks(3)
      assert.deepEqual(seen, ['idle'])
    }
  })

  it('has begun a later job where it has read the assignment, whatever came behind that; where the zygote dies first, that is lost with it', async (t) => {
    const second = async (): Promise<{ process: ForkedProcess; job: ForkedJob; seen: string[] }> => {
      const { process: one, seen } = forked(t)
      one.hear({ type: 'started', pid: 7 })
      one.hear({ type: 'outcome', outcome: { kind: 'done' }, ranMs: 1, stays: true, isRead: true })
      const job = one.assign(assignment, { onMessage: () => undefined, onOutput: () => undefined })
      await ticks(1)
      one.exited({ ...exit, exitCode: null, signal: 9 })
      assert.equal(seen.at(-1), 'asked for what is unread')
      return { process: one, job, seen }
    }
    for (const [unread, started] of [
      [0, true],
      [100, false],
    ] as const) {
      const { process: one, job } = await second()
      one.unread(unread)
      assert.equal((await job.ended).started, started)
    }
    const { process: one, job } = await second()
    one.lost('SIGKILL')
    one.unread(100)
    const { started, lostParent } = await job.ended
    assert.deepEqual([started, lostParent], [true, 'SIGKILL'])
  })

  it('gets a signal when its pid is known; a KILL by way of the zygote before, and not by its group where it has none', (t) => {
    const { process: one, job, seen } = forked(t)
    job.kill('SIGTERM')
    assert.deepEqual(seen, [])
    job.kill('SIGKILL')
    one.hear({ type: 'started', pid: 7 })
    job.kill('SIGKILL')
    assert.deepEqual(seen, ['killed unheard', 'SIGTERM 7', 'SIGKILL -7', 'SIGKILL 7'])
  })

  it('gets nothing more when it has ended, and its end is told once', async (t) => {
    const { process: one, job, seen } = forked(t)
    one.hear({ type: 'started', pid: 7 })
    one.exited({ ...exit, exitCode: null, signal: 77 })
    one.lost('SIGKILL')
    one.kill('SIGKILL')
    one.send({ type: 'cancel', reason: 'late' })
    const { signal, lostParent, cpuUserMs } = await job.ended
    assert.deepEqual([signal, lostParent, cpuUserMs], ['SIGKILL', undefined, 5], 'a signal without a name is a KILL')
    job.kill('SIGKILL')
    job.send({ type: 'cancel', reason: 'late' })
    assert.deepEqual([job.isStopped, seen], [false, ['released false']])
  })

  it('that died with its zygote says so, and has no figures', async (t) => {
    const { process: one, job } = forked(t)
    one.lost('exit code 1')
    const { signal, lostParent, cpuUserMs, started } = await job.ended
    assert.deepEqual([signal, lostParent, cpuUserMs, started], ['SIGKILL', 'exit code 1', undefined, false])
  })

  it('waits for another job where it can, and is ended where it was stopped, before its end or right after', async (t) => {
    const stays: ChildMessage = { ...done, stays: true }
    const idle = forked(t)
    idle.process.hear({ type: 'started', pid: 7 })
    idle.process.hear({ ...stays, usage })
    await ticks()
    assert.deepEqual([(await idle.job.ended).exitCode, idle.seen], [0, ['idle']])
    const next = idle.process.expect(assignment, { onMessage: () => undefined, onOutput: () => undefined })
    idle.process.exited({ ...exit, cpuUserMs: 9 })
    assert.equal((await next.ended).cpuUserMs, 4, 'without that of the job before')
    for (const stopsFirst of [true, false]) {
      const { process: one, job, seen } = forked(t)
      one.hear({ type: 'started', pid: 7 })
      if (stopsFirst) job.send({ type: 'cancel', reason: 'stop' })
      one.hear(stays)
      if (!stopsFirst) job.send({ type: 'cancel', reason: 'stop' })
      await ticks()
      assert.deepEqual([seen.includes('SIGKILL -7'), seen.includes('idle')], [true, false])
    }
    const gone = forked(t)
    gone.process.hear(stays)
    gone.process.exited(exit)
    await ticks()
    assert.deepEqual(gone.seen, ['released true'])
  })
})

/** A launcher that notes what it is asked for. */
function fakeLauncher(name: Isolation, seen: string[], classes: Partial<Manifest['classes'][number]>[] = []): Launcher {
  const manifest = { classes } as Manifest
  const note = async (what: string): Promise<Manifest> => {
    seen.push(`${name} ${what}`)
    return manifest
  }
  const launched: LaunchedJob = { pid: 7, ended: Promise.resolve(ended), kill: () => undefined, send: () => undefined }
  return {
    ...{ name, start: () => note('start'), reload: () => note('reload') },
    launch: () => (seen.push(`${name} launch`), launched),
    stop: async () => void (await note('stop')),
  }
}

describe('who runs a job', () => {
  it('a launcher of the kind that its class asks for, where there is one', async () => {
    const seen: string[] = []
    const main = fakeLauncher('fork', seen, [
      {},
      { isolation: 'fork' },
      { isolation: 'spawn' },
      { isolation: 'spawn' },
      { isolation: 'inline' },
    ])
    const launchers = new Launchers(main, (kind) => (kind === 'spawn' ? fakeLauncher('spawn', seen) : undefined))
    await launchers.start()
    assert.deepEqual(
      [undefined, 'fork', 'spawn', 'inline'].map((kind) => launchers.of(kind as Isolation).name),
      ['fork', 'fork', 'spawn', 'fork'],
    )
    await launchers.reload()
    await launchers.stop()
    assert.deepEqual(seen, ['fork start', 'spawn start', 'fork reload', 'spawn reload', 'fork stop', 'spawn stop'])
  })

  it('the fallback, once it has taken over; it loads the application again when it is asked again', async () => {
    const seen: string[] = []
    const fallback = new Fallback((spares) => (seen.push(`made ${spares}`), fakeLauncher('spawn', seen)), 3)
    assert.equal(
      fallback.launch(assignment, () => undefined),
      undefined,
    )
    fallback.retire()
    await fallback.takeOver()
    await fallback.takeOver()
    await fallback.tryTakeOver()
    await fallback.launch(assignment, () => undefined)?.ended
    fallback.retire()
    await ticks()
    assert.deepEqual(seen, ['made 3', 'spawn start', 'spawn reload', 'spawn reload', 'spawn launch', 'spawn stop'])
  })

  it('this process, for inline: each hook before the job, and none before it is loaded', async () => {
    const ran: string[] = []
    const note = (name: string) => () => void ran.push(name)
    const hooks = { beforeFirstFork: note('first'), beforeFork: note('before'), afterFork: note('after') }
    const source = { root: '/nowhere', paths: [] }
    assert.throws(
      () => new InlineLauncher(source).launch(assignment, () => undefined),
      /start\(\) comes before launch\(\)/,
    )
    const launcher = new InlineLauncher(source, { registry: new Registry(), hooks })
    await launcher.start()
    const hook = { ...assignment, notice: { hook: 'onLeaseLost', worker: { id: 'w' } } } as typeof assignment
    for (let job = 0; job < 2; job += 1) await launcher.launch(hook, () => undefined).ended
    assert.deepEqual(ran, ['first', 'before', 'after', 'before', 'after'])
  })

  it('another launcher where no process was forked, with what it was sent; none where it was killed', async () => {
    const seen: string[] = []
    const spawned = fakeLauncher('spawn', seen)
    const rescued = new RelaunchedJob(
      Promise.resolve(undefined),
      assignment,
      () => undefined,
      async ({ started, signal }) => {
        seen.push(`not forked: ${started} ${signal}`)
        return spawned
      },
    )
    assert.equal(rescued.pid, undefined)
    assert.equal((await rescued.ended).exitCode, 0)
    const job = {
      pid: 7,
      ended: Promise.resolve({ ...ended, started: false }),
      send: (message: ParentMessage) => seen.push(message.type),
      kill: (name: string) => seen.push(name),
    }
    const killed = new RelaunchedJob(
      Promise.resolve(job as unknown as ForkedJob),
      assignment,
      () => undefined,
      () => assert.fail('run elsewhere'),
    )
    killed.send({ type: 'cancel', reason: 'early' })
    killed.kill('SIGKILL')
    assert.equal((await killed.ended).started, false)
    assert.deepEqual(seen, ['not forked: false SIGKILL', 'spawn launch', 'cancel', 'SIGKILL'])
  })
})

// worker.jobsPerChild: a process runs several jobs one after another, and none after a job that left a trace in it.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { silentLogger } from '../../runtime/core/logger.ts'
import type { Ending, LaunchedJob, Launcher } from '../../runtime/worker/launchers/launcher.ts'
import { SparePace, SpawnLauncher } from '../../runtime/worker/launchers/spawn/spawn.ts'
import type { Assignment, ChildMessage } from '../../runtime/messages.ts'
import { assignmentOf } from '../contracts/launcher.contract.ts'
import { leavesNoProcess } from '../support/process.ts'
import { isAlive } from '../support/signal.ts'
import { eventually } from '../support/wait.ts'
import { forkLauncher, noFallback, writeApp } from './fork/support.ts'
import { jobsThatLeaveTraces } from './traces-app.ts'

leavesNoProcess()

const source = writeApp(jobsThatLeaveTraces)
const nowhere = { out: () => undefined, err: () => undefined }

const launchers: Record<string, (jobsPerChild: number) => Launcher> = {
  fork: (jobsPerChild) => forkLauncher(source, { ...noFallback, jobsPerChild }),
  spawn: (jobsPerChild) =>
    new SpawnLauncher({
      source,
      log: silentLogger,
      spares: 1,
      bootTimeoutMs: 30_000,
      jobsPerChild,
      passOutput: nowhere,
    }),
}

for (const [name, make] of Object.entries(launchers))
  describe(`jobsPerChild: ${name}`, () => {
    let launcher: Launcher
    let messages: ChildMessage[] = []
    before(async () => {
      launcher = make(6)
      await launcher.start()
    })
    after(() => launcher.stop())

    const launch = (className: string, args: unknown[] = [], more: Partial<Assignment> = {}): LaunchedJob =>
      launcher.launch(assignmentOf(className, args, more), (message) => messages.push(message))
    const run = (className: string, ...args: unknown[]): Promise<Ending> => launch(className, args).ended
    const pidOf = (ending: Ending): number => {
      assert.equal(ending.outcome?.kind, 'done', JSON.stringify(ending))
      return ending.pid ?? 0
    }
    /** A process that has just begun: the one before has left a trace. */
    const fresh = async (): Promise<number> => {
      await run('Does', 'chdir')
      return pidOf(await run('Clean'))
    }

    it('a process runs so many jobs, then another one does', async () => {
      const first = await fresh()
      const pids: number[] = []
      const counts: unknown[] = []
      for (let index = 0; index < 6; index += 1) {
        const { outcome, pid = 0, exitCode, signal } = await run('Clean')
        assert.deepEqual([exitCode, signal], [0, null])
        pids.push(pid)
        counts.push(outcome?.kind === 'done' ? (JSON.parse(outcome.result ?? '') as { count: number }).count : outcome)
      }
      assert.deepEqual(counts, [2, 3, 4, 5, 6, 1])
      assert.deepEqual(new Set(pids.slice(0, 5)), new Set([first]))
      assert.notEqual(pids[5], first)
    })

    for (const what of [
      'throws',
      'chdir',
      'umask',
      'env',
      'timer',
      'server',
      'exit code',
      'listener',
      ...(process.platform === 'linux' ? ['process'] : []),
    ])
      it(`is not used again after a job that leaves this: ${what}`, async () => {
        const pid = await fresh()
        const ending = await run('Does', what)
        assert.equal(ending.pid, pid)
        assert.notEqual(pidOf(await run('Clean')), pid)
        assert.equal(isAlive(pid), false)
      })

    it('what a job closes leaves no trace', async () => {
      const pid = await fresh()
      assert.equal(pidOf(await run('Does', 'closes')), pid)
      assert.equal(pidOf(await run('Clean')), pid)
    })

    it('is not used again after a job with limits that the kernel keeps', async () => {
      const pid = await fresh()
      assert.equal(pidOf(await launch('Clean', [], { cpuLimitSeconds: 60 }).ended), pid)
      assert.notEqual(pidOf(await run('Clean')), pid)
    })

    it('is not used again after a job that was stopped, though that ended well', async () => {
      const pid = await fresh()
      messages = []
      const stopped = launch('Stops')
      await eventually(() => messages.some(({ type }) => type === 'started'))
      stopped.send({ type: 'cancel', reason: 'cancelled' })
      assert.equal(pidOf(await stopped.ended), pid)
      assert.notEqual(pidOf(await run('Clean')), pid)
    })

    it('each job has its own output, and its own use of the processor', async () => {
      const pid = await fresh()
      const burnt = await run('Burns', 300)
      const [one, two] = [await run('Prints', 'one'), await run('Prints', 'two')]
      assert.deepEqual([burnt.pid, one.pid, two.pid], [pid, pid, pid])
      assert.deepEqual(one.output.sort(), ['one', 'one in trouble'])
      assert.deepEqual(two.output.sort(), ['two', 'two in trouble'])
      assert.ok((burnt.cpuUserMs ?? 0) > 150, `${burnt.cpuUserMs}`)
      assert.ok((two.cpuUserMs ?? Infinity) < 100, `${two.cpuUserMs}`)
    })

    it(
      'begins with nothing of what the process that forks ran before',
      { skip: name !== 'fork' && 'spawn forks nothing' },
      async () => {
        const pid = await fresh()
        const { outcome } = await run('Looks')
        const seen = JSON.parse((outcome?.kind === 'done' && outcome.result) || '{}') as Record<string, unknown>
        assert.deepEqual(seen['lists'], [`/proc/${pid}/task/${pid}/children`])
        // One for the exits of a forked process, and one for what a job leaves behind.
        assert.equal(seen['listeners'], 2)
        assert.match(String(seen['title']), /Processing .* \[Looks\]$/)
      },
    )

    it('what a job says after its end belongs to no job', async () => {
      const pid = await fresh()
      await run('Lingers')
      messages = []
      assert.equal(pidOf(await run('Sleeps', 100)), pid)
      assert.deepEqual(
        messages.filter(({ type }) => type !== 'started'),
        [{ type: 'log', line: 'begun' }],
      )
    })

    it('a process that dies while it waits costs no job', async () => {
      const pid = await fresh()
      process.kill(pid, 'SIGKILL')
      const ending = await run('Clean')
      // Spawned, it goes back to its queue where the death was not known yet.
      assert.ok(ending.outcome?.kind === 'done' || !ending.started)
      assert.notEqual(pidOf(await run('Clean')), pid)
    })

    it(
      'a process that dies before it has read its next job has not begun it',
      { skip: name !== 'fork' && 'spawn tells of each start' },
      async () => {
        const pid = await fresh()
        process.kill(pid, 'SIGSTOP')
        const waiting = launch('Clean')
        process.kill(pid, 'SIGKILL')
        assert.notEqual(pidOf(await waiting.ended), pid)
      },
    )

    it('a process that dies in a later job has begun that', async () => {
      const pid = await fresh()
      messages = []
      const job = launch('Sleeps', [60_000])
      // Said by the job itself, so it has been read.
      await eventually(() => messages.some(({ type }) => type === 'log'))
      job.send({ type: 'where', withinMs: 0 })
      process.kill(pid, 'SIGKILL')
      const { started, signal, pid: dead } = await job.ended
      assert.deepEqual([started, signal, dead], [true, 'SIGKILL', pid])
    })

    it('what a job prints last is its own, however soon the next one begins', async () => {
      const pid = await fresh()
      for (let index = 1; index <= 4; index += 1) {
        const text = `${index} `.repeat(30_000)
        const { output, pid: printed } = await run('Prints', text)
        assert.equal(printed, pid)
        assert.deepEqual(
          output.map((line) => line.slice(0, 2)),
          [`${index} `, `${index} `],
        )
      }
    })

    it('the application is loaded again for all that come after', async () => {
      const pid = await fresh()
      await launcher.reload()
      assert.notEqual(pidOf(await run('Clean')), pid)
      await eventually(() => !isAlive(pid))
    })
  })

describe('spares', () => {
  it('are kept by the rate at which jobs come, within bounds', () => {
    const pace = new SparePace(2, 4)
    pace.booted(1000)
    assert.equal(pace.wanted(0), 2)
    // One comes in the time of a boot: one, and three times its square root.
    for (const atMs of [0, 500, 1000, 1500]) pace.launched(atMs)
    assert.equal(pace.wanted(1500), 4)
    for (let atMs = 1600; atMs < 4000; atMs += 10) pace.launched(atMs)
    assert.equal(pace.wanted(4000), 10)
    assert.equal(pace.wanted(12_000), 2)
    assert.equal(new SparePace(0, 4).wanted(0), 0)
  })
})

// What every launcher promises; run over inline, spawn and fork. A launcher that cannot keep a promise skips its test by
// name and with its reason.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { AppSource } from '../../runtime/jobs/app.ts'
import type { Ending, LaunchedJob, Launcher } from '../../runtime/worker/launchers/launcher.ts'
import type { Assignment, ChildMessage, Manifest } from '../../runtime/messages.ts'
import { isAlive } from '../support/signal.ts'
import { eventually } from '../support/wait.ts'

/** The application that the contract runs. */
export const contractApp: AppSource = {
  root: fileURLToPath(new URL('../fixtures/apps/contract', import.meta.url)),
  paths: ['src/jobs'],
}

/** Names of promises that a launcher cannot keep, each with the reason. */
export type Skips = Partial<Record<'own process' | 'killed' | 'exits', string>>

let counter = 0

export function assignmentOf(className: string, args: unknown[] = [], more: Partial<Assignment> = {}): Assignment {
  counter += 1
  const args_ = JSON.stringify(args)
  return {
    phase: 'perform',
    jobId: `job${counter}`,
    className,
    queue: 'q',
    args: args_,
    attempt: 1,
    worker: 'host:1:q',
    keepResult: true,
    ...more,
  }
}

export function launcherContract(name: string, make: () => Launcher, skips: Skips = {}): void {
  describe(`launcher contract: ${name}`, () => {
    let launcher: Launcher
    let manifest: Manifest
    const messages: ChildMessage[] = []
    const launch = (className: string, args: unknown[] = [], more: Partial<Assignment> = {}): LaunchedJob =>
      launcher.launch(assignmentOf(className, args, more), (message) => messages.push(message))
    const run = (className: string, ...args: unknown[]): Promise<Ending> => launch(className, args).ended
    const started = (): Promise<unknown> => {
      const seen = messages.length
      return eventually(() => messages.slice(seen).some((message) => message.type === 'started'), {
        timeoutMs: 20_000,
        what: 'the job to start',
      })
    }

    before(async () => {
      launcher = make()
      manifest = await launcher.start()
    })
    after(async () => launcher.stop())

    it('tells what the application holds', () => {
      const adds = manifest.classes.find((entry) => entry.name === 'Adds')
      assert.deepEqual([adds?.kind, adds?.queue, adds?.file], ['job', 'q', 'src/jobs/endings.ts'])
    })

    it('gives back what perform returned', async () => {
      const ending = await run('Adds', 2, 3)
      assert.deepEqual(ending.outcome, { kind: 'done', result: '5' })
      assert.deepEqual([ending.started, ending.exitCode, ending.signal], [true, 0, null])
    })

    it('carries a large result whole', async () => {
      const { outcome } = await run('Gives', 3_000_000)
      assert.equal(outcome?.kind === 'done' ? outcome.result?.length : outcome, 3_000_002)
    })

    it('reports an exception with its class, message and .ts line', async () => {
      const { outcome } = await run('Throws')
      assert.ok(outcome?.kind === 'failed')
      const { error } = outcome
      assert.deepEqual([error.name, error.message], ['TypeError', 'no such thing'])
      assert.match(error.backtrace[0] ?? '', /endings\.ts:15:/)
    })

    it('reports an unknown class in words', async () => {
      const { outcome } = await run('Nowhere')
      assert.equal(outcome?.kind === 'failed' ? outcome.error.name : outcome, 'NameError')
    })

    it('knows the verbs discard and snooze', async () => {
      assert.deepEqual((await run('Discards')).outcome, { kind: 'discarded', reason: 'not wanted' })
      assert.deepEqual((await run('Snoozes')).outcome, { kind: 'snoozed', delayMs: 1500 })
    })

    it('hands on progress and log while the job runs', async () => {
      const seen = messages.length
      await run('Talks')
      const said = messages.slice(seen)
      assert.deepEqual(
        said.find((message) => message.type === 'progress'),
        { type: 'progress', at: 1, of: 3, note: 'begun' },
      )
      assert.deepEqual(
        said.find((message) => message.type === 'log'),
        { type: 'log', line: 'a line kept' },
      )
    })

    it('holds a job that gets no permit, and runs one that does', async () => {
      for (const granted of [false, true]) {
        const seen = messages.length
        const launched = launch('Limited')
        await eventually(() => messages.slice(seen).some((message) => message.type === 'limits'), {
          timeoutMs: 20_000,
        })
        launched.send({ type: 'answer', granted })
        assert.equal((await launched.ended).outcome?.kind, granted ? 'done' : 'held')
      }
    })

    it('aborts the signal of a job that is told to stop', async () => {
      const waiting = started()
      const launched = launch('StopsPolitely')
      await waiting
      launched.send({ type: 'cancel', reason: 'cancelled' })
      const { outcome } = await launched.ended
      assert.equal(outcome?.kind === 'failed' ? outcome.error.name : outcome, 'AbortError')
    })

    it('ends a job that waits for what cannot come, with that reason', { skip: skips['own process'] }, async () => {
      const { outcome } = await run('NeverSettles')
      assert.ok(outcome?.kind === 'failed')
      assert.deepEqual([outcome.error.name, outcome.error.code], ['NeverSettledError', 'ERR_NEVER_SETTLED'])
      assert.match(outcome.error.message, /a promise that nothing can settle.*its onFailure hook failed/s)
    })

    it('lets a job wait for its own cancel and nothing else', async () => {
      const waiting = started()
      const launched = launch('WaitsForCancel')
      await waiting
      launched.send({ type: 'cancel', reason: 'cancelled' })
      assert.equal(resultOf(await launched.ended), '"cancelled"')
    })

    it('refuses a result that is too large before it is sent', async () => {
      const { outcome } = await launch('Gives', [2000], { maxResultBytes: 1000 }).ended
      assert.ok(outcome?.kind === 'failed')
      assert.match(
        outcome.error.message,
        /^result: expected at most 1000 bytes of JSON, got 2002; .*limits\.maxResultBytes/,
      )
    })

    it('shows no job what another did', { skip: skips['own process'] }, async () => {
      const first = JSON.parse(resultOf(await run('Changes'))) as { pid: number }
      const second = JSON.parse(resultOf(await run('Changes'))) as {
        pid: number
        count: number
        env?: string
        cwd: string
      }
      assert.notEqual(first.pid, second.pid)
      assert.deepEqual([second.count, second.env, second.cwd], [1, undefined, contractApp.root])
    })

    it('keeps the last lines printed', { skip: skips['own process'] }, async () => {
      const { output } = await run('Talks')
      assert.ok(output.includes('a line printed') && output.includes('a line of trouble'), JSON.stringify(output))
    })

    it('tells an exit code, and that the job said nothing', { skip: skips.exits }, async () => {
      const ending = await run('Exits', 3)
      assert.deepEqual([ending.exitCode, ending.signal, ending.outcome, ending.started], [3, null, undefined, true])
      assert.ok(ending.output.includes('about to leave'))
    })

    it('tells an exit with 0 from an end', { skip: skips.exits }, async () => {
      assert.deepEqual([(await run('Exits', 0)).exitCode, (await run('Exits', 0)).outcome], [0, undefined])
    })

    it('tells the signal that ended a process', { skip: skips.killed }, async () => {
      const ending = await run('KillsItself')
      assert.deepEqual([ending.exitCode, ending.signal, ending.outcome], [null, 'SIGKILL', undefined])
    })

    it('kills an infinite loop, and one that ignores TERM', { skip: skips.killed }, async () => {
      for (const className of ['LoopsForEver', 'IgnoresTerm']) {
        const waiting = started()
        const launched = launch(className)
        await waiting
        launched.kill('SIGTERM')
        launched.kill('SIGKILL')
        assert.equal((await launched.ended).signal, 'SIGKILL', className)
      }
    })

    it('ends what a job left running', { skip: skips['own process'] }, async () => {
      const pid = Number(resultOf(await run('LeavesGrandchild')))
      await eventually(() => !isAlive(pid), { what: `grandchild ${pid} to be gone` })
    })

    it('runs many jobs at once', async () => {
      const sums = await Promise.all([1, 2, 3, 4, 5, 6].map((n) => run('Adds', n, n)))
      assert.deepEqual(sums.map(resultOf), ['2', '4', '6', '8', '10', '12'])
    })

    it('loads the application anew', async () => {
      assert.deepEqual(await launcher.reload(), manifest)
      assert.equal(resultOf(await run('Adds', 1, 1)), '2')
    })

    it('stops twice without harm, and leaves no process', async () => {
      const other = make()
      await other.start()
      const launched = skips['own process'] ? undefined : other.launch(assignmentOf('IgnoresTerm'), () => undefined)
      await Promise.all([other.stop(), other.stop()])
      await launched?.ended
      const pid = launched?.pid
      if (pid !== undefined) await eventually(() => !isAlive(pid), { what: `process ${pid} to be gone` })
    })
  })
}

function resultOf(ending: Ending): string {
  assert.equal(ending.outcome?.kind, 'done', JSON.stringify(ending))
  return (ending.outcome as { result?: string }).result ?? 'nothing'
}

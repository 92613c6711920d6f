// A process that never says `started`: it is killed, and its job runs elsewhere, unharmed.
import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Refusal } from '../../../runtime/worker/launchers/fork/zygote/core/preflight-platform.ts'
import { leavesNoProcess } from '../../support/process.ts'
import { forkLauncher, launch, result, writeApp } from './support.ts'

leavesNoProcess()

// The title is the last thing that a child sets before it says `started`.
const preload = `
const describe = (text: string): void => {
  const [, name] = /\\[(\\w+)\\]/.exec(text) ?? []
  if (name === 'Hangs') for (;;);
  if (name === 'Dies') process.kill(process.pid, 'SIGSEGV')
  if (name === 'Leaves') process.exit(7)
}
// Not in the processes of spawn, which have an IPC channel.
if (!process.send) Object.defineProperty(process, 'title', { get: () => 'title', set: describe })
`
const job = `
import { Job } from 'resque-runtime'
class Tells extends Job { async perform(): Promise<string> { return process.send ? 'spawned' : 'forked' } }
export class Works extends Tells {}
export class Hangs extends Tells {}
export class Dies extends Tells {}
export class Leaves extends Tells {}
`

it('a process that hangs before its job begins is killed, and its job is spawned; after two, all are', async () => {
  const told: Refusal[] = []
  const launcher = forkLauncher(writeApp({ 'src/jobs/all.ts': job, 'config/preload.ts': preload }), {
    startedTimeoutMs: 300,
    onFallback: (refusal) => told.push(refusal),
  })
  await launcher.start()
  const run = async (name: string): Promise<unknown> => {
    let starts = 0
    const ending = await launch(launcher, name, [], (message) => void (starts += message.type === 'started' ? 1 : 0))
      .ended
    assert.deepEqual([ending.started, starts], [true, 1])
    return result(ending)
  }
  assert.equal(await run('Works'), 'forked')
  assert.equal(await run('Hangs'), 'spawned')
  assert.deepEqual([await run('Works'), told], ['forked', []])
  assert.equal(await run('Dies'), 'spawned')
  assert.deepEqual(
    told.map(({ reason }) => reason),
    ['2 forked processes exited before their job began'],
  )
  assert.equal(await run('Works'), 'spawned')
  await launcher.stop()
})

it('a process that leaves before its job begins costs its job nothing', async () => {
  const launcher = forkLauncher(writeApp({ 'src/jobs/all.ts': job, 'config/preload.ts': preload }))
  await launcher.start()
  assert.equal(result(await launch(launcher, 'Leaves').ended), 'spawned')
  await launcher.stop()
})

it('a job that is killed before it begins is not run elsewhere', async () => {
  const launcher = forkLauncher(writeApp({ 'src/jobs/all.ts': job, 'config/preload.ts': preload }), {
    startedTimeoutMs: 60_000,
  })
  await launcher.start()
  const launched = launch(launcher, 'Hangs')
  launched.kill('SIGKILL')
  const ending = await launched.ended
  assert.deepEqual([ending.started, ending.signal, ending.outcome], [false, 'SIGKILL', undefined])
  await launcher.stop()
})

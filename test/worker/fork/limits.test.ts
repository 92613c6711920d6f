// Limits that the kernel keeps.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { ForkLauncher } from '../../../runtime/worker/launchers/fork/fork.ts'
import type { Assignment } from '../../../runtime/messages.ts'
import { assignmentOf } from '../../contracts/launcher.contract.ts'
import { leavesNoProcess } from '../../support/process.ts'
import { forkLauncher, noFallback, result, writeApp } from './support.ts'

leavesNoProcess()

const jobs = `
import { closeSync, openSync, readFileSync } from 'node:fs'
import { getPriority } from 'node:os'
import { Job } from 'resque-runtime'
export class Loops extends Job { perform(): void { for (;;); } }
export class Limits extends Job {
  async perform(): Promise<unknown> {
    const limits = readFileSync('/proc/self/limits', 'utf8')
    const soft = (name: string) => new RegExp('^' + name + ' +(\\\\S+)', 'm').exec(limits)?.[1]
    const oomScores = ['self', process.ppid].map((pid) => Number(readFileSync('/proc/' + pid + '/oom_score_adj', 'utf8')))
    return { oomScores, nice: getPriority(), core: soft('Max core file size'), files: soft('Max open files'), cpu: soft('Max cpu time') }
  }
}
export class Opens extends Job {
  async perform(): Promise<unknown> {
    const open: number[] = []
    try { for (;;) open.push(openSync('/dev/null')) } catch (error) { return (error as NodeJS.ErrnoException).code }
    finally { open.forEach(closeSync) }
  }
}`

describe('fork: limits', () => {
  let launcher: ForkLauncher
  before(async () => {
    launcher = forkLauncher(writeApp({ 'src/jobs/all.ts': jobs }), noFallback)
    await launcher.start()
  })
  after(() => launcher.stop())
  const run = (className: string, limits: Partial<Assignment> = {}) =>
    launcher.launch(assignmentOf(className, [], limits), () => undefined).ended

  it('are off by default, but for core dumps', async () => {
    const { core, cpu, nice } = result(await run('Limits')) as Record<string, unknown>
    assert.deepEqual([core, cpu, nice], ['0', 'unlimited', 0])
  })

  it('leave the process that forks alone when the machine runs out of memory', async () => {
    const { oomScores } = result(await run('Limits')) as { oomScores: [number, number] }
    assert.equal(oomScores[0], 500)
    assert.ok(oomScores[1] < 500, `the zygote's is ${oomScores[1]}`)
  })

  it('are set for one job alone', async () => {
    const set = result(await run('Limits', { cpuLimitSeconds: 7, openFilesLimit: 100, niceness: 5 })) as Record<
      string,
      unknown
    >
    delete set['oomScores']
    assert.deepEqual(set, { nice: 5, core: '0', files: '100', cpu: '7' })
    assert.equal((result(await run('Limits')) as Record<string, unknown>)['cpu'], 'unlimited')
  })

  it('end a job that uses up its processor time', async () => {
    const ending = await run('Loops', { cpuLimitSeconds: 1 })
    assert.equal(ending.signal, 'SIGXCPU')
    assert.ok((ending.cpuUserMs ?? 0) + (ending.cpuSystemMs ?? 0) > 500)
  })

  it('refuse a descriptor too many', async () => {
    assert.equal(result(await run('Opens', { openFilesLimit: 64 })), 'EMFILE')
  })

  it('do not keep a job from starting, however tight', async () => {
    assert.equal((await run('Loops', { openFilesLimit: 3, cpuLimitSeconds: 1 })).started, true)
  })
})

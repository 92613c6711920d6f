// One zygote after another: what goes with an old one, and what must not.
import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { LaunchedJob } from '../../../runtime/worker/launchers/launcher.ts'
import { leavesNoProcess } from '../../support/process.ts'
import { isAlive, testSignal } from '../../support/signal.ts'
import { eventually } from '../../support/wait.ts'
import { forkLauncher, launch, noFallback, result, resultOf, writeApp } from './support.ts'
import { jobs } from './trouble-jobs.ts'

leavesNoProcess()

const app = (more: Record<string, string> = {}): ReturnType<typeof writeApp> =>
  writeApp({ 'src/jobs/all.ts': jobs(1), ...more })

async function startHelper(launcher: Parameters<typeof launch>[0]): Promise<LaunchedJob & { helper: number }> {
  const said = testSignal<number>()
  const job = launch(launcher, 'HasHelper', [], (message) => message.type === 'log' && said.fire(Number(message.line)))
  return Object.assign(job, { helper: await said.fired })
}

/** The processes that this one has started: zygotes, and what builds applications. */
const children = (): string => readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8')

describe('fork: generations', () => {
  it('a new application that cannot be loaded takes nothing from the jobs that run', async () => {
    const source = app()
    const launcher = forkLauncher(source, noFallback)
    await launcher.start()
    const job = await startHelper(launcher)
    const before = children()
    writeFileSync(join(source.root, 'src/jobs/broken.ts'), 'throw new Error("not today")\nexport {}')
    await assert.rejects(launcher.reload(), /not today/)
    await eventually(() => children() === before, { what: 'the zygote that could not load it to be gone' })
    assert.ok(isAlive(job.helper))
    job.send({ type: 'cancel', reason: 'enough' })
    assert.equal(result(await job.ended), 'SIGINT')
    await launcher.stop()
  })

  it('an old zygote that goes takes nothing from the jobs of the new one', async () => {
    const launcher = forkLauncher(app(), noFallback)
    await launcher.start()
    const [, first] = (await resultOf(launcher, 'Where')) as [number, number]
    const begun = testSignal()
    const old = launch(launcher, 'Waits', [], (message) => message.type === 'started' && begun.fire())
    await begun.fired
    await launcher.reload()
    const job = await startHelper(launcher)
    old.send({ type: 'cancel', reason: 'enough' })
    await old.ended
    await eventually(() => !isAlive(first), { what: 'the old zygote to be gone' })
    job.send({ type: 'cancel', reason: 'enough' })
    assert.equal(result(await job.ended), 'SIGINT')
    await launcher.stop()
  })

  it('an old zygote goes when the new application must not be forked', async () => {
    const source = app()
    const launcher = forkLauncher(source)
    await launcher.start()
    const [, zygote] = (await resultOf(launcher, 'Where')) as [number, number]
    mkdirSync(join(source.root, 'config'))
    writeFileSync(join(source.root, 'config/hooks.ts'), 'export async function beforeFork() {}')
    await launcher.reload()
    assert.match(launcher.refusal?.reason ?? '', /async/)
    await eventually(() => !isAlive(zygote), { what: `zygote ${zygote} to be gone` })
    await launcher.stop()
  })

  it('a zygote that dies while the application is loaded anew brings no old code back', async () => {
    const source = app({ 'loading/.keep': '', 'loaded/.keep': '', 'config/.keep': '' })
    const [loading, loaded] = [join(source.root, 'loading/'), join(source.root, 'loaded/')]
    writeFileSync(
      join(source.root, 'config/preload.ts'),
      `import { existsSync, writeFileSync } from 'node:fs'
      writeFileSync(${JSON.stringify(loading)} + process.pid, '')
      while (!existsSync(${JSON.stringify(loaded)} + process.pid)) await new Promise((resolve) => setTimeout(resolve, 10))`,
    )
    const seen = new Set(['.keep'])
    /** The pid of the next process that loads the application; it waits until it may go on. */
    const nextLoading = (): Promise<string> =>
      eventually(() => readdirSync(loading).find((pid) => !seen.has(pid)), {
        what: 'a process that loads the application',
      }).then((pid) => (seen.add(pid), pid))
    const goOn = (pid: string): void => writeFileSync(loaded + pid, '')
    const version = async (): Promise<unknown> => ((await resultOf(launcher, 'Where')) as [number, number])[0]
    const launcher = forkLauncher(source, noFallback)
    const started = launcher.start()
    const old = await nextLoading()
    goOn(old)
    await started
    writeFileSync(join(source.root, 'src/jobs/all.ts'), jobs(2))
    const reloaded = launcher.reload()
    const fresh = await nextLoading()
    process.kill(Number(old), 'SIGKILL')
    const replacement = await nextLoading()
    goOn(fresh)
    await reloaded
    assert.equal(await version(), 2)
    goOn(replacement)
    await eventually(() => !isAlive(Number(replacement)), { what: 'the replacement of the old zygote to be gone' })
    assert.equal(await version(), 2)
    await launcher.stop()
  })
})

// Trouble around the zygote: stalls of the supervisor, helpers of the application, places that cannot be used.
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import type { ForkOptions } from '../../../runtime/worker/launchers/fork/fork-options.ts'
import type { Refusal } from '../../../runtime/worker/launchers/fork/zygote/core/preflight-platform.ts'
import { leavesNoProcess } from '../../support/process.ts'
import { isAlive, testSignal } from '../../support/signal.ts'
import { eventually } from '../../support/wait.ts'
import { forkLauncher, launch, noFallback, resultOf, writeApp } from './support.ts'
import { jobs } from './trouble-jobs.ts'

leavesNoProcess()

const app = (more: Record<string, string> = {}): ReturnType<typeof writeApp> =>
  writeApp({ 'src/jobs/all.ts': jobs(1), ...more })

const scratch = mkdtempSync(join(tmpdir(), 'resque-runtime-trouble-'))
after(() => rmSync(scratch, { recursive: true, force: true }))

/** Keeps this event loop from everything, as a slow disk or a frozen container does. */
function standStill(ms: number): void {
  const end = performance.now() + ms
  while (performance.now() < end);
}

describe('fork: a supervisor that stands still', () => {
  it('runs no job twice that ended meanwhile', async () => {
    const launcher = forkLauncher(app({ 'config/hooks.ts': 'export function beforeFork() {}' }), noFallback)
    await launcher.start()
    const file = join(scratch, 'ran')
    for (let round = 0; round < 12; round += 1) {
      const job = launch(launcher, 'Notes', [file])
      // Until after the process has ended, in that phase of the event loop in which its end was heard.
      const pause = setInterval(() => setImmediate(() => standStill(80)), 5)
      assert.equal((await job.ended).outcome?.kind, 'done')
      clearInterval(pause)
    }
    assert.equal(readFileSync(file, 'utf8'), 'ran '.repeat(12))
    await launcher.stop()
  })

  it('kills no job that has said that it began', async () => {
    const launcher = forkLauncher(app(), { ...noFallback, startedTimeoutMs: 150 })
    await launcher.start()
    const file = join(scratch, 'began')
    // The process that is forked ahead has its line by the end of a job that takes longer.
    await resultOf(launcher, 'Sleeps')
    const job = launch(launcher, 'Begins', [file])
    setImmediate(() => {
      for (let waits = 0; waits < 500 && !existsSync(file); waits += 1) standStill(10)
      standStill(200)
    })
    const ending = await job.ended
    assert.deepEqual([ending.signal, ending.outcome?.kind], [null, 'done'])
    await launcher.stop()
  })
})

describe('fork: what the application started while it was loaded', () => {
  const helper = `import { spawn } from 'node:child_process'
    spawn('sleep', ['1000'], { stdio: 'inherit' }).unref()`

  it('keeps nobody from seeing the end of its zygote', async () => {
    const launcher = forkLauncher(app({ 'config/preload.ts': helper }), noFallback)
    await launcher.start()
    const [, zygote] = (await resultOf(launcher, 'Where')) as [number, number]
    const begun = testSignal()
    const job = launch(launcher, 'Waits', [], (message) => message.type === 'started' && begun.fire())
    await begun.fired
    process.kill(zygote, 'SIGKILL')
    assert.equal((await job.ended).signal, 'SIGKILL')
    assert.notEqual(((await resultOf(launcher, 'Where')) as [number, number])[1], zygote)
    await launcher.stop()
  })

  it('keeps nobody from hearing that it cannot be loaded', async () => {
    const launcher = forkLauncher(app({ 'config/preload.ts': `${helper}\nthrow new Error('not today')` }), noFallback)
    await assert.rejects(launcher.start(), /not today/)
  })
})

describe('fork: an end', () => {
  it('is told to exit listeners, whoever calls for it', async () => {
    const launcher = forkLauncher(app(), noFallback)
    await launcher.start()
    const file = join(scratch, 'exits')
    await resultOf(launcher, 'Listens', file)
    assert.equal(readFileSync(file, 'utf8'), 'exit 0')
    await launcher.stop()
  })

  it('takes the line along that a stranger still holds: what that prints is no other job’s', async () => {
    const launcher = forkLauncher(app(), noFallback)
    await launcher.start()
    const pid = Number(await resultOf(launcher, 'LeavesStranger'))
    for (let round = 0; round < 3; round += 1)
      assert.deepEqual((await launch(launcher, 'Sleeps').ended).output, [], 'a job that prints nothing')
    await eventually(() => !isAlive(pid), { what: 'it to find nobody who listens' })
    await launcher.stop()
  })
})

describe('fork: places and settings that keep from forking, or do not', () => {
  async function startedWith(source: ReturnType<typeof writeApp>, more: Partial<ForkOptions> = {}): Promise<Refusal[]> {
    const told: Refusal[] = []
    const launcher = forkLauncher(source, { onFallback: (refusal) => told.push(refusal), ...more })
    await launcher.start()
    assert.equal(((await resultOf(launcher, 'Where')) as [number, number])[0], 1)
    await launcher.stop()
    return told
  }
  async function withEnvironment<T>(name: string, value: string, act: () => Promise<T>): Promise<T> {
    const before = process.env[name]
    process.env[name] = value
    try {
      return await act()
    } finally {
      if (before === undefined) delete process.env[name]
      else process.env[name] = before
    }
  }

  it('a .runtime that cannot be written: spawned, with the reason', async () => {
    const [refusal] = await startedWith(app({ '.runtime': 'a file' }))
    assert.match(refusal?.reason ?? '', /forking could not be prepared: .*\.runtime/)
    assert.match(refusal?.cure ?? '', /SIGHUP/)
  })

  it('a folder for temporary files that is too deep for a socket: forked all the same', async () => {
    const deep = join(scratch, 'x'.repeat(90))
    mkdirSync(deep)
    assert.deepEqual(await withEnvironment('TMPDIR', deep, () => startedWith(app())), [])
  })

  it('a module of NODE_OPTIONS that prints: forked all the same', async () => {
    const loud = join(scratch, 'loud.cjs')
    writeFileSync(loud, 'console.log("loaded")')
    assert.deepEqual(await withEnvironment('NODE_OPTIONS', `-r ${loud}`, () => startedWith(app())), [])
  })

  it('TypeScript of a package beside the application: spawned, and the file is named', async () => {
    const shared = join(scratch, 'shared')
    mkdirSync(join(shared, 'src'), { recursive: true })
    writeFileSync(join(shared, 'package.json'), '{"name":"shared","type":"module","exports":"./src/index.ts"}')
    writeFileSync(join(shared, 'src/index.ts'), 'export const one: number = 1')
    const source = app({ 'src/jobs/uses.ts': "import { one } from 'shared'\nexport const kept = one" })
    symlinkSync(shared, join(source.root, 'node_modules/shared'))
    const [refusal] = await startedWith(source)
    assert.match(refusal?.reason ?? '', /shared\/src\/index\.ts is TypeScript outside/)
  })
})

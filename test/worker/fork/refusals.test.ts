// Applications and places that must not be forked: each is refused by name, with a cure, and its jobs run all the same.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { buildSync } from 'esbuild'
import { machine, untestedHere, untestedNode } from '../../../config/machine.ts'
import { silentLogger } from '../../../runtime/core/logger.ts'
import {
  refuseFlags,
  refusePlatform,
  type Refusal,
} from '../../../runtime/worker/launchers/fork/zygote/core/preflight-platform.ts'
import { leavesNoProcess, ROOT } from '../../support/process.ts'
import { testSignal } from '../../support/signal.ts'
import { eventually } from '../../support/wait.ts'
import { forkLauncher, launch, noFallback, resultOf, writeApp } from './support.ts'

leavesNoProcess()

const job = `
import { Job } from 'resque-runtime'
export class Works extends Job { async perform(): Promise<string> { return 'worked' } }`
const waits = `
import { Job } from 'resque-runtime'
export class Waits extends Job {
  async perform(): Promise<void> { await new Promise((resolve) => this.signal.addEventListener('abort', resolve)) }
}`

/** How many processes of `spawn` there are: children of this one with its entry on their command line. */
function jobProcesses(): number {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(' ').filter(Boolean)
  return children.filter((pid) =>
    /spawn-child\.js|resque-[\d.]+: (Performing|Processing)/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8')),
  ).length
}

/** Starts the application, runs a job, and gives what was said of forking. */
async function refusalOf(files: Record<string, string>): Promise<Refusal[]> {
  const told: Refusal[] = []
  const launcher = forkLauncher(writeApp({ 'src/jobs/works.ts': job, ...files }), {
    onFallback: (refusal) => told.push(refusal),
  })
  try {
    const manifest = await launcher.start()
    assert.deepEqual(
      manifest.classes.map(({ name }) => name),
      ['Works'],
    )
    assert.equal(await resultOf(launcher, 'Works'), 'worked')
    assert.equal(await resultOf(launcher, 'Works'), 'worked')
    return told
  } finally {
    await launcher.stop()
  }
}

describe('fork: refused, and spawned instead', () => {
  it('an application that starts a Worker while it is loaded: its line is named', async () => {
    const [refusal, ...more] = await refusalOf({
      'config/preload.ts': `import { Worker } from 'node:worker_threads'

        const worker = new Worker('setInterval(() => {}, 1000)', { eval: true })
        worker.unref()
        await new Promise((resolve) => worker.once('online', resolve))`,
    })
    assert.match(
      refusal?.reason ?? '',
      /started \d+ threads? \("(node|WorkerThread)", started by new Worker in \S*config\/preload\.ts:3\)/,
    )
    assert.match(refusal?.cure ?? '', /afterFork/)
    assert.deepEqual(more, [])
  })

  it('an application that registers loader hooks: the thread of tsx is named', async () => {
    const [refusal] = await refusalOf({
      'config/preload.ts': `import { register } from 'node:module'
        register('data:text/javascript,export {}')`,
    })
    assert.match(refusal?.reason ?? '', /module\.register in \S*config\/preload\.ts:2/)
  })

  it('an error of the application that nothing catches: its message and line, and what connected', async () => {
    const [refusal] = await refusalOf({
      'config/preload.ts': `import { createServer, connect } from 'node:net'
        const server = createServer().listen(0, '127.0.0.1')
        server.on('listening', () => connect((server.address() as any).port, '127.0.0.1').on('error', () => undefined))
        setInterval(() => { if ((globalThis as any).pid !== process.pid) throw new RangeError('too late') }, 1)
        Object.assign(globalThis, { pid: process.pid })`,
    })
    assert.match(
      refusal?.reason ?? '',
      /RangeError: too late, which nothing catches \(\S*preload\.ts:4\).*opened a server in \S*preload\.ts:2, a connection in \S*preload\.ts:3/,
    )
    assert.match(refusal?.cure ?? '', /afterFork/)
  })

  it('an application that only a loader can load: CommonJS in a package of modules', async () => {
    const [refusal, ...more] = await refusalOf({
      'config/preload.ts': `import helper from './helper'
        if (helper.value !== 1) throw new Error('wrong helper')`,
      'config/helper.ts': 'module.exports = { value: 1 }',
    })
    assert.match(refusal?.reason ?? '', /with a TypeScript loader only.*config\/preload\.ts: cannot be loaded: /)
    assert.deepEqual(more, [])
  })

  it('an async beforeFork hook', async () => {
    const [refusal] = await refusalOf({ 'config/hooks.ts': 'export async function beforeFork() {}' })
    assert.match(refusal?.reason ?? '', /beforeFork is an async function/)
  })
})

it('fork: an application that is repaired is forked after a reload', async (t) => {
  const files = { 'src/jobs/works.ts': job, 'src/jobs/waits.ts': waits }
  const source = writeApp({ ...files, 'config/hooks.ts': 'export async function beforeFork() {}' })
  const launcher = forkLauncher(source)
  t.after(() => launcher.stop())
  await launcher.start()
  assert.match(launcher.refusal?.reason ?? '', /async/)
  writeFileSync(join(source.root, 'config/hooks.ts'), 'export function beforeFork() {}')
  const begun = testSignal()
  const spawned = launch(launcher, 'Waits', [], (message) => message.type === 'started' && begun.fire())
  await begun.fired
  await launcher.reload()
  assert.equal(launcher.refusal, undefined)
  assert.equal(await resultOf(launcher, 'Works'), 'worked')
  assert.ok(jobProcesses() >= 2, 'the job that runs, and those that are ready')
  spawned.send({ type: 'cancel', reason: 'enough' })
  assert.equal((await spawned.ended).outcome?.kind, 'done')
  await eventually(() => jobProcesses() === 0, { what: 'the spawned processes that waited to be gone' })
})

describe('fork: preflight checks', () => {
  it('forks on linux x64 and arm64 with glibc, whatever the version of Node; musl is refused with the image to use', (t) => {
    let [os, arch, node] = ['linux', 'x64', 'v27.0.0']
    t.mock.method(machine, 'os', () => os)
    t.mock.method(machine, 'arch', () => arch)
    t.mock.method(machine, 'node', () => node)
    for (arch of ['x64', 'arm64']) assert.equal(refusePlatform(), undefined)
    assert.match(untestedHere().join(), /on arm64, where forking was tested under emulation of the processor only/)
    for ([os, arch] of [
      ['darwin', 'arm64'],
      ['win32', 'x64'],
      ['linux', 'ppc64'],
    ] as const)
      assert.match(refusePlatform()?.reason ?? '', new RegExp(`linux x64 and arm64 only, this is ${os} ${arch}`))
    ;[os, arch, node] = ['linux', 'x64', 'v22.12.0']
    t.mock.method(machine, 'file', () => '7f0-7f1 r-xp 0 08:01 1  /lib/ld-musl-x86_64.so.1\n')
    assert.match(refusePlatform()?.cure ?? '', /node:22-slim/)
  })

  it('says so when it forks on a version of Node that was not tested', async (t) => {
    for (const version of ['v20.19.0', 'v22.12.0', 'v24.0.0', 'v26.1.0']) assert.deepEqual(untestedNode(version), [])
    t.mock.method(machine, 'node', () => 'v27.1.0')
    const warnings: string[] = []
    const log = { ...silentLogger, warn: (message: string) => void warnings.push(message) }
    const launcher = forkLauncher(writeApp({ 'src/jobs/works.ts': job }), { ...noFallback, log })
    try {
      await launcher.start()
      assert.equal(await resultOf(launcher, 'Works'), 'worked')
    } finally {
      await launcher.stop()
    }
    assert.match(warnings.join(), /Node v27\.1\.0, on which forking was not tested .*isolation: spawn/)
  })

  it('refuses loader hooks and the inspector in NODE_OPTIONS', () => {
    assert.match(refuseFlags({ NODE_OPTIONS: '--max-old-space-size=100 --import tsx' })?.reason ?? '', /--import/)
    assert.match(refuseFlags({ NODE_OPTIONS: '--import ./tracing.mjs' })?.cure ?? '', /--require/)
    assert.match(refuseFlags({ NODE_OPTIONS: '--inspect=0' })?.reason ?? '', /--inspect/)
    assert.equal(refuseFlags({ NODE_OPTIONS: '--max-old-space-size=100' }), undefined)
    assert.equal(refuseFlags({}), undefined)
  })

  /** Runs a few lines with the zygote's modules in a node of its flags; built, since a loader would be a thread. */
  const inZygote = (lines: string, ...flags: string[]): string => {
    const contents = `
      import { giveOwnIdentity } from './child-identity/child-identity.ts'
      import { refuseState, tryFork } from './core/preflight.ts'
      import { disablePlatformWorkers, platformFault } from './core/node-platform.ts'
      import { forkSide } from './core/fork-side.ts'
      import { listThreads } from './core/threads.ts'
      const none = { threads: [], natives: [], connections: [] }
      ${lines}
      process.exit(0)`
    const resolveDir = join(ROOT, 'runtime/worker/launchers/fork/zygote')
    const program = buildSync({
      stdin: { contents, resolveDir, loader: 'ts' },
      bundle: true,
      write: false,
      platform: 'node',
      format: 'esm',
      packages: 'external',
    }).outputFiles[0]?.text
    const { stdout, stderr } = spawnSync(process.execPath, [...flags, '--input-type=module', '--eval', program ?? ''], {
      encoding: 'utf8',
    })
    assert.equal(stderr, '')
    return stdout.trim()
  }

  it('sees by structure that the workers of the platform were not taken out (planted)', () => {
    const missing = inZygote('console.log((await refuseState(listThreads(), none))?.reason)', '--single-threaded')
    assert.match(missing, /3 slots of V8's platform still lead to worker threads/)
    const present = inZygote(
      'disablePlatformWorkers(); await (await import("node:fs/promises")).stat("/"); console.log((await refuseState(listThreads(), none))?.reason)',
      '--single-threaded',
    )
    assert.equal(present, 'undefined')
  })

  it('sees by a trial fork that a child hangs, and where (planted)', () => {
    const hung = inZygote(
      `disablePlatformWorkers()
      giveOwnIdentity()
      console.log((await tryFork(() => { forkSide.child = true }, () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0), none, 1))?.reason)`,
      '--single-threaded',
    )
    assert.equal(hung, 'the trial fork failed: it hung while collecting garbage')
  })
})

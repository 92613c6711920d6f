// What an application may be made of, seen from inside a forked job.
import assert from 'node:assert/strict'
import { existsSync, readdirSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { ForkLauncher } from '../../../runtime/worker/launchers/fork/fork.ts'
import { leavesNoProcess } from '../../support/process.ts'
import { testSignal } from '../../support/signal.ts'
import { forkLauncher, launch, noFallback, resultOf, writeApp } from './support.ts'

leavesNoProcess()

const everything = `
import { Job } from 'resque-runtime'
import { shout } from '~/lib/shout'
import data from '../lib/data.json'
enum Color { Red = 1 }
function decorated(target: any): any { target.decorated = true; return target }

@decorated
export class Everything extends Job {
  static seenName = Everything.name
  constructor(private readonly given: number = 3) { super() }
  async perform(what: string): Promise<unknown> {
    switch (what) {
      case 'lazy': return (await import('../lib/lazy.ts')).lazy
      case 'lazy js': return (await import('../lib/lazy.js')).lazy
      case 'computed': return (await import(\`../lib/\${'lazy'}.ts\`)).lazy
      case 'top-level await': return (await import('../lib/waits.ts')).value
      case 'builtin': return typeof (await import('node:dgram')).createSocket
      case 'package': return typeof (await import('resque-runtime')).Job
      case 'url': return import.meta.url
      case 'directory': return __dirname
      case 'syntax': return [Everything.name, Everything.seenName, (Everything as any).decorated, Color.Red, this.given]
      case 'paths': return [shout('a'), data.a]
    }
    throw new TypeError('here')
  }
}`

const app = {
  'tsconfig.json': '{"compilerOptions":{"experimentalDecorators":true,"paths":{"~/*":["./src/*"]}}}',
  'src/jobs/everything.ts': everything,
  'src/lib/shout.ts': 'export const shout = (text: string): string => text.toUpperCase()',
  'src/lib/data.json': '{"a":1}',
  'src/lib/lazy.ts': 'export const lazy = "lazy" as string',
  'src/lib/waits.ts': 'export const value: number = await Promise.resolve(42)',
}

describe('fork: an application of TypeScript modules', () => {
  const source = writeApp(app)
  let launcher: ForkLauncher
  before(async () => {
    launcher = forkLauncher(source, noFallback)
    await launcher.start()
  })
  after(() => launcher.stop())

  const expected: Record<string, unknown> = {
    lazy: 'lazy',
    'lazy js': 'lazy',
    computed: 'lazy',
    'top-level await': 42,
    builtin: 'function',
    package: 'function',
    url: `file://${source.root}/src/jobs/everything.ts`,
    directory: join(source.root, 'src/jobs'),
    syntax: ['Everything', 'Everything', true, 1, 3],
    paths: ['A', 1],
  }
  for (const [what, value] of Object.entries(expected)) {
    it(`has ${what}, each time anew`, async () => {
      const results = await Promise.all([1, 2, 3].map(() => resultOf(launcher, 'Everything', what)))
      assert.deepEqual(results, [value, value, value])
    })
  }

  it('has stack lines of the sources', async () => {
    const { outcome } = await launch(launcher, 'Everything', ['throw']).ended
    assert.ok(outcome?.kind === 'failed')
    const line = everything.split('\n').findIndex((text) => text.includes("TypeError('here')")) + 1
    assert.ok(
      outcome.error.backtrace[0]?.includes(`${source.root}/src/jobs/everything.ts:${line}:`),
      outcome.error.backtrace[0],
    )
  })
})

const told = `
import { Job } from 'resque-runtime'
export class Told extends Job {
  async perform(): Promise<unknown> { return (globalThis as any).told }
}`

it('fork: runs preload, beforeFirstFork once, beforeFork before each job and afterFork in it', async () => {
  const launcher = forkLauncher(
    writeApp({
      'src/jobs/told.ts': told,
      // No static import, no export: still a module, and what it computes is found.
      'config/preload.ts': 'const path = "../src/lib/list.ts"; (globalThis as any).told = (await import(path)).list',
      'src/lib/list.ts': 'export const list: string[] = ["preload"]',
      'config/hooks.ts': `const told = (globalThis as any).told
        export async function beforeFirstFork() { await null; told.push('first') }
        export function beforeFork(job: { class: string }) { told.push('before ' + job.class) }
        export async function afterFork(job: { class: string }) { await null; told.push('after ' + job.class) }`,
    }),
    noFallback,
  )
  await launcher.start()
  assert.deepEqual(await resultOf(launcher, 'Told'), ['preload', 'first', 'before Told', 'after Told'])
  assert.deepEqual(await resultOf(launcher, 'Told'), ['preload', 'first', 'before Told', 'before Told', 'after Told'])
  await launcher.stop()
})

it('fork: a beforeFork hook that throws fails its job, and no other', async () => {
  const launcher = forkLauncher(
    writeApp({
      'src/jobs/told.ts': told,
      'config/hooks.ts':
        'let calls = 0; export function beforeFork() { calls += 1; if (calls === 1) throw new RangeError("no more") }',
    }),
    noFallback,
  )
  await launcher.start()
  const { outcome } = await launch(launcher, 'Told').ended
  assert.ok(outcome?.kind === 'failed')
  assert.deepEqual([outcome.error.name, outcome.error.message], ['RangeError', 'no more'])
  assert.equal(await resultOf(launcher, 'Told'), undefined)
  await launcher.stop()
})

it('fork: an application that is reached through a symbolic link', async () => {
  const { root } = writeApp({
    'src/jobs/told.ts': told,
    'config/preload.ts': '(globalThis as any).told = import.meta.url',
  })
  const link = `${root}-link`
  symlinkSync(root, link)
  const launcher = forkLauncher({ root: link, paths: ['src/jobs'] }, noFallback)
  await launcher.start()
  assert.equal(await resultOf(launcher, 'Told'), `file://${root}/config/preload.ts`)
  await launcher.stop()
  unlinkSync(link)
})

const versioned = (version: number): string => `
import { Job } from 'resque-runtime'
import { setTimeout as sleep } from 'node:timers/promises'
export class Versioned extends Job {
  async perform(ms: number): Promise<unknown> {
    if (ms > 0) await new Promise((resolve) => this.signal.addEventListener('abort', resolve))
    return [${version}, (await import('../lib/late.ts')).late]
  }
}`

describe('fork: an application that changes', () => {
  const source = writeApp({ 'src/jobs/versioned.ts': versioned(1), 'src/lib/late.ts': 'export const late = "late 1"' })
  const launcher = forkLauncher(source, noFallback)
  before(() => launcher.start())
  after(() => launcher.stop())

  it('runs the new one after a reload, while running jobs finish on the old', async () => {
    const started = testSignal()
    const running = launch(launcher, 'Versioned', [1], (message) => message.type === 'started' && started.fire())
    await started.fired
    writeFileSync(join(source.root, 'src/jobs/versioned.ts'), versioned(2))
    writeFileSync(join(source.root, 'src/lib/late.ts'), 'export const late = "late 2"')
    await launcher.reload()
    assert.deepEqual(await resultOf(launcher, 'Versioned', 0), [2, 'late 2'])
    running.send({ type: 'cancel', reason: 'enough' })
    const { outcome } = await running.ended
    assert.deepEqual(outcome, { kind: 'done', result: '[1,"late 1"]' })
  })

  it('keeps the old one when the new one cannot be built, and says where', async () => {
    writeFileSync(join(source.root, 'src/jobs/versioned.ts'), '\nexport class { }')
    await assert.rejects(launcher.reload(), { code: 'ERR_APP_LOAD', message: /versioned\.ts:2:14: / })
    assert.deepEqual(await resultOf(launcher, 'Versioned', 0), [2, 'late 2'])
  })

  it('keeps the old one when the new one cannot be loaded, and says where', async () => {
    writeFileSync(join(source.root, 'src/jobs/versioned.ts'), '\nthrow new Error("not today")\nexport {}')
    await assert.rejects(launcher.reload(), {
      code: 'ERR_APP_LOAD',
      message: /versioned\.ts.*not today.*versioned\.ts:2/,
    })
    assert.deepEqual(await resultOf(launcher, 'Versioned', 0), [2, 'late 2'])
  })

  it('leaves no build behind', async () => {
    await launcher.stop()
    const builds = join(source.root, '.runtime/build')
    assert.deepEqual(existsSync(builds) ? readdirSync(builds) : [], [])
  })
})

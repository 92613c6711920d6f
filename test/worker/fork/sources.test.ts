// What an application may be written in: CommonJS, JSX, decorators that want types.
import assert from 'node:assert/strict'
import { readdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'node:test'
import { silentLogger } from '../../../runtime/core/logger.ts'
import type { AppSource } from '../../../runtime/jobs/app.ts'
import type { Launcher } from '../../../runtime/worker/launchers/launcher.ts'
import { SpawnLauncher } from '../../../runtime/worker/launchers/spawn/spawn.ts'
import { leavesNoProcess, ROOT } from '../../support/process.ts'
import { forkLauncher, launch, noFallback, resultOf, writeApp } from './support.ts'

leavesNoProcess()

const commonJs = {
  'package.json': '{"name":"app"}',
  'tsconfig.json': '{"compilerOptions":{"paths":{"~/*":["./src/*"]}}}',
  'config/preload.ts': `import { count } from '../src/lib/shared'
    count.value += 1
    Object.assign(globalThis, { preloaded: [__filename, require.resolve('resque-runtime/package.json')] })`,
  'config/hooks.cts': 'exports.afterFork = () => Object.assign(globalThis, { born: true })',
  'src/jobs/plain.js': `const { Job } = require('resque-runtime')
    const { count } = require('~/lib/shared')
    const shared = require('../lib/' + 'shared')
    exports.Plain = class Plain extends Job {
      async perform() {
        const esm = await import('../lib/waits')
        return [count.value, shared.count === count, globalThis.preloaded, globalThis.born, esm.value, require('../lib/data.json').a]
      }
    }`,
  'src/jobs/typed.cts': `import { Job } from 'resque-runtime'
    import helper = require('../lib/helper')
    import last, { first } from '../lib/names'
    class Typed extends Job { async perform(): Promise<unknown> { return [helper.name, last, first, __dirname] } }
    export { Typed }`,
  'src/jobs/waiting.ts': `import { Job } from 'resque-runtime'
    import * as middle from '../lib/middle'
    import plain, { named } from 'plain'
    export class Waiting extends Job {
      async perform(fail: boolean): Promise<unknown> {
        if (fail) throw new TypeError('here')
        return [middle.value, middle.twice(), middle.default.name, plain, named, require.resolve('../lib/waits') !== '', __filename]
      }
    }`,
  'src/lib/middle.ts': `import { value } from './waits'
    import './waits'
    export * from './waits'
    export const twice = (): number => value * 2
    export default class Middle {}`,
  'node_modules/plain/package.json': '{"name":"plain"}',
  'node_modules/plain/index.js': 'exports.__esModule = true; exports.default = "default"; exports.named = "named"',
  'src/lib/shared.ts': 'export const count = { value: 0 }',
  'src/lib/helper.ts': 'const helper = { name: "helper" as string }; export = helper',
  'src/lib/names.ts': 'export const first: string = "first"; export default "last"',
  'src/lib/waits.ts': 'export const value: number = await Promise.resolve(42)',
  'src/lib/data.json': '{"a":1}',
}

it('fork: an application of CommonJS, one copy of each module', async () => {
  const source = writeApp(commonJs)
  const launcher = forkLauncher(source, noFallback)
  await launcher.start()
  try {
    const preloaded = [join(source.root, 'config/preload.ts'), join(ROOT, 'package.json')]
    assert.deepEqual(await resultOf(launcher, 'Plain'), [1, true, preloaded, true, 42, 1])
    assert.deepEqual(await resultOf(launcher, 'Typed'), ['helper', 'last', 'first', join(source.root, 'src/jobs')])
    // A file that imports, by way of another, one with top-level await.
    const waiting = [42, 84, 'Middle', 'default', 'named', true, join(source.root, 'src/jobs/waiting.ts')]
    assert.deepEqual(await resultOf(launcher, 'Waiting', false), waiting)
    const { outcome } = await launch(launcher, 'Waiting', [true]).ended
    assert.ok(outcome?.kind === 'failed')
    assert.match(outcome.error.backtrace[0] ?? '', /src\/jobs\/waiting\.ts:6:/)
  } finally {
    await launcher.stop()
  }
})

const injected = {
  'tsconfig.json':
    '{"compilerOptions":{"experimentalDecorators":true,"emitDecoratorMetadata":true,"jsx":"preserve","jsxImportSource":"view"}}',
  'node_modules/view/package.json': '{"name":"view","exports":{"./jsx-runtime":"./jsx.cjs"}}',
  'node_modules/view/jsx.cjs': 'exports.jsx = (type, props) => ({ type, props })',
  'src/jobs/injected.ts': `import { Job } from 'resque-runtime'
    import { Engine } from '../lib/engine'
    const types: unknown[] = []
    Object.assign(Reflect, { metadata: (key: string, value: unknown[]) => () => { if (key === 'design:paramtypes') types.push(...value) } })
    const injectable = (_target: unknown): void => undefined
    @injectable
    class Car { constructor(readonly engine: Engine, readonly seats: number) {} }
    export class Injected extends Job {
      async perform(fail: boolean): Promise<unknown> {
        if (fail) throw new TypeError('here')
        return [Car.name, types[0] === Engine, types[1] === Number]
      }
    }`,
  'src/lib/engine.ts': 'export class Engine {}',
  'src/jobs/page.tsx': `import { Job } from 'resque-runtime'
    export class Page extends Job { async perform(): Promise<unknown> { return <p id="a">b</p> } }`,
  'src/jobs/page.test.tsx': 'throw new Error("a test")',
}

const spawner = (source: AppSource): Launcher =>
  new SpawnLauncher({ source, log: silentLogger, spares: 1, bootTimeoutMs: 30_000 })

for (const [kind, packageJson, makeLauncher] of [
  ['spawn: modules', '{"name":"app","type":"module"}', spawner],
  ['fork: CommonJS', '{"name":"app"}', (source: AppSource) => forkLauncher(source, noFallback)],
] as const) {
  it(`${kind}: decorators have the types that tsconfig.json asks for, and JSX is compiled`, async () => {
    const source = writeApp({ ...injected, 'package.json': packageJson })
    symlinkSync(join(ROOT, 'node_modules/typescript'), join(source.root, 'node_modules/typescript'))
    const launcher = makeLauncher(source)
    try {
      const { classes } = await launcher.start()
      assert.deepEqual(
        classes.map(({ name }) => name),
        ['Injected', 'Page'],
      )
      assert.deepEqual(await resultOf(launcher, 'Injected', false), ['Car', true, true])
      assert.deepEqual(await resultOf(launcher, 'Page'), { type: 'p', props: { id: 'a', children: 'b' } })
      const { outcome } = await launch(launcher, 'Injected', [true]).ended
      assert.ok(outcome?.kind === 'failed')
      assert.match(outcome.error.backtrace[0] ?? '', /src\/jobs\/injected\.ts:10:/)
    } finally {
      await launcher.stop()
    }
    assert.deepEqual(readdirSync(join(source.root, '.runtime/build')), [])
  })
}

it('fork: an application that asks for the types of what is decorated, without a compiler, is refused by that name', async () => {
  const launcher = forkLauncher(writeApp(injected), noFallback)
  await assert.rejects(launcher.start(), {
    code: 'ERR_APP_LOAD',
    message: /injected\.ts: its tsconfig\.json asks for emitDecoratorMetadata.*typescript or @swc\/core/,
  })
  await launcher.stop()
})

it('fork: CommonJS that was written as such and requires what only ESM can say is refused by name', async () => {
  const launcher = forkLauncher(
    writeApp({ ...commonJs, 'src/jobs/late.js': "module.exports = { value: require('../lib/middle').value }" }),
    noFallback,
  )
  await assert.rejects(launcher.start(), {
    code: 'ERR_APP_LOAD',
    message:
      /src\/jobs\/late\.js is CommonJS .* requires .*src\/lib\/waits\.ts by way of .*middle\.ts.*await import\(\)/,
  })
  await launcher.stop()
})

it('spawn: a file with top-level await in an application of CommonJS', async () => {
  const launcher = spawner(
    writeApp({
      'package.json': '{"name":"app"}',
      'src/jobs/waits.ts': `import { Job } from 'resque-runtime'
        import { value } from '../lib/waits'
        export class Waits extends Job { async perform() { return value } }`,
      'src/lib/waits.ts': 'export const value: number = await Promise.resolve(42)',
    }),
  )
  try {
    await launcher.start()
    assert.equal(await resultOf(launcher, 'Waits'), 42)
  } finally {
    await launcher.stop()
  }
})

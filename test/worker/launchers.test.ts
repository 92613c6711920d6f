// Runs with the TypeScript loader: the inline launcher loads the application into this process, from source.
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import nodeModule from 'node:module'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { silentLogger } from '../../runtime/core/logger.ts'
import { InlineLauncher } from '../../runtime/worker/launchers/inline.ts'
import { SpawnLauncher } from '../../runtime/worker/launchers/spawn/spawn.ts'
import { contractApp, launcherContract } from '../contracts/launcher.contract.ts'
import { leavesNoProcess } from '../support/process.ts'
import { resultOf, writeApp } from './fork/support.ts'

leavesNoProcess()

const nowhere = { out: () => undefined, err: () => undefined }

launcherContract('inline', () => new InlineLauncher(contractApp), {
  'own process': 'inline runs jobs in the supervisor itself',
  killed: 'inline has no process to kill',
  exits: 'an exit would end the supervisor',
})
launcherContract(
  'spawn',
  () =>
    new SpawnLauncher({
      source: contractApp,
      log: silentLogger,
      spares: 2,
      bootTimeoutMs: 30_000,
      passOutput: nowhere,
    }),
)

describe('spawn: how the application is loaded', () => {
  const job = `
    import nodeModule from 'node:module'
    import { Job } from 'resque-runtime'
    const loadedAtMs = Date.now()
    export class Asks extends Job {
      async perform(): Promise<unknown> {
        return { loadedAtMs, flags: process.execArgv.join(' '), compiled: (nodeModule as any).getCompileCacheDir?.() !== undefined && process.env['NODE_COMPILE_CACHE'] === undefined }
      }
    }`

  /** What a job says of its process. */
  async function asked(
    files: Record<string, string>,
  ): Promise<{ flags: string; compiled: boolean; wasLoaded: boolean }> {
    const source = writeApp({ 'src/jobs/asks.ts': job, ...files })
    const launcher = new SpawnLauncher({
      source,
      log: silentLogger,
      spares: 1,
      bootTimeoutMs: 30_000,
      passOutput: nowhere,
    })
    try {
      await launcher.start()
      const launchedAtMs = Date.now()
      const said = (await resultOf(launcher, 'Asks')) as { flags: string; compiled: boolean; loadedAtMs: number }
      return { ...said, wasLoaded: said.loadedAtMs <= launchedAtMs }
    } finally {
      await launcher.stop()
      assert.deepEqual(readdirSync(join(source.root, '.runtime/build')), [])
    }
  }

  it('TypeScript is built once, so that no process needs a loader, and compiled once where Node can keep that', async () => {
    const { flags, compiled, wasLoaded } = await asked({})
    assert.doesNotMatch(flags, /tsx/)
    assert.ok(wasLoaded, 'before the job came: no boot is part of its time')
    assert.equal(compiled, 'enableCompileCache' in nodeModule)
  })

  it('what only a loader can load is loaded with tsx', async () => {
    const { flags } = await asked({
      'config/preload.ts': `import helper from './helper'
        if (helper.value !== 1) throw new Error('wrong helper')`,
      'config/helper.ts': 'module.exports = { value: 1 }',
    })
    assert.match(flags, /tsx/)
  })
})

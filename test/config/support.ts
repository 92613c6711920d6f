// An application folder of its own for each test, and settings loaded from it.
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach } from 'node:test'
import { loadConfig, type LoadOptions } from '../../config/load.ts'
import type { Config } from '../../config/schema.ts'
import { ConfigError } from '../../config/problems.ts'

/** The folder of the test that runs: absolute, with a package.json. */
export let app: string

/** To be called once per test file. */
export function useApp(): void {
  beforeEach(async () => {
    app = await realpath(await mkdtemp(join(tmpdir(), 'config-')))
    await write('package.json', '{}')
  })
  afterEach(() => rm(app, { recursive: true, force: true }))
}

/** Writes a file of the application. */
export async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(app, path)), { recursive: true })
  await writeFile(join(app, path), text)
}

/** The settings of the application, by default with an empty environment. */
export const load = (options: LoadOptions = {}): Config => loadConfig({ cwd: app, env: {}, ...options })

/** The lines of the error that loading ends in. */
export function problems(options: LoadOptions = {}): readonly string[] {
  try {
    load(options)
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error))
    assert.equal(error.exitCode, 2)
    return error.problems
  }
  return assert.fail('expected a ConfigError, got a configuration')
}

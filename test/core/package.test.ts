// What the package finds by path: its version, and the programs that its processes run.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { builtProgram, packageRoot, version } from '../../runtime/core/package.ts'

test('the version is that of package.json, from the sources and in the built command', () => {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  assert.equal(version, manifest.version)
  const printed = execFileSync(process.execPath, [join(packageRoot, 'bin/runtime.js'), '--version'], {
    encoding: 'utf8',
  })
  assert.equal(printed.trim(), manifest.version)
})

test('the programs that processes run are built under the names that start them', () => {
  for (const name of ['zygote', 'app-build', 'spawn-child'] as const)
    assert.ok(existsSync(builtProgram(name)), `expected ${builtProgram(name)}; script/bundle.ts names what is built`)
})

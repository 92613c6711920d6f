import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { leavesNoProcess, ROOT, startProcess } from '../support/process.ts'

leavesNoProcess()

const json = async (file: string): Promise<any> => JSON.parse(await readFile(ROOT + file, 'utf8'))

describe('the lock file', () => {
  it('names no registry, so that it installs from any', async () => {
    const { packages } = await json('package-lock.json')
    const hosts = Object.entries<any>(packages).filter(([, entry]) => entry.resolved !== undefined)
    assert.deepEqual(hosts, [])
  })

  it('pins what package.json asks for', async () => {
    const manifest = await json('package.json')
    const { packages } = await json('package-lock.json')
    assert.deepEqual(packages[''].dependencies, manifest.dependencies)
    assert.deepEqual(packages[''].devDependencies, manifest.devDependencies)
    for (const name of Object.keys(manifest.dependencies)) assert.ok(packages[`node_modules/${name}`].integrity, name)
  })
})

it('what npm pack ships runs, has types and licences, and leaves sources and tests at home', async () => {
  const packed = await startProcess('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { timeoutMs: 60_000 })
    .exited
  assert.equal(packed.exitCode, 0, packed.stderr)
  const files: string[] = JSON.parse(packed.stdout)[0].files.map((file: { path: string }) => file.path)
  for (const file of ['bin/runtime.js', 'package.json', 'dist/command.js', 'dist/index.js', 'dist/THIRD-PARTY.txt']) {
    assert.ok(files.includes(file), `expected ${file} in the package; is the build there?`)
  }
  for (const file of ['dist/types/runtime/index.d.ts', 'dist/types/runtime/testing/index.d.ts', 'LICENSE']) {
    assert.ok(files.includes(file), `expected ${file} in the package`)
  }
  assert.deepEqual(
    files.filter((file) => /^(test|script|bench|node_modules|\.|(runtime|cli|scheduler|src)\/)/.test(file)),
    [],
  )
})

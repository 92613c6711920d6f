import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { publint } from 'publint'
import { external } from '../../script/externals.ts'
import { stagePackage } from '../../script/package.ts'
import { releasedChangelog } from '../../script/release.ts'
import { ROOT } from '../support/process.ts'

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

describe('what a start loads', () => {
  it('is neither the Redis client nor YAML, logs, TLS, cryptography or promises of files', () => {
    const look = `import(process.argv[1]).then(() => console.log(JSON.stringify(
      [...process.moduleLoadList, ...Object.keys(process.getBuiltinModule('module')._cache)])))`
    const loaded = execFileSync(process.execPath, ['-e', look, join(ROOT, 'dist/index.js')], { encoding: 'utf8' })
    const late = /NativeModule (?:crypto|net|tls|dns|inspector|worker_threads|stream)$|dist\/libraries\/\w+/
    assert.deepEqual(
      (JSON.parse(loaded) as string[]).filter((name) => late.test(name)),
      [],
    )
  })

  it('is one copy for `import` and `require`, also with a loader of TypeScript', () => {
    const look = `const api = await import('resque-runtime')
      const again = process.getBuiltinModule('module').createRequire(${JSON.stringify(`${ROOT}x.js`)})('resque-runtime')
      api.configure({ redis: { url: 'redis://127.0.0.1:1' } })
      const flow = api.workflow(api.task(class A extends api.Job { static queue = 'q' }))
      const error = await flow.run().catch((error) => error)
      console.log(api.RuntimeError === again.RuntimeError, error instanceof api.RuntimeError)
      api.close()`
    for (const loader of [[], ['--import', 'tsx']]) {
      const args = [...loader, '--input-type=module', '-e', look]
      assert.equal(execFileSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' }), 'true true\n', String(loader))
    }
  })

  it('is for a job process four files, and not the store', () => {
    const importsOf = (file: string): string[] =>
      [
        ...readFileSync(join(ROOT, 'dist', file), 'utf8').matchAll(
          /^[^=>\n]*(?: from |= require\()"\.\/([^"]+)"\)?;$/gm,
        ),
      ].map(([, name = '']) => name)
    const all = readdirSync(join(ROOT, 'dist'), { recursive: true, encoding: 'utf8' }).filter((file) =>
      /\.c?js$/.test(file),
    )
    assert.deepEqual(
      all.filter((file) => readFileSync(join(ROOT, 'dist', file), 'utf8').includes('/system.cjs"')).sort(),
      ['spawn-child.js', 'zygote.js'],
      'nothing else loads the system calls',
    )
    const expected = { 'index.js': ['index.cjs'], 'core.cjs': [] } as Record<string, string[]>
    for (const file of ['index.js', 'index.cjs', 'spawn-child.js', 'core.cjs', 'system.cjs'])
      assert.deepEqual(new Set(importsOf(file)), new Set(expected[file] ?? ['core.cjs']), file)
  })

  it('is for a command CommonJS, without the loader of ES modules, `assert` and terminals', () => {
    const look = `process.argv[2] = '--version'
      process.on('exit', () => console.log(process.moduleLoadList.join('\\n')))
      require(${JSON.stringify(join(ROOT, 'bin/runtime.js'))})`
    const loaded = execFileSync(process.execPath, ['-e', look, 'runtime'], { encoding: 'utf8' })
    assert.match(loaded, /^NativeModule stream$/m)
    assert.doesNotMatch(
      loaded,
      /^NativeModule (?:assert|tty|dns|timers\/promises|internal\/modules\/esm\/initialize_import_meta)$/m,
    )
  })
})

describe('the package', () => {
  const folder = stagePackage(mkdtempSync(join(tmpdir(), 'package-')))
  after(() => rmSync(folder, { recursive: true, force: true }))
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<string, any>

  it('has the programs, types and licences, and neither sources nor tests', () => {
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    for (const file of [
      ...[
        'bin/runtime.js',
        'bin/package.json',
        'dist/command.cjs',
        'dist/index.js',
        'dist/libraries/ioredis.cjs',
        'dist/THIRD-PARTY.txt',
        'LICENSE',
      ],
      ...['dist/types/runtime/index.d.ts', 'dist/types/runtime/testing/index.d.ts'],
    ])
      assert.ok(files.includes(file), `expected ${file} in the package; is the build there?`)
    assert.deepEqual(
      files.filter((file) =>
        /^(test|script|bench|node_modules|\.|(runtime|cli|scheduler|src)\/|web\/.*\.ts$)|\.map$/.test(file),
      ),
      [],
    )
    assert.ok(files.length < 540, `expected a small package, got ${files.length} files`)
  })

  it('says in its package.json what holds for users, which publint finds good', async () => {
    assert.deepEqual(Object.keys(manifest['exports']['.']), ['types', 'default'])
    assert.equal(manifest['devDependencies'], undefined)
    const { messages } = await publint({ pkgDir: folder, strict: true })
    assert.deepEqual(messages, [])
  })

  it('depends on what the build leaves out, and on what its types name', async () => {
    const types = await Promise.all(
      readdirSync(join(folder, 'dist/types'), { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.d.ts'))
        .map((file) => readFile(join(folder, 'dist/types', file), 'utf8')),
    )
    const named = types.flatMap((text) => [...text.matchAll(/from '(@?\w[^':]*)'/g)].map(([, name = '']) => name))
    assert.deepEqual(Object.keys(manifest['dependencies']).sort(), [...new Set([...external, ...named])].sort())
  })
})

describe('a release', () => {
  const changelog = '# Changelog\n\n## [Unreleased]\n\n### Fixed\n\n- A fault.\n\n## [0.1.0] - 2026-01-01\n\n- All.\n'

  it('puts what is unreleased under its version', () => {
    const released = releasedChangelog(changelog, '0.2.0', '2026-11-28')
    assert.match(released, /^# Changelog\n\n## \[Unreleased\]\n\n## \[0\.2\.0\] - 2026-11-28\n\n### Fixed\n\n- A fault/)
    assert.match(released, /## \[0\.1\.0\] - 2026-01-01\n\n- All\.\n$/)
  })

  it('is refused without changes, and for a version that is none or that was', () => {
    const released = releasedChangelog(changelog, '0.2.0', '2026-11-28')
    assert.throws(
      () => releasedChangelog(released, '0.3.0', '2026-11-29'),
      /expected changes under "Unreleased", found none/,
    )
    assert.throws(() => releasedChangelog(changelog, '0.1.0', '2026-11-29'), /expected a new version/)
    assert.throws(() => releasedChangelog(changelog, 'next', '2026-11-29'), /expected one such as 0\.2\.0/)
  })
})

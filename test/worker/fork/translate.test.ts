// One source file as JavaScript: which format it gets, where its errors are, and CommonJS as an ES module.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import {
  hasTopLevelAwait,
  isWrittenAsCommonJs,
  translate,
  wrapCommonJs,
  type Translated,
} from '../../../runtime/worker/launchers/fork/app-build/translate.ts'

const folder = mkdtempSync(join(tmpdir(), 'translate-'))
after(() => rmSync(folder, { recursive: true }))
function file(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}
function translated(name: string, text: string): Promise<Translated> {
  const path = file(name, text)
  return translate(path, pathToFileURL(path).href)
}
const formatOf = async (name: string, text: string): Promise<string> => (await translated(name, text)).format

describe('a source file without a declared format', () => {
  it('is CommonJS, unless it has what only an ES module has', async () => {
    assert.equal(await formatOf('plain.ts', 'export const a: number = 1\n'), 'cjs')
    assert.equal(await formatOf('waits.ts', 'export const a = await Promise.resolve(1)\n'), 'esm')
    assert.equal(await formatOf('meta.ts', 'export const a = (import.meta as any).env\n'), 'esm')
    const own = `import { createRequire } from 'node:module'\nconst require = createRequire(import.meta.url)\nexport const a = require('node:fs')\n`
    const { format, usesCommonJs } = await translated('own.ts', own)
    assert.deepEqual([format, usesCommonJs], ['esm', false])
    assert.equal((await translated('uses.ts', `export const a = require('node:fs')\n`)).usesCommonJs, true)
  })

  it('has its own URL and names, and a map to its own path', async () => {
    const { code, map } = await translated('here.ts', 'export const [a, b] = [import.meta.url, import.meta.dirname]\n')
    assert.ok(code.includes(pathToFileURL(join(folder, 'here.ts')).href) && code.includes(JSON.stringify(folder)))
    assert.deepEqual((JSON.parse(map) as { sources: string[] }).sources, [join(folder, 'here.ts')])
  })
})

it('a file that says it is CommonJS and waits is refused; a syntax error has its place', async () => {
  await assert.rejects(translated('bad.cts', 'export const a = await Promise.resolve(1)\n'), {
    message: /bad\.cts: CommonJS, with top-level await or import\.meta$/,
  })
  await assert.rejects(translated('wrong.ts', 'export const a = 1\nexport const b = ]\n'), {
    message: /wrong\.ts:2:18: /,
  })
})

it('top-level await is found in each language, and not where the text is wrong', async () => {
  const wait = 'await 1\n'
  for (const name of ['w.ts', 'w.tsx', 'w.js', 'w.jsx']) assert.equal(await hasTopLevelAwait(file(name, wait)), true)
  for (const name of ['t.tsx', 't.jsx'])
    assert.equal(await hasTopLevelAwait(file(name, 'const a = <b>await</b>\n')), false)
  assert.equal(await hasTopLevelAwait(file('t.ts', 'const a = <number>1\n')), false)
  assert.equal(await hasTopLevelAwait(file('none.ts', 'await ]\n')), false)
})

it('CommonJS that was made of exports is an ES module with the same exports, of its own files and of others', async () => {
  file('other.mjs', 'export const other = 3\n')
  const text = `import { other } from './other.mts'\nexport * from './other.mts'\nconst one = other - 2\nexport { one, one as 'a b' }\nexport default one + 1\n`
  const { code, format } = await translated('wrapped.ts', text)
  assert.deepEqual([format, isWrittenAsCommonJs(code)], ['cjs', false])
  const wrapped = wrapCommonJs(code, {
    specifiers: new Map([['./other.mts', './other.mjs']]),
    isEsm: (name) => name === './other.mts',
    header: (modules) => `require = ((all) => (name) => all[name])(${modules});`,
  })
  const loaded = (await import(pathToFileURL(file('wrapped.mjs', wrapped)).href)) as Record<string, unknown>
  assert.deepEqual({ ...loaded }, { 'a b': 1, default: 2, one: 1, other: 3 })
  assert.equal(isWrittenAsCommonJs('module.exports = 1'), true)
  assert.equal(isWrittenAsCommonJs('exports.a = 1'), true)
})

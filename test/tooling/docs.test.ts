// What the documents say of the code is true: every key, setting and error code is there, and what the README shows works.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { errorCodes } from '../../runtime/core/errors.ts'
import { keyTemplates } from '../../runtime/store/keys.ts'
import { configSchema } from '../../config/schema.ts'
import { documents } from '../../script/build-docs.ts'
import { ROOT } from '../support/process.ts'

const read = (path: string): Promise<string> => readFile(ROOT + path, 'utf8')

describe('generated tables', () => {
  for (const { path, text, now } of documents()) {
    it(`${path} is as the code is; if not, run node --import tsx script/build-docs.ts`, () => assert.equal(now, text))
  }

  it('have every Redis key', async () => {
    const text = await read('docs/redis-keys.md')
    for (const template of Object.values(keyTemplates)) assert.ok(text.includes(`| \`${template}\` |`), template)
  })

  it('have every setting', async () => {
    const text = await read('docs/configuration.md')
    for (const [name, section] of Object.entries(configSchema.parse({}))) {
      const settings = typeof section === 'object' ? Object.keys(section) : []
      for (const key of settings) assert.ok(text.includes(`| \`${name}.${key}\` |`), `${name}.${key}`)
    }
  })
})

it('docs/errors.md has every code with its exit status', async () => {
  const text = await read('docs/errors.md')
  const documented = [...text.matchAll(/^\| `(ERR_\w+)` \| (\d) \|/gm)].map(([, code, exit]) => [code, Number(exit)])
  assert.deepEqual(Object.fromEntries(documented), errorCodes)
})

describe('links', () => {
  for (const file of [
    'README.md',
    'CONTRIBUTING.md',
    'CHANGELOG.md',
    'docs/internals.md',
    'docs/jobs.md',
    'docs/errors.md',
    'docs/configuration.md',
    'docs/redis-keys.md',
  ]) {
    it(`of ${file} lead to files that are there, and so do the paths it names`, async () => {
      const text = await read(file)
      const folder = file.includes('/') ? file.slice(0, file.lastIndexOf('/') + 1) : ''
      const links = [...text.matchAll(/\]\((?!https?:|#|mailto:)([^)#]+)/g)].map(([, link = '']) => folder + link)
      const paths = [
        ...text.matchAll(
          /`((?:runtime|scheduler|cli|config|web|examples|script|scripts|bench|test)\/[\w./-]+\.(?:ts|lua|md|yml))`/g,
        ),
      ].map(([, path = '']) => path)
      const ofUsers = ['config/hooks.ts', 'config/preload.ts']
      assert.deepEqual(
        [...links, ...paths].filter((path) => !existsSync(ROOT + path) && !ofUsers.includes(path)),
        [],
      )
    })
  }
})

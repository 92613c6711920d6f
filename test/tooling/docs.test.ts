// What the documents say of the code is true: every key, setting and error code is there, and what the README shows works.
import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { posix } from 'node:path'
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

const pages = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  ...readdirSync(ROOT + 'docs').map((name) => `docs/${name}`),
].filter((path) => path.endsWith('.md'))
/** Files of an application that the documents name. */
const ofUsers = ['config/hooks.ts', 'config/preload.ts']

/** The anchors of a page's headings, as GitHub makes them. */
const anchorsOf = async (path: string): Promise<string[]> =>
  [...(await read(path)).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )

describe('links', () => {
  for (const page of pages) {
    it(`of ${page} lead to files and headings that exist, and so do the paths it names`, async () => {
      const text = await read(page)
      const wrong: string[] = []
      for (const [, link = ''] of text.matchAll(/\]\((?!https?:|mailto:)([^)]+)\)/g)) {
        const [file = '', anchor] = link.split('#')
        const path = file ? posix.join(posix.dirname(page), file) : page
        if (!existsSync(ROOT + path) || (anchor && !(await anchorsOf(path)).includes(anchor))) wrong.push(link)
      }
      for (const [, path = ''] of text.matchAll(
        /`((?:runtime|scheduler|cli|config|web|examples|script|bench|test)\/[\w./-]+\.(?:ts|lua|md|yml))`/g,
      )) {
        if (!existsSync(ROOT + path) && !ofUsers.includes(path)) wrong.push(path)
      }
      assert.deepEqual(wrong, [])
    })
  }
})

import { readdirSync, readFileSync } from 'node:fs'
import { ROOT } from './process.ts'

/** A fenced block of a document. */
export interface Block {
  page: string
  /** Of its first line within the page. */
  line: number
  language: string
  /** The rest of its first line: the name of a file, `run`, `background`. */
  word: string
  text: string
}

/** The documents of users: README.md, docs/ and the READMEs of examples. */
export const documentPages: readonly string[] = [
  'README.md',
  ...readdirSync(`${ROOT}docs`, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .sort()
    .map((name) => `docs/${name}`),
  ...readdirSync(`${ROOT}examples`)
    .map((name) => `examples/${name}/README.md`)
    .filter((path) => readdirSync(`${ROOT}${path.slice(0, path.lastIndexOf('/'))}`).includes('README.md')),
]

/** The text of a page. */
export const pageText = (page: string): string => readFileSync(ROOT + page, 'utf8')

/** The fenced blocks of a page, indented ones too, without their indentation. */
export function blocksOf(page: string): Block[] {
  const text = pageText(page)
  return [...text.matchAll(/^( *)```(\w*)(?: (\S+))?\n([\s\S]*?)^\1```$/gm)].map(
    ([, indent = '', language = '', word = '', body = ''], i, all) => ({
      page,
      line: text.slice(0, all[i]?.index).split('\n').length + 1,
      language,
      word,
      text: indent === '' ? body : body.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
    }),
  )
}

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { CommandModule } from 'yargs'
import { RuntimeError } from '../../runtime/core/errors.ts'
import { packageRoot } from '../../runtime/core/package.ts'
import type { GlobalFlags } from '../context.ts'
import { json, line } from '../output.ts'
import { table } from '../table.ts'

interface Page {
  path: string
  title: string
  text: string
}

interface DocsFlags extends GlobalFlags {
  topic?: string[]
}

const MOST_PAGES = 5

/** `runtime docs`: where the documents of this version are; with a topic, the pages that have it. */
export const docsCommand: CommandModule<GlobalFlags, DocsFlags> = {
  builder: (yargs) =>
    yargs
      .positional('topic', { type: 'string', array: true, describe: 'Words to look for: retries, dead letter queue' })
      .example('$0 docs retries', ''),
  handler: ({ topic = [], json: asJson }) => {
    const folder = join(packageRoot, 'docs')
    const words = topic.join(' ').trim()
    const found = words === '' ? pagesOf(folder) : pagesAbout(words, pagesOf(folder))
    if (asJson) return json({ folder, pages: found.map(({ path, title }) => ({ path: join(folder, path), title })) })
    if (words === '') line(`${join(folder, 'README.md')}\n${pathToFileURL(join(folder, 'README.md')).href}\n`)
    table(
      ['page', 'title'],
      found.map(({ path, title }) => [words === '' ? path : join(folder, path), title]),
    )
  },
}

function pagesOf(folder: string): Page[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.md'))
    .sort()
    .map((path) => {
      const text = readFileSync(join(folder, path), 'utf8')
      return { path, title: /^# (.+)$/m.exec(text)?.[1] ?? path, text }
    })
}

/**
 * The pages about something, the best first: its name or title says so, then one of its headings, then its text, the
 * more often the better. Where no page has the words together, those that have each of them.
 * @throws RuntimeError ERR_NOT_FOUND
 */
function pagesAbout(words: string, pages: readonly Page[]): Page[] {
  const sought = folded(words)
  const readable = pages.map(foldedPage)
  const best = (score: (page: FoldedPage) => number): Page[] =>
    readable
      .map((each) => ({ page: each.page, score: score(each) }))
      .filter(({ score }) => score > 0)
      .sort((a, b) => b.score - a.score)
      .slice(0, MOST_PAGES)
      .map(({ page }) => page)
  const together = best((each) => scoreOf(each, sought))
  const found =
    together.length > 0 ? together : best((each) => Math.min(...sought.split(' ').map((word) => scoreOf(each, word))))
  if (found.length > 0) return found
  throw new RuntimeError('ERR_NOT_FOUND', `docs: no page has "${words}"; runtime docs lists all pages`)
}

/** The texts of a page as they are searched; folding takes long, so it is done once. */
interface FoldedPage {
  page: Page
  path: string
  title: string
  both: string
  headings: string
  text: string
}

function foldedPage(page: Page): FoldedPage {
  const { path, title, text } = page
  const headings = [...text.matchAll(/^##+ (.+)$/gm)].map(([, heading = '']) => heading)
  return {
    page,
    path: folded(path.replace(/\.md$/, '')),
    title: folded(title),
    both: folded(`${path} ${title}`),
    headings: folded(headings.join('\n')),
    text: folded(text),
  }
}

function scoreOf({ path, title, both, headings, text }: FoldedPage, sought: string): number {
  const count = (part: string): number => part.split(sought).length - 1
  const inText = Math.min(count(text), 50)
  if (path === sought || title === sought) return 10_000 + inText
  return 1000 * Math.sign(count(both)) + 100 * Math.sign(count(headings)) + inText
}

/** Without case, punctuation and plural endings: `Retries` and `retry` are one. */
const folded = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .replace(/ies\b/g, 'y')
    .replace(/([^s\s])s\b/g, '$1')
    .trim()

/**
 * Writes the tables of docs/ that say what the code says, between their markers:
 *   docs/redis-keys.md     from runtime/store/keys.ts and its comments
 *   docs/configuration.md  from config/runtime.yml and its comments, with the names of the environment
 *   docs/architecture.md   from the folders of the product and the imports between them
 *   docs/performance.md    from bench/compare/results.json, with its charts in docs/images
 *   node --import tsx script/build-docs.ts [--check]
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { posix } from 'node:path'
import { charts, peersSection, readResults } from '../bench/compare/report/page.ts'
import { environmentName } from '../config/environment.ts'
import { SUBSECTIONS } from '../config/schema.ts'

const root = new URL('../', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')

const cell = (text: string): string => text.replaceAll('|', '\\|').replace(/\s+/g, ' ').trim()
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.map(cell).join(' | ')} |`).join('\n')

/** A table for each section (`// --- ours: jobs`) of keys.ts. */
export function keyTables(source: string): string {
  const body = source.slice(source.indexOf('keyTemplates = {') + 16, source.indexOf('} as const'))
  const sections = body.split(/^ {2}\/\/ --- /m).slice(1)
  return sections.map(keySection).join('\n\n')
}

function keySection(section: string): string {
  const title = section.slice(0, section.indexOf('\n'))
  const entry = /(?:\/\*\*([\s\S]*?)\*\/\s*)?^ {2}\w+: '([^']+)',/gm
  let about = ''
  const rows = [...section.matchAll(entry)].map(([, comment, template = '']) => {
    about = comment === undefined ? about : comment.replace(/^\s*\* ?/gm, ' ').trim()
    const [, type = 'hash', text = about] = /^(\w+(?: with a time to live)?): ([\s\S]*)$/.exec(about) ?? []
    return [`\`${template}\``, type, text]
  })
  return `### ${title[0]?.toUpperCase()}${title.slice(1)}\n\n${table(['key', 'type', 'what'], rows)}`
}

/** A line of runtime.yml that sets something, or would if its `#` were taken off. */
const settingLine = /^(#?)( *)(# )?(\w+):(?: (.*))?$/

/** A table for each section of runtime.yml. */
export function settingTables(source: string): string {
  const sections: { name: string; about: string; rows: string[][] }[] = [{ name: 'everywhere', about: '', rows: [] }]
  for (const line of source.split('\n')) {
    const [, off = '', indent = '', offInside = '', name = '', rest = ''] = settingLine.exec(line) ?? []
    const { value, comment } = valueAndComment(rest)
    if (name === '') continue
    if (value === '') sections.push({ name, about: comment, rows: [] })
    else {
      const section = indent.length < 2 ? sections[0] : sections.at(-1)
      const path = section === sections[0] ? [name] : [section?.name ?? '', name]
      // In a section that is commented out as a whole the values are what holds once it is there.
      const absent = offInside !== '' || (off !== '' && indent.length < 2)
      section?.rows.push(settingRow(path, value, comment, absent))
    }
  }
  return sections
    .map(({ name, about, rows }) => {
      const head = table(['setting', 'default', 'what', 'environment'], rows)
      return [`### ${name}`, ...(about === '' ? [] : [`${about}.`]), head].join('\n\n')
    })
    .join('\n\n')
}

/** A comment begins at `# `, or, in a line that is one itself, after three blanks. */
function valueAndComment(rest: string): { value: string; comment: string } {
  const [, value = '', comment = ''] = /^(\{.*\}|\[.*\]|'[^']*'|(?:(?! {3}|#).)*)\s*(?:#\s*)?(.*)$/.exec(rest) ?? []
  return { value: value.trim(), comment: comment.trim() }
}

function settingRow(path: readonly string[], value: string, comment: string, absent: boolean): string[] {
  const environment = environmentName(path) + (path.join('.') in SUBSECTIONS ? '_…' : '')
  return [
    `\`${path.join('.')}\``,
    absent ? `absent; such as \`${value}\`` : `\`${value}\``,
    comment,
    `\`${environment}\``,
  ]
}

/** The parts of the house, lowest first: a part imports only parts above it in this list. */
const parts: readonly (readonly [path: string, about: string])[] = [
  ['config', 'settings: their schema, files and environment'],
  ['runtime/core', 'clock, loops, errors, JSON, durations; no Redis, no process'],
  ['runtime/cron', 'cron lines and intervals: when an entry fires, in its zone'],
  ['runtime/store', 'everything in Redis: keys, scripts, one class for each record'],
  ['runtime/jobs', 'jobs, their options and hooks, the client, handles'],
  ['runtime/worker', 'the supervisor, by the phases of a job, and the launchers'],
  ['runtime/workflow', 'graphs of jobs, and what compiles to them'],
  ['runtime/archive', 'what has ended, in Redis or PostgreSQL'],
  ['runtime/metrics', 'counters, Prometheus, health'],
  ['runtime/inspect', 'everything that reads to show, and the doctor'],
  ['scheduler', 'moves delayed jobs, fires schedule.yml'],
  ['web', 'the dashboard'],
  ['cli', 'the command: parses, calls, prints'],
]

/** The picture of the house in Mermaid: each part, and an arrow for each part that it imports. */
export function housePicture(): string {
  const files = parts.map(([path]) => filesOf(path))
  const nameOf = (i: number): string => `p${i}`
  const nodes = parts.map(([path, about], i) => `  ${nameOf(i)}["${path}<br/>${about}"]`)
  const arrows = files.flatMap((own, i) =>
    parts.flatMap((_, j) => (i !== j && own.some((file) => importsOf(file).some((to) => isIn(to, j))) ? [[i, j]] : [])),
  )
  // What another import reaches already would only blur the picture.
  const direct = arrows.filter(
    ([i, j]) => !arrows.some(([a, b]) => a === i && b !== j && arrows.some(([c, d]) => c === b && d === j)),
  )
  return [
    '```mermaid',
    'flowchart BT',
    ...nodes,
    ...direct.map(([i, j]) => `  ${nameOf(i ?? 0)} --> ${nameOf(j ?? 0)}`),
    '```',
  ].join('\n')
}

const isIn = (file: string, part: number): boolean => file.startsWith(`${parts[part]?.[0]}/`)
const filesOf = (folder: string): string[] =>
  existsSync(new URL(folder, root))
    ? readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.ts'))
        .map((name) => posix.join(folder, name.replaceAll('\\', '/')))
        .sort()
    : []
const importsOf = (file: string): string[] =>
  [...read(file).matchAll(/\bfrom '(\.[^']+)'|\bimport\('(\.[^']+)'\)/g)].map(([, plain, dynamic]) =>
    posix.join(posix.dirname(file), plain ?? dynamic ?? ''),
  )

/** The text of a document with its generated part replaced. */
export function fill(document: string, generated: string): string {
  const [before = '', , after = ''] = document.split(/<!-- (?:generated|end of what is generated)[^>]*-->/)
  return `${before}<!-- generated by script/build-docs.ts -->\n\n${generated}\n\n<!-- end of what is generated -->${after}`
}

/** Path and text of each document as it should be. */
export function documents(): { path: string; text: string; now: string }[] {
  const made: [string, string][] = [
    ['docs/redis-keys.md', keyTables(read('runtime/store/keys.ts'))],
    ['docs/configuration.md', settingTables(read('config/runtime.yml'))],
    ['docs/architecture.md', housePicture()],
    ['docs/performance.md', peersSection(readResults())],
  ]
  const pages = made.map(([path, generated]) => ({ path, text: fill(read(path), generated), now: read(path) }))
  const pictures = charts(readResults()).map(({ name, svg }) => {
    const path = `docs/images/compare-${name}.svg`
    return { path, text: svg, now: existsSync(new URL(path, root)) ? read(path) : '' }
  })
  return [...pages, ...pictures]
}

if (process.argv[1]?.endsWith('build-docs.ts')) {
  const stale = documents().filter(({ text, now }) => text !== now)
  if (process.argv.includes('--check')) {
    for (const { path } of stale)
      console.error(`${path}: expected it as the code is; run node --import tsx script/build-docs.ts`)
    process.exitCode = stale.length > 0 ? 1 : 0
  } else for (const { path, text } of stale) writeFileSync(new URL(path, root), text)
}

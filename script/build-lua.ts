/**
 * Makes runtime/store/connection/scripts.generated.ts from the scripts in runtime/store/lua. A script's header gives its includes
 * (`-- @include tickets push`), the names of its arguments (`-- @args a b`) and, for a list of any length at the end,
 * `-- @rest items`. Names become Lua locals; `key.job(id)` comes from the templates in runtime/store/keys.ts.
 * `--check` writes nothing and fails when the file is not fresh.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { keyTemplates } from '../runtime/store/keys.ts'

const folder = new URL('../runtime/store/lua/', import.meta.url)
const target = new URL('../runtime/store/connection/scripts.generated.ts', import.meta.url)

/** The type of each key, the first word of its comment in keys.ts; one that is `the same` as another is a hash. */
const keyTypes = new Map<string, string>()
let about = ''
for (const [, comment, name = ''] of readFileSync(
  new URL('../runtime/store/keys.ts', import.meta.url),
  'utf8',
).matchAll(/(?:\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*)?^ {2}(\w+): '/gm)) {
  about = comment ?? about
  keyTypes.set(name, /^[\s*]*(list|set|zset|string|stream)\b/.exec(about)?.[1] ?? 'hash')
}

const read = (name: string): string => readFileSync(new URL(name, folder), 'utf8')
const words = (source: string, tag: string): string[] =>
  [...source.matchAll(new RegExp(`^-- @${tag} (.+)$`, 'gm'))].flatMap((match) => (match[1] ?? '').trim().split(/\s+/))
const withoutComments = (source: string): string =>
  source
    .replace(/^\s*--.*\n/gm, '')
    .replace(/\n{2,}/g, '\n')
    .trim()

function includesOf(source: string, seen: string[] = []): string[] {
  for (const name of words(source, 'include')) {
    if (seen.includes(name)) continue
    includesOf(read(`include/${name}.lua`), seen)
    seen.push(name)
  }
  return seen
}

function keyTable(body: string): string {
  const used = new Set([...body.matchAll(/\bkey\.(\w+)/g)].map((match) => match[1] ?? ''))
  const looksAtTypes = body.includes('types[')
  // A script that looks at types names keys in quotes, too.
  const quoted = looksAtTypes ? [...body.matchAll(/'(\w+)'/g)].map((match) => match[1] ?? '') : []
  const typed = quoted.filter((name) => name in keyTemplates).sort()
  for (const name of typed) used.add(name)
  const rows = [...used].sort().map((name) => {
    const template = (keyTemplates as Record<string, string>)[name]
    if (template === undefined) throw new Error(`no key called ${name} in runtime/store/keys.ts`)
    const params = [...template.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '')
    const text = template.split(/\{\w+\}/).map((piece) => `'${piece}'`)
    const parts = text
      .flatMap((piece, i) => (i === 0 ? [piece] : [params[i - 1] ?? '', piece]))
      .filter((part) => part !== "''")
    return `${name}=function(${params.join(',')}) return KEYS[1]..${parts.join('..')} end`
  })
  const types = [...new Set(typed)].map((name) => `${name}='${keyTypes.get(name)}'`).join(',')
  return `local key={${rows.join(',\n')}}\n${looksAtTypes ? `local types={${types}}\n` : ''}`
}

function compile(file: string): { name: string; source: string; args: string[]; rest: string | undefined } {
  const source = read(file)
  const args = words(source, 'args')
  const rest = words(source, 'rest')[0]
  const parts = includesOf(source).map((name) => withoutComments(read(`include/${name}.lua`)))
  const body = [...parts, withoutComments(source)].join('\n')
  const locals = args.map((name, i) => `local ${name}=ARGV[${i + 1}]`).join('\n')
  const tail =
    rest === undefined ? '' : `local ${rest}={}\nfor i=${args.length + 1},#ARGV do ${rest}[#${rest}+1]=ARGV[i] end\n`
  return { name: basename(file, '.lua'), source: `${keyTable(body)}${locals}\n${tail}${body}\n`, args, rest }
}

/** `subject/name.lua`; what lies in include/ is part of others. */
const files = readdirSync(folder, { recursive: true })
  .map(String)
  .filter((file) => file.endsWith('.lua') && !file.startsWith('include'))
const scripts = files.map(compile).sort((a, b) => (a.name < b.name ? -1 : 1))

const rows = scripts.map(({ name, source, args, rest }) => {
  const sha1 = createHash('sha1').update(source).digest('hex')
  const argList = args.map((arg) => `'${arg}'`).join(', ')
  return `  '${name}': {\n    sha1: '${sha1}',\n    args: [${argList}],\n    rest: ${rest !== undefined},\n    source: ${JSON.stringify(source)} as string,\n  },\n`
})
const text = `// Made by script/build-lua.ts from runtime/store/lua; do not edit.\nexport const scripts = {\n${rows.join('')}} as const\n`

const old = ((): string => {
  try {
    return readFileSync(target, 'utf8')
  } catch {
    return ''
  }
})()
if (old !== text) {
  if (process.argv.includes('--check')) {
    console.error('runtime/store/connection/scripts.generated.ts is stale: run `npm run build`')
    process.exit(1)
  }
  writeFileSync(target, text)
}

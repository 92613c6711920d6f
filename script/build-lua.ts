/**
 * Makes runtime/store/connection/scripts.generated.ts and lua.generated.ts from the scripts in runtime/store/lua. A script's header gives its includes
 * (`-- @include record push`), the names of its arguments (`-- @args a b`) and, for a list of any length at the end,
 * `-- @rest items`. An include with `-- @lazy names` is set up when one of those functions is first called. Names become Lua locals; `key.job(id)` comes from the templates in runtime/store/keys.ts.
 * Scripts share most of their text, so lua.generated.ts has each piece of it once; only a process whose Redis does not have a script loads it.
 * `--check` writes nothing and fails when the file is not fresh.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { keyTemplates } from '../runtime/store/keys.ts'

const folder = new URL('../runtime/store/lua/', import.meta.url)
const generated = (name: string): URL => new URL(`../runtime/store/connection/${name}.generated.ts`, import.meta.url)

/** The type of each key, the first word of its comment in keys.ts; one that is `the same` as another is a hash. */
const keyTypes = new Map<string, string>()
const channels = new Set<string>()
let about = ''
for (const [, comment, name = ''] of readFileSync(
  new URL('../runtime/store/keys.ts', import.meta.url),
  'utf8',
).matchAll(/(?:\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*)?^ {2}(\w+): '/gm)) {
  about = comment ?? about
  keyTypes.set(name, /^[\s*]*(list|set|zset|string|stream)\b/.exec(about)?.[1] ?? 'hash')
  if (/^[\s*]*channel\b/.test(about)) channels.add(name)
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

/** The position after the closing bracket of a call whose opening one is at `open`. */
function callEnd(text: string, open: number): number {
  let depth = 0
  for (let at = open; ; at += 1) {
    const char = text[at]
    if (char === "'") at = text.indexOf("'", at + 1)
    else if (char === '(') depth += 1
    else if (char === ')' && (depth -= 1) === 0) return at + 1
    if (at < 0 || at >= text.length) throw new Error(`a call that does not end: ${text.slice(open, open + 80)}`)
  }
}

/** The arguments between two brackets, cut at the commas that are not within brackets. */
function argumentsOf(text: string): string[] {
  const parts = ['']
  for (let at = 0; at < text.length; at += 1) {
    const to = text[at] === '(' ? callEnd(text, at) : at + 1
    if (text[at] === ',') parts.push('')
    else parts[parts.length - 1] += text.slice(at, to)
    at = to - 1
  }
  return parts.map((part) => part.trim()).filter((part) => part !== '')
}

/** The expression for a key of this namespace. */
function keyExpression(name: string, args: readonly string[]): string {
  const template = (keyTemplates as Record<string, string>)[name]
  if (template === undefined) throw new Error(`no key called ${name} in runtime/store/keys.ts`)
  let next = 0
  const parts = template.split(/(\{\w+\})/).filter((part) => part !== '')
  const terms = parts.map((part) => {
    if (!part.startsWith('{')) return `'${part}'`
    const arg = args[next++] ?? ''
    if (arg === '') throw new Error(`key.${name}: too few arguments`)
    return /^[\w.]+$/.test(arg) ? arg : `(${arg})`
  })
  return `(ns..${terms.join('..')})`
}

/** Calls of one of `names` with their argument lists, as `rewrite` has them. */
function rewriteCalls(body: string, call: RegExp, rewrite: (name: string, args: string[]) => string): string {
  let text = body
  for (let match = call.exec(text); match; match = call.exec(text)) {
    const open = match.index + match[0].length - 1
    const end = callEnd(text, open)
    text = `${text.slice(0, match.index)}${rewrite(match[1] ?? '', argumentsOf(text.slice(open + 1, end - 1)))}${text.slice(end)}`
  }
  return text
}

/**
 * Redis runs a whole script for each call, and each function in it is made again each time. So keys are expressions in
 * place, functions that a script does not use are left out, and `redis.call` is looked up once.
 */
function inlineKeys(body: string): string {
  const typed = rewriteCalls(body, /\b(wrong|check)\((?=')/, (name, [quoted = '', ...args]) => {
    const kind = quoted.slice(1, -1)
    return `${name}_key(${keyExpression(kind, args)},'${keyTypes.get(kind)}')`
  })
  return rewriteCalls(typed, /\bkey\.(\w+)\(/, keyExpression).replace(/\bredis\.(p?)call\(/g, '$1call_redis(')
}

/** A function at the top of a script, or what stands between two of them. */
interface Piece {
  text: string
  name: string | undefined
  include: string
}

const piecesOf = (include: string, text: string): Piece[] =>
  inlineKeys(`${text}\n`)
    .split(/^(?=local function )|(?<=^end\n)/m)
    .map((part) => ({ text: part, name: /^local function (\w+)/.exec(part)?.[1], include }))

function withoutUnused(pieces: readonly Piece[]): Piece[] {
  const isUsed = ({ name }: Piece): boolean =>
    name === undefined || pieces.some((other) => other.name !== name && new RegExp(`\\b${name}\\b`).test(other.text))
  const used = pieces.filter(isUsed)
  return used.length === pieces.length ? used : withoutUnused(used)
}

/** The texts of an include. One with `-- @lazy names` makes its functions when one of those that others call is first called. */
function textsOf(include: string, all: readonly Piece[]): string[] {
  const pieces = all.filter((piece) => piece.include === include)
  const others = all.filter((piece) => piece.include !== include)
  const texts = pieces.map((piece) => piece.text)
  const names = words(read(`include/${include}.lua`), 'lazy').filter(
    (name) =>
      pieces.some((piece) => piece.name === name) && others.some(({ text }) => new RegExp(`\\b${name}\\b`).test(text)),
  )
  if (names.length === 0) return texts
  const inside = texts
    .join('')
    .replace(/^local function (\w+)/gm, (all, name: string) => (names.includes(name) ? `function ${name}` : all))
    .replace(/^(?=.)/gm, ' ')
  const setUp = `set_up_${include.replace(/-/g, '_')}`
  const stubs = names.map((name) => `${name}=function(...) ${setUp}() return ${name}(...) end\n`)
  return [`local ${names.join(',')}\nlocal function ${setUp}()\n${inside}end\n${stubs.join('')}`]
}

function compile(file: string): { name: string; texts: string[]; args: string[]; rest: string | undefined } {
  const source = read(file)
  const args = words(source, 'args')
  const rest = words(source, 'rest')[0]
  const includes = includesOf(source)
  const parts = includes.flatMap((name) => piecesOf(name, withoutComments(read(`include/${name}.lua`))))
  const pieces = withoutUnused([...parts, ...piecesOf('', withoutComments(source))])
  const own = pieces.filter(({ include }) => include === '').map(({ text }) => text)
  const body = [...includes.flatMap((name) => textsOf(name, pieces)), own.join('')]
  const locals = args.map((name, i) => `local ${name}=ARGV[${i + 1}]`).join('\n')
  const tail =
    rest === undefined
      ? ''
      : `local ${rest}={}\nfor i=1,#ARGV-${args.length} do ${rest}[i]=ARGV[i+${args.length}] end\n`
  return {
    name: basename(file, '.lua'),
    texts: [`local ns,call_redis,pcall_redis=KEYS[1],redis.call,redis.pcall\n${locals}\n${tail}`, ...body],
    args,
    rest,
  }
}

/** `subject/name.lua`; what lies in include/ is part of others. */
const files = readdirSync(folder, { recursive: true })
  .map(String)
  .filter((file) => file.endsWith('.lua') && !file.startsWith('include'))
const scripts = files.map(compile).sort((a, b) => (a.name < b.name ? -1 : 1))

const pieces = new Map<string, number>()
const pieceOf = (text: string): number => {
  if (!pieces.has(text)) pieces.set(text, pieces.size)
  return pieces.get(text) ?? 0
}
const rows = scripts.map(({ name, texts, args, rest }) => {
  const sha1 = createHash('sha1').update(texts.join('')).digest('hex')
  const argList = args.map((arg) => `'${arg}'`).join(', ')
  return `  '${name}': {\n    sha1: '${sha1}',\n    args: [${argList}],\n    rest: ${rest !== undefined},\n  },\n`
})
const parts = scripts.map(({ name, texts }) => `  '${name}': [${texts.map(pieceOf).join(', ')}],\n`)
const lines = [...pieces.keys()].map((piece) => `  ${JSON.stringify(piece)},\n`)
/** Keys without a parameter, for the doctor. */
const fixed = Object.entries(keyTemplates).flatMap(([name, template]) =>
  template.includes('{') || channels.has(name) ? [] : [`  '${template}': '${keyTypes.get(name)}',\n`],
)
const HEAD = '// Made by script/build-lua.ts from runtime/store/lua; do not edit.\n'
const made = {
  'key-types': `${HEAD.replace('lua;', 'keys.ts;')}
/** The type of each key that has no parameter, by its name without the namespace. */
export const keyTypes: Readonly<Record<string, string>> = {\n${fixed.join('')}}\n`,
  scripts: `${HEAD}export const scripts = {\n${rows.join('')}} as const\n`,
  lua: `${HEAD}
/** What the scripts are made of. */
const pieces: readonly string[] = [\n${lines.join('')}]

const parts: Readonly<Record<string, readonly number[]>> = {\n${parts.join('')}}

/** The Lua of a script. */
export const luaOf = (name: string): string => (parts[name] ?? []).map((part) => pieces[part]).join('')\n`,
}

const isFresh = (name: string, text: string): boolean => {
  try {
    return readFileSync(generated(name), 'utf8') === text
  } catch {
    return false
  }
}
for (const [name, text] of Object.entries(made)) {
  if (isFresh(name, text)) continue
  if (process.argv.includes('--check')) {
    console.error(`runtime/store/connection/${name}.generated.ts is stale: run \`npm run build\``)
    process.exit(1)
  }
  writeFileSync(generated(name), text)
}

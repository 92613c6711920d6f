import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, extname, join, relative, sep } from 'node:path'
import { pathToFileURL } from 'node:url'
import { CannotFork } from '../zygote/core/gate-platform.ts'
import type { ModuleFormat } from './project-files.ts'
import { importPlaces, REQUIRE, requiredNames, rewriteImports, withHeader, type ImportPlace } from './rewrite.ts'
import { findSources, isSource, isTypeScript } from './sources.ts'
import { translate, withResolver, type Resolve, type Translated } from './translate.ts'

/** What to build: absolute paths. */
export interface BuildOrder {
  root: string
  /** Modules that are imported by path; what they import is found. */
  entries: string[]
  /** Below the root, so that packages are found from it as they are from the sources. */
  outDir: string
}

/** Source file to the file that was made of it, absolute paths. What is not in it is imported where it lies. */
export type BuiltFiles = Record<string, string>

/**
 * Turns an application of TypeScript into JavaScript, one file for each source file, so that a process can load it
 * without a loader hook: the thread of such a hook does not survive a fork. Every module stays one module, keeps its
 * `import.meta.url`, and has a source map; packages are left alone.
 *
 * @throws Error with file and line of what cannot be read
 * @throws CannotFork for TypeScript outside of the root, such as a workspace's other packages
 */
export async function buildApp(order: BuildOrder): Promise<BuiltFiles> {
  return withResolver(order.root, (resolve) => new AppBuild(order, resolve).run())
}

class AppBuild {
  readonly #order: BuildOrder
  readonly #resolve: Resolve
  readonly #seen = new Set<string>()
  readonly #translated = new Map<string, Promise<Translated>>()
  readonly #built: BuiltFiles = {}
  #queue: string[] = []
  #hasAll = false

  constructor(order: BuildOrder, resolve: Resolve) {
    this.#order = order
    this.#resolve = resolve
  }

  async run(): Promise<BuiltFiles> {
    this.#add(this.#order.entries)
    while (this.#queue.length > 0) await Promise.all(this.#queue.splice(0).map((file) => this.#module(file)))
    return this.#built
  }

  #add(files: readonly string[]): void {
    for (const file of files) {
      if (isTypeScript(file) && !isSource(file, this.#order.root)) throw notBuilt(file)
      if (this.#seen.has(file) || !isSource(file, this.#order.root)) continue
      this.#seen.add(file)
      this.#queue.push(file)
    }
  }

  async #module(file: string): Promise<void> {
    const url = pathToFileURL(file).href
    const translated = await this.#translate(file)
    const { code, map, format, usesCommonJs } = translated
    const places = importPlaces(code)
    const out = outFile(this.#order, file, format)
    const targets = await this.#targets(file, out, places)
    const header =
      usesCommonJs || format === 'cjs' ? commonJsHeader(file, format, await this.#required(file, code)) : ''
    const text = rewriteImports(code, places, url, (place) => targets.get(place))
    this.#built[file] = out
    await mkdir(dirname(out), { recursive: true })
    await Promise.all([
      writeFile(out, `${withHeader(text, header)}\n//# sourceMappingURL=${encodeURI(fileName(out))}.map\n`),
      writeFile(`${out}.map`, map),
    ])
  }

  /** Of each file once: what imports it asks for its format too. */
  #translate(file: string): Promise<Translated> {
    const translated = this.#translated.get(file) ?? translate(file, pathToFileURL(file).href)
    this.#translated.set(file, translated)
    return translated
  }

  /** For a name that is computed every file may be meant. */
  #addAll(): void {
    if (this.#hasAll) return
    this.#hasAll = true
    this.#add(findSources(this.#order.root))
  }

  /** What a file's literal `require` names mean, where Node by itself would not find it. */
  async #required(file: string, code: string): Promise<Record<string, string>> {
    const table: Record<string, string> = {}
    for (const name of requiredNames(code)) {
      if (name === undefined) this.#addAll()
      const path = name === undefined ? undefined : await this.#resolve(name, file, 'require-call')
      if (name === undefined || path === undefined || path.includes('/node_modules/')) continue
      if (isSource(path, this.#order.root) || isTypeScript(path)) table[name] = await this.#source(path)
      else if (!/^\.{0,2}\//.test(name)) table[name] = path
    }
    return table
  }

  /** New specifiers of literal imports; what they lead to joins the queue. */
  async #targets(file: string, out: string, places: readonly ImportPlace[]): Promise<Map<ImportPlace, string>> {
    const targets = new Map<ImportPlace, string>()
    if (places.some((place) => place.specifier === undefined)) this.#addAll()
    for (const place of places) {
      const path = place.specifier === undefined ? undefined : await this.#resolve(place.specifier, file)
      if (path === undefined || path.includes('/node_modules/')) continue
      targets.set(place, relativeUrl(out, await this.#target(path, place)))
    }
    return targets
  }

  /** The file to import for a resolved path of the application itself. */
  async #target(path: string, place: ImportPlace): Promise<string> {
    if (extname(path) === '.json' && !place.hasAttributes) return this.#json(path)
    return isSource(path, this.#order.root) || isTypeScript(path) ? this.#source(path) : path
  }

  /** The file that is made of a source file, which joins the queue. */
  async #source(path: string): Promise<string> {
    this.#add([path])
    return outFile(this.#order, path, (await this.#translate(path)).format)
  }

  /** JSON that is imported like a module, which node itself refuses. */
  async #json(path: string): Promise<string> {
    const out = outFile(this.#order, path, 'esm')
    await mkdir(dirname(out), { recursive: true })
    await writeFile(out, `export default ${await readFile(path, 'utf8')}\n`)
    return out
  }
}

/** `.mjs` or `.cjs`, whatever the package says of `.js`. The source's own ending stays, so that a.ts and a.js do not meet. */
function outFile({ root, outDir }: BuildOrder, file: string, format: ModuleFormat): string {
  return join(outDir, `${relative(root, file)}.${format === 'esm' ? 'mjs' : 'cjs'}`)
}

/** What CommonJS has by the source's place and not by the built file's: names that a module of ESM has to declare. */
function commonJsHeader(file: string, format: ModuleFormat, required: Record<string, string>): string {
  const require = `${REQUIRE}(${JSON.stringify(pathToFileURL(file).href)}, ${JSON.stringify(required)})`
  const [name, folder] = [JSON.stringify(file), JSON.stringify(dirname(file))]
  return format === 'esm'
    ? `const require = ${require}, __filename = ${name}, __dirname = ${folder};`
    : `require = ${require}; module.filename = __filename = ${name}; __dirname = ${folder};`
}

/** What lies outside imports in turn what is found from where it lies. */
function notBuilt(path: string): CannotFork {
  return new CannotFork({
    reason: `${path} is TypeScript outside of the application's folder: node cannot load it without a loader`,
    cure: 'nothing is broken: jobs run through `spawn`; to fork them, let that package export JavaScript',
  })
}

const fileName = (path: string): string => path.slice(path.lastIndexOf(sep) + 1)

function relativeUrl(from: string, to: string): string {
  const path = relative(dirname(from), to).split(sep).map(encodeURIComponent).join('/')
  return path.startsWith('.') ? path : `./${path}`
}

import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, extname, join, relative, sep } from 'node:path'
import { pathToFileURL } from 'node:url'
import { CannotFork } from '../zygote/core/preflight-platform.ts'
import { type ModuleFormat, findSources, isSource, isTypeScript } from './project-files.ts'
import { importPlaces, requiredNames, rewriteImports, withHeader, type ImportPlace } from './rewrite.ts'
import { REQUIRE } from '../zygote/core/built-imports.ts'
import {
  translate,
  withResolver,
  type Resolve,
  type Translated,
  isWrittenAsCommonJs,
  wrapCommonJs,
} from './translate.ts'

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

/** A source file as read: what it says, and what it leads to. */
interface SourceModule {
  file: string
  translated: Translated
  places: readonly ImportPlace[]
  /** Files of the application by the place that imports them. */
  targets: ReadonlyMap<ImportPlace, string>
  /** Files by the literal name that requires them, where Node by itself would not find them. */
  required: ReadonlyMap<string, string>
}

class AppBuild {
  readonly #order: BuildOrder
  readonly #resolve: Resolve
  readonly #seen = new Set<string>()
  readonly #modules: SourceModule[] = []
  readonly #formats = new Map<string, ModuleFormat>()
  #queue: string[] = []
  #hasAll = false

  constructor(order: BuildOrder, resolve: Resolve) {
    this.#order = order
    this.#resolve = resolve
  }

  async run(): Promise<BuiltFiles> {
    this.#add(this.#order.entries)
    while (this.#queue.length > 0) {
      const read = await Promise.all(this.#queue.splice(0).map((file) => this.#read(file)))
      this.#modules.push(...read)
    }
    for (const { file, translated } of this.#modules) this.#formats.set(file, translated.format)
    const wrapped = wrappedModules(this.#modules)
    for (const { file } of wrapped) this.#formats.set(file, 'esm')
    const built = await Promise.all(
      this.#modules.map(async (module): Promise<[string, string]> => [
        module.file,
        await this.#write(module, wrapped.has(module)),
      ]),
    )
    return Object.fromEntries(built)
  }

  #add(files: readonly string[]): void {
    for (const file of files) {
      if (isTypeScript(file) && !isSource(file, this.#order.root)) throw notBuilt(file)
      if (this.#seen.has(file) || !isSource(file, this.#order.root)) continue
      this.#seen.add(file)
      this.#queue.push(file)
    }
  }

  async #read(file: string): Promise<SourceModule> {
    const translated = await translate(file, pathToFileURL(file).href)
    const { code, format, usesCommonJs } = translated
    const places = importPlaces(code)
    const targets = await this.#targets(file, places)
    const required = usesCommonJs || format === 'cjs' ? await this.#required(file, code) : new Map<string, string>()
    this.#add([...targets.values(), ...required.values()])
    return { file, translated, places, targets, required }
  }

  /** @returns the built file */
  async #write({ file, translated, places, targets, required }: SourceModule, wraps: boolean): Promise<string> {
    const { code, map, format, usesCommonJs } = translated
    const out = this.#out(file)
    const specifiers = new Map<ImportPlace, string>()
    for (const [place, path] of targets) specifiers.set(place, relativeUrl(out, await this.#target(path, place)))
    const text = rewriteImports(code, places, pathToFileURL(file).href, (place) => specifiers.get(place))
    const outs = new Map([...required].map(([name, path]) => [name, this.#out(path)]))
    const table = JSON.stringify(Object.fromEntries(outs))
    await mkdir(dirname(out), { recursive: true })
    const written = wraps
      ? wrapCommonJs(text, {
          specifiers: new Map([...outs].map(([name, path]) => [name, relativeUrl(out, path)])),
          isEsm: (name) => this.#formats.get(required.get(name) ?? '') === 'esm',
          header: (modules) => commonJsHeader(file, 'cjs', `${table}, ${modules}`),
        })
      : withHeader(text, usesCommonJs || format === 'cjs' ? commonJsHeader(file, format, table) : '')
    await Promise.all([
      writeFile(out, `${written}\n//# sourceMappingURL=${encodeURI(fileName(out))}.map\n`),
      writeFile(`${out}.map`, map),
    ])
    return out
  }

  /** For a name that is computed every file may be meant. */
  #addAll(): void {
    if (this.#hasAll) return
    this.#hasAll = true
    this.#add(findSources(this.#order.root))
  }

  /** What a file's literal `require` names mean, where Node by itself would not find it. */
  async #required(file: string, code: string): Promise<Map<string, string>> {
    const table = new Map<string, string>()
    for (const name of requiredNames(code)) {
      if (name === undefined) this.#addAll()
      const path = name === undefined ? undefined : await this.#resolve(name, file, 'require-call')
      if (name === undefined || path === undefined || path.includes('/node_modules/')) continue
      if (this.#isOurs(path) || !/^\.{0,2}\//.test(name)) table.set(name, path)
    }
    return table
  }

  /** What literal imports lead to. */
  async #targets(file: string, places: readonly ImportPlace[]): Promise<Map<ImportPlace, string>> {
    const targets = new Map<ImportPlace, string>()
    if (places.some((place) => place.specifier === undefined)) this.#addAll()
    for (const place of places) {
      const path = place.specifier === undefined ? undefined : await this.#resolve(place.specifier, file)
      if (path !== undefined && !path.includes('/node_modules/')) targets.set(place, path)
    }
    return targets
  }

  #isOurs(path: string): boolean {
    return isSource(path, this.#order.root) || isTypeScript(path)
  }

  /** The file to import for a resolved path of the application itself. */
  async #target(path: string, place: ImportPlace): Promise<string> {
    return extname(path) === '.json' && !place.hasAttributes ? this.#json(path) : this.#out(path)
  }

  /** The file that is made of a source file; any other file itself. */
  #out(path: string): string {
    const format = this.#formats.get(path)
    return format === undefined ? path : outFile(this.#order, path, format)
  }

  /** JSON that is imported like a module, which node itself refuses. */
  async #json(path: string): Promise<string> {
    const out = outFile(this.#order, path, 'esm')
    await mkdir(dirname(out), { recursive: true })
    await writeFile(out, `export default ${await readFile(path, 'utf8')}\n`)
    return out
  }
}

/**
 * CommonJS that imports an ES module, itself or by way of others: Node would refuse to require it, or to require it where it
 * waits. These files are built as ES modules around their CommonJS.
 * @throws Error for one that was written as CommonJS
 */
function wrappedModules(modules: readonly SourceModule[]): Set<SourceModule> {
  const esm = new Map(modules.filter(({ translated }) => translated.format === 'esm').map(({ file }) => [file, file]))
  const wrapped = new Set<SourceModule>()
  const imports = (module: SourceModule): string | undefined =>
    [...module.required.values()].find((path) => esm.has(path))
  for (let grows = true; grows;) {
    grows = false
    for (const module of modules) {
      const cause = wrapped.has(module) ? undefined : imports(module)
      if (cause === undefined || esm.has(module.file)) continue
      if (isWrittenAsCommonJs(module.translated.code)) throw cannotRequire(module.file, cause, esm.get(cause) ?? cause)
      wrapped.add(module)
      esm.set(module.file, esm.get(cause) ?? cause)
      grows = true
    }
  }
  return wrapped
}

function cannotRequire(file: string, required: string, esmFile: string): Error {
  const by = required === esmFile ? '' : ` by way of ${required}`
  return new Error(
    `${file} is CommonJS (module.exports) and requires ${esmFile}${by}, which is an ES module (top-level await, .mts or "type": "module"): ` +
      `write exports in place of module.exports, or await import() of that file, or add "type": "module" to package.json`,
  )
}

/** `.mjs` or `.cjs`, whatever the package says of `.js`. The source's own ending stays, so that a.ts and a.js do not meet. */
function outFile({ root, outDir }: BuildOrder, file: string, format: ModuleFormat): string {
  return join(outDir, `${relative(root, file)}.${format === 'esm' ? 'mjs' : 'cjs'}`)
}

/** What CommonJS has by the source's place and not by the built file's: names that a module of ESM has to declare. */
function commonJsHeader(file: string, format: ModuleFormat, table: string): string {
  const require = `${REQUIRE}(${JSON.stringify(pathToFileURL(file).href)}, ${table})`
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

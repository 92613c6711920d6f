import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, extname, join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { CannotFork } from '../zygote/core/gate-platform.ts'
import { importPlaces, isModule, rewriteImports, type ImportPlace } from './rewrite.ts'
import { findSources, isSource, isTypeScript } from './sources.ts'
import { translate, withResolver, type Resolve } from './translate.ts'

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
 * @throws CannotFork for TypeScript outside of the root, such as a workspace's other packages, and for `.cts`
 */
export async function buildApp(order: BuildOrder): Promise<BuiltFiles> {
  return withResolver(order.root, (resolve) => new AppBuild(order, resolve).run())
}

class AppBuild {
  readonly #order: BuildOrder
  readonly #resolve: Resolve
  readonly #seen = new Set<string>()
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
    const { code, map } = await translate(file, url)
    // A CommonJS module stays where it is: what it requires is none of ours.
    if (/\.jsx?$/.test(file) && !isModule(code)) return
    const places = importPlaces(code)
    const targets = await this.#targets(file, places)
    const out = this.#outFile(file)
    const text = rewriteImports(code, places, url, (place) => targets.get(place))
    this.#built[file] = out
    await mkdir(dirname(out), { recursive: true })
    await Promise.all([
      writeFile(out, `${text}\n//# sourceMappingURL=${encodeURI(fileName(out))}.map\n`),
      writeFile(`${out}.map`, map),
    ])
  }

  /** New specifiers of literal imports; what they lead to joins the queue. */
  async #targets(file: string, places: readonly ImportPlace[]): Promise<Map<ImportPlace, string>> {
    const targets = new Map<ImportPlace, string>()
    if (!this.#hasAll && places.some((place) => place.specifier === undefined)) {
      this.#hasAll = true
      this.#add(findSources(this.#order.root))
    }
    for (const place of places) {
      const path = place.specifier === undefined ? undefined : await this.#resolve(place.specifier, file)
      if (path === undefined || path.includes('/node_modules/')) continue
      const target = await this.#target(path, place)
      if (target !== undefined) targets.set(place, relativeUrl(this.#outFile(file), target))
    }
    return targets
  }

  /** The file to import for a resolved path of the application itself. */
  async #target(path: string, place: ImportPlace): Promise<string | undefined> {
    if (extname(path) === '.json' && !place.hasAttributes) return this.#json(path)
    if (!isSource(path, this.#order.root) && !isTypeScript(path)) return path
    if (/\.jsx?$/.test(path) && !isModule((await translate(path, pathToFileURL(path).href)).code)) return path
    this.#add([path])
    return this.#outFile(path)
  }

  /** JSON that is imported like a module, which node itself refuses. */
  async #json(path: string): Promise<string> {
    const out = `${this.#outFile(path)}`
    await mkdir(dirname(out), { recursive: true })
    await writeFile(out, `export default ${await readFile(path, 'utf8')}\n`)
    return out
  }

  /** `.mjs`, whatever the package says of `.js`. The source's own ending stays, so that a.ts and a.js do not meet. */
  #outFile(file: string): string {
    return join(this.#order.outDir, `${relative(this.#order.root, file)}.mjs`)
  }
}

/** What lies outside imports in turn what is found from where it lies, and CommonJS would need a loader. */
function notBuilt(path: string): CannotFork {
  return new CannotFork({
    reason: `${path} is TypeScript outside of the application's folder, or CommonJS (.cts): node cannot load it without a loader`,
    cure: 'nothing is broken: jobs run through `spawn`; to fork them, let that package export JavaScript',
  })
}

const fileName = (path: string): string => path.slice(path.lastIndexOf('/') + 1)

function relativeUrl(from: string, to: string): string {
  const path = relative(dirname(from), to).split('/').map(encodeURIComponent).join('/')
  return path.startsWith('.') ? path : `./${path}`
}

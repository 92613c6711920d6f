import { existsSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, extname, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { BuiltFiles } from '../../app-build/app-build.ts'

/** Name of the function that gives a built module its `require`. */
export const REQUIRE = '__resqueRuntimeRequire'
/** Name of the function that a built module asks where a computed import leads. */
export const LOCATE = '__resqueRuntimeLocate'

const INDEXES = ['ts', 'tsx', 'js', 'jsx', 'cjs'].map((type) => `/index.${type}`)
/** Endings that TypeScript lets one leave out, or writes as those of JavaScript. */
const ENDINGS = ['', '.ts', '.tsx', '.mts', '.cts', '.js', '.jsx', '.mjs', '.cjs', ...INDEXES]

/** The file to import for a source file. */
export function locateBuilt(files: BuiltFiles): (file: string) => string {
  const find = (file: string): string | undefined =>
    files[file] ?? files[file.replace(/\.([cm]?)js(x?)$/, '.$1ts$2')] ?? files[file.replace(/\.js$/, '.tsx')]
  return (file) => find(file) ?? (existsSync(file) ? find(realpathSync(file)) : undefined) ?? file
}

/**
 * Answers built modules where a computed import() leads: to the built file where there is one, else to what the source
 * would have meant; and gives them a `require` that does the same. Set once, as globals, since built modules know no path
 * to this one.
 */
export function installLocator(files: BuiltFiles): void {
  const locate = locateBuilt(files)
  const endingOf = (path: string): string | undefined => ENDINGS.find((end) => files[path + end] !== undefined)
  Object.defineProperty(globalThis, LOCATE, {
    configurable: true,
    value: (importer: string, specifier: unknown): string => {
      const text = String(specifier)
      if (!isPath(text)) return text
      const url = new URL(text, importer)
      const path = fileURLToPath(url)
      const ending = endingOf(path) ?? (existsSync(path) || extname(path) ? '' : '.js')
      return pathToFileURL(locate(path + ending)).href + url.search
    },
  })
  Object.defineProperty(globalThis, REQUIRE, {
    configurable: true,
    value: (importer: string, required: Record<string, string>, modules: Modules = {}): NodeJS.Require => {
      const native = createRequire(importer)
      const esm = new Map(Object.entries(modules).map(([name, module]) => [name, asRequired(module)]))
      const find = (name: string): string => {
        if (required[name] !== undefined || !isPath(name)) return required[name] ?? name
        const path = resolve(dirname(fileURLToPath(importer)), name)
        const file = path + (endingOf(path) ?? '')
        const built = locate(file)
        return built === file ? name : built
      }
      const resolver = (name: string, options?: { paths?: string[] }): string => native.resolve(find(name), options)
      const load = (name: string): unknown => esm.get(name) ?? native(find(name))
      return Object.assign(load, native, {
        resolve: Object.assign(resolver, native.resolve),
      })
    },
  })
}

type Modules = Record<string, object>

/** An ES module as compiled CommonJS expects it of `require`: with `__esModule`, and what it exports now. */
function asRequired(module: object): object {
  const required = Object.defineProperty({}, '__esModule', { value: true })
  for (const name of Object.keys(module))
    Object.defineProperty(required, name, { enumerable: true, get: () => (module as Record<string, unknown>)[name] })
  return required
}

const isPath = (specifier: string): boolean => /^(\.{0,2}\/|\.{1,2}$|file:)/.test(specifier)

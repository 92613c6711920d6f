import { readFile } from 'node:fs/promises'
import { dirname, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, transform, type BuildFailure, type BuildOptions, type PluginBuild } from 'esbuild'
import { compileWithMetadata, hasDecorators } from './metadata.ts'
import { declaredFormat, compilerSettingsOf, type ModuleFormat } from './project-files.ts'

/** Finds the file that a specifier means, as bundlers do (endings, tsconfig paths); undefined when it is none of ours. */
export type Resolve = (
  specifier: string,
  importer: string,
  kind?: 'import-statement' | 'require-call',
) => Promise<string | undefined>

const ANCHOR = 'resque-runtime:application'

/** Lends esbuild's resolver to `work`: it can be had only from within a build, so there is a build of nothing around it. */
export async function withResolver<T>(root: string, work: (resolve: Resolve) => Promise<T>): Promise<T> {
  let result: { value: T } | { error: unknown } | undefined
  const setup = (host: PluginBuild): void => {
    host.onResolve({ filter: /^resque-runtime:application$/ }, async () => {
      result = await work(resolverOf(host)).then(
        (value) => ({ value }),
        (error: unknown) => ({ error }),
      )
      return { path: ANCHOR, external: true }
    })
  }
  await build({
    stdin: { contents: `import '${ANCHOR}'`, resolveDir: root },
    write: false,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'silent',
    plugins: [{ name: 'application', setup }],
  })
  if (!result) throw new Error('esbuild never asked for the application')
  if ('error' in result) throw result.error
  return result.value
}

function resolverOf(host: PluginBuild): Resolve {
  return async (specifier, importer, kind = 'import-statement') => {
    const path = specifier.startsWith('file:') ? fileURLToPath(specifier) : specifier
    const found = await host.resolve(path, { importer, resolveDir: dirname(importer), kind })
    return found.errors.length > 0 || found.external || found.namespace !== 'file' ? undefined : found.path
  }
}

/** One source file as JavaScript. */
export interface Translated {
  code: string
  map: string
  format: ModuleFormat
  /** It says `require`, `__dirname` or `__filename` and does not declare them. */
  usesCommonJs: boolean
}

/**
 * One source file as JavaScript: types taken out, decorators and the like lowered as its tsconfig.json says, its
 * `import.meta.url` kept. Without `"type": "module"` it is CommonJS, as for tsx; unless it has what only ESM has.
 *
 * @throws Error `src/x.ts:3:7: …`, or that no compiler for its decorators is installed
 */
export async function translate(file: string, url: string): Promise<Translated> {
  const source = await readFile(file, 'utf8')
  const saysCommonJs = /\b(require\b[^\n]*\(|__dirname\b|__filename\b)/.test(source)
  const declares = /\b(const|let|var|import)\b[^\n]*\b(require|__dirname|__filename)\b\s*(=|\})/.test(source)
  const usesCommonJs = saysCommonJs && !declares
  const asFormat = async (format: ModuleFormat): Promise<Translated | undefined> => {
    const result = await toJavaScript({ file, url, source, format })
    return result && { ...result, format, usesCommonJs }
  }
  const declared = declaredFormat(file)
  const onlyEsm = declares && /^\s*(import|export)\b/m.test(source)
  try {
    const translated = declared
      ? await asFormat(declared)
      : ((onlyEsm ? undefined : await asFormat('cjs')) ?? (await asFormat('esm')))
    if (!translated) throw new Error(`${file}: CommonJS, with top-level await or import.meta`)
    return translated
  } catch (error) {
    throw placed(error, file)
  }
}

/** What to make of one file. */
interface Work {
  file: string
  url: string
  source: string
  format: ModuleFormat
}

/** Undefined for what CommonJS cannot say: top-level await, and what else than the URL `import.meta` has. */
async function toJavaScript({ file, url, source, format }: Work): Promise<{ code: string; map: string } | undefined> {
  const { outputFiles, warnings } = await build({
    ...(await inputOf(file, source, format)),
    outfile: `${file}.out`,
    write: false,
    bundle: false,
    format,
    platform: 'node',
    target: 'node20',
    sourcemap: 'external',
    sourcesContent: false,
    // The name of a class is its name on the wire.
    keepNames: true,
    legalComments: 'none',
    logLevel: 'silent',
    define: {
      'import.meta.url': JSON.stringify(url),
      'import.meta.filename': JSON.stringify(file),
      'import.meta.dirname': JSON.stringify(dirname(file)),
    },
  }).catch((error: unknown) => {
    if (format === 'cjs' && isOnlyForEsm(error)) return { outputFiles: [], warnings: [] }
    throw error
  })
  if (warnings.some(({ id }) => id === 'empty-import-meta')) return undefined
  const [map, code] = outputFiles
  return map && code && { code: code.text, map: withSource(map.text, file) }
}

/** The file itself, or what another compiler made of it. */
async function inputOf(file: string, source: string, format: ModuleFormat): Promise<BuildOptions> {
  const wishes = compilerSettingsOf(file)
  if (!wishes.metadata || !hasDecorators(file, source))
    return { entryPoints: [file], ...(wishes.keepsJsx ? { jsx: 'automatic' } : {}) }
  const contents = await compileWithMetadata({ file, source, format, tsconfig: wishes.tsconfig })
  const loader = file.endsWith('x') ? 'jsx' : 'js'
  return { stdin: { contents, loader, sourcefile: file, resolveDir: dirname(file) }, jsx: 'automatic' }
}

/** True for a file with top-level await. */
export async function hasTopLevelAwait(file: string): Promise<boolean> {
  const loader = /\.(?:js|jsx)$/.test(file) ? 'jsx' : file.endsWith('x') ? 'tsx' : 'ts'
  return transform(await readFile(file, 'utf8'), { loader, format: 'cjs', logLevel: 'silent' }).then(
    () => false,
    isOnlyForEsm,
  )
}

const isOnlyForEsm = (error: unknown): boolean =>
  ((error as Partial<BuildFailure>).errors ?? []).some(({ text }) => text.startsWith('Top-level await'))

/** The map's only source, by absolute path: the built file lies elsewhere. */
function withSource(map: string, file: string): string {
  return JSON.stringify({ ...(JSON.parse(map) as object), sources: [file] })
}

function placed(error: unknown, file: string): unknown {
  const [first] = (error as Partial<BuildFailure>).errors ?? []
  if (!first) return error
  const { line = 1, column = 0 } = first.location ?? {}
  return new Error(`${relative(process.cwd(), file)}:${line}:${column + 1}: ${first.text}`)
}

const EXPORTS = /^__export\(\w+, \{$([\s\S]*?)^\}\);$/m
const EXPORT_NAME = /^\s+("(?:[^"\\]|\\.)*"|[\w$]+): \(\) =>/gm
const EXPORT_ALL = /^__reExport\(\w+, require\("([^"]+)"\), module\.exports\);$/gm
/** What esbuild writes for exports, and of them in comments. */
const MADE =
  /^\s*\/\/.*$|^module\.exports = __toCommonJS\(\w+\);$|^0 && \(module\.exports = \{[^}]*\}\);$|, module\.exports\);$/gm

/** True where a module's text exports as CommonJS does, and not by what esbuild made of `export`. */
export function isWrittenAsCommonJs(code: string): boolean {
  return /\bmodule\.exports\b|\bexports\.\w+\s*=/.test(code.replace(MADE, ''))
}

/** What {@link wrapCommonJs} has to know of a module. */
export interface Wrapped {
  /** Specifiers of the application's own files by the name that requires them. */
  specifiers: ReadonlyMap<string, string>
  /** True for the name of a file that is an ES module. */
  isEsm: (name: string) => boolean
  /** What gives the module its `require`, by the text of an object that has its ES modules by name. */
  header: (modules: string) => string
}

/**
 * An ES module around a CommonJS that esbuild has made of `import` and `export`: it imports the ES modules that the text
 * requires, runs the text, and exports what it exports. So `import x from` a package means what it means in CommonJS.
 * No line is added before the text, so that source maps stay right.
 */
export function wrapCommonJs(code: string, { specifiers, isEsm, header }: Wrapped): string {
  const names = [...specifiers.keys()].filter(isEsm)
  const imports = names.map((name, i) => `import * as __esm${i} from ${JSON.stringify(specifiers.get(name))};`)
  const modules = `{ ${names.map((name, i) => `${JSON.stringify(name)}: __esm${i}`).join(', ')} }`
  const [, block = ''] = EXPORTS.exec(code) ?? []
  const exported = [...block.matchAll(EXPORT_NAME)].map(([, name = '']) => name)
  const all = [...code.matchAll(EXPORT_ALL)].map(
    ([, name = '']) => `export * from ${JSON.stringify(specifiers.get(name) ?? name)};`,
  )
  const outs = exported.map((name, i) => `const __out${i} = __module.exports[${quoted(name)}];`)
  const list = exported.map((name, i) => `__out${i} as ${name}`)
  return [
    `${imports.join(' ')} const __module = { exports: {} }; (function (exports, require, module, __filename, __dirname) { `,
    `${header(modules)} ${code}\n}).call(__module.exports, __module.exports, undefined, __module);\n`,
    `${outs.join(' ')} export { ${list.join(', ')} }; ${all.join(' ')}`,
  ].join('')
}

const quoted = (name: string): string => (name.startsWith('"') ? name : JSON.stringify(name))

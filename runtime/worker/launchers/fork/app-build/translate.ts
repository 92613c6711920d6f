import { readFile } from 'node:fs/promises'
import { dirname, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type BuildFailure, type PluginBuild } from 'esbuild'

/** Finds the file that a specifier means, as bundlers do (endings, tsconfig paths); undefined when it is none of ours. */
export type Resolve = (specifier: string, importer: string) => Promise<string | undefined>

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
  return async (specifier, importer) => {
    const path = specifier.startsWith('file:') ? fileURLToPath(specifier) : specifier
    const found = await host.resolve(path, { importer, resolveDir: dirname(importer), kind: 'import-statement' })
    return found.errors.length > 0 || found.external || found.namespace !== 'file' ? undefined : found.path
  }
}

/** `require` and the two names of CommonJS, for TypeScript that is used to have them. */
const commonJs = (url: string, file: string): string =>
  `import { createRequire as __resqueRuntimeRequire } from 'node:module'; const require = __resqueRuntimeRequire(${JSON.stringify(url)}), ` +
  `__filename = ${JSON.stringify(file)}, __dirname = ${JSON.stringify(dirname(file))};`

/**
 * One source file as JavaScript: types taken out, decorators and the like lowered as its tsconfig.json says, its
 * `import.meta.url` kept. @throws Error `src/x.ts:3:7: …`
 */
export async function translate(file: string, url: string): Promise<{ code: string; map: string }> {
  const usesCommonJs = /\b(require\s*\(|__dirname\b|__filename\b)/.test(await readFile(file, 'utf8'))
  const declares = /\b(const|let|var|import)\b[^\n]*\b(require|__dirname|__filename)\b\s*(=|\})/.test(
    await readFile(file, 'utf8'),
  )
  try {
    const { outputFiles } = await build({
      entryPoints: [file],
      outfile: `${file}.mjs`,
      write: false,
      bundle: false,
      format: 'esm',
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
      ...(usesCommonJs && !declares && !/\.jsx?$/.test(file) ? { banner: { js: commonJs(url, file) } } : {}),
    })
    const [map, code] = outputFiles
    if (!map || !code) throw new Error(`esbuild made ${outputFiles.length} of 2 files of ${file}`)
    return { code: code.text, map: withSource(map.text, file) }
  } catch (error) {
    throw placed(error, file)
  }
}

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

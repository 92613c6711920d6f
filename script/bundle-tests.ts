/**
 * Bundles tests with the sources that they import, so that a test's process reads a few files in place of two hundred and needs
 * no loader. Prints the files to run.
 *   node --import tsx script/bundle-tests.ts FOLDER TEST…    FOLDER: named by the process that runs the tests
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build, type Metafile, type Plugin } from 'esbuild'

const root = resolve(import.meta.dirname, '..')
const [folder = '', ...tests] = process.argv.slice(2)

/** A line of a test, or of a module that it imports, whose process loads applications or TypeScript; and the reason. */
const needsLoader = /^(\/\/| \*) Runs with the TypeScript loader: /m

const publicModules: Record<string, string> = {
  'resque-runtime': 'runtime/index.ts',
  'resque-runtime/testing': 'runtime/testing/index.ts',
  'resque-runtime/web': 'web/index.ts',
}

/** The package by its own name is its sources; a file's own address is that of its source, not that of the bundle. */
const sources: Plugin = {
  name: 'sources',
  setup: (plugin) => {
    plugin.onResolve({ filter: /^resque-runtime(\/|$)/ }, ({ path }) => ({
      path: join(root, publicModules[path] ?? path),
    }))
    plugin.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8')
      const own = `const ownUrl = ${JSON.stringify(pathToFileURL(path).href)}, ownFolder = ${JSON.stringify(dirname(path))};`
      return { contents: text.includes('import.meta.') ? own + text : text, loader: 'ts' }
    })
  },
}

const bundleOf = (test: string): string => join(folder, relative(root, resolve(test)).replace(/\.ts$/, '.mjs'))

/** Whether a module, or one that it imports, says that it needs the loader. */
function isLoaded(path: string, inputs: Metafile['inputs'], seen = new Set<string>()): boolean {
  if (seen.has(path)) return false
  seen.add(path)
  if (path.startsWith('test/') && needsLoader.test(readFileSync(join(root, path), 'utf8'))) return true
  return inputs[path]?.imports.some((each) => !each.external && isLoaded(each.path, inputs, seen)) ?? false
}

/** What runs that have ended left. */
function removeOld(): void {
  mkdirSync(dirname(folder), { recursive: true })
  for (const pid of readdirSync(dirname(folder)))
    if (pid === basename(folder) || !isAlive(Number(pid)))
      rmSync(join(dirname(folder), pid), { recursive: true, force: true })
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

removeOld()
const { metafile } = await build({
  ...{ absWorkingDir: root, entryPoints: tests.map((test) => resolve(test)), metafile: true },
  ...{ outdir: folder, outbase: root, outExtension: { '.js': '.mjs' }, logLevel: 'warning' },
  // Names: classes of jobs are found by theirs.
  ...{ bundle: true, splitting: true, keepNames: true, format: 'esm', platform: 'node', target: 'node20' },
  ...{ packages: 'external', conditions: ['source'], plugins: [sources] },
  ...{ sourcemap: 'linked', sourcesContent: false },
  define: { 'import.meta.url': 'ownUrl', 'import.meta.dirname': 'ownFolder' },
})
for (const test of tests)
  if (isLoaded(relative(root, resolve(test)), metafile.inputs))
    writeFileSync(bundleOf(test), `import 'tsx'\nawait import(${JSON.stringify(pathToFileURL(resolve(test)).href)})\n`)
process.stdout.write(tests.map((test) => `${bundleOf(test)}\n`).join(''))

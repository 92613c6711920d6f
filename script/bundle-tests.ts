/**
 * Bundles tests with the sources that they import, so that a test's process reads a few files in place of two hundred and needs
 * no loader. Tests of one folder that start no processes share one. Prints the files to run: those that start processes first,
 * since they take longest.
 *   node --import tsx script/bundle-tests.ts FOLDER TEST…    FOLDER: named by the process that runs the tests
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build, type BuildOptions, type Plugin } from 'esbuild'

const root = resolve(import.meta.dirname, '..')
const [folder = '', ...named] = process.argv.slice(2)
const tests = named.map((test) => resolve(test))

/** A line of a test, or of a module that it imports, whose process loads applications or TypeScript; and the reason. */
const needsLoader = /^(\/\/| \*) Runs with the TypeScript loader: /m
/** In a test, or in a module of the tests that it imports: it starts processes, is not loaded at once, or says so with the reason. */
const needsOwnProcess =
  /^(\/\/| \*) Runs in a process of its own: |from '(node:child_process|playwright-core|esbuild|typescript)'|^(?!.*\basync\b)[^\s/*].*\bawait |^await /m
/** As many tests share a process: a core must not wait for one file when all others have run. */
const MOST_TOGETHER = 12

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

/** A module for each group, in which each test file is a suite: its hooks are for its own tests. */
const grouped = (groups: ReadonlyMap<string, readonly string[]>): Plugin => ({
  name: 'groups',
  setup: (plugin) => {
    plugin.onResolve({ filter: /^group:/ }, ({ path }) => ({ path, namespace: 'group' }))
    plugin.onLoad({ filter: /.*/, namespace: 'group' }, ({ path }) => {
      const suites = (groups.get(path) ?? []).map(
        (test) => `describe(${JSON.stringify(relative(root, test))}, () => void require(${JSON.stringify(test)}))\n`,
      )
      return { contents: `import { describe } from 'node:test'\n${suites.join('')}`, resolveDir: root }
    })
  },
})

const bundleOf = (test: string): string => join(folder, relative(root, test).replace(/\.ts$/, '.mjs'))

/** Whether a test, or a module of the tests that it imports, has such a line. */
function has(pattern: RegExp, file: string, seen = new Set<string>()): boolean {
  if (seen.has(file)) return false
  seen.add(file)
  const text = readFileSync(file, 'utf8')
  const imported = [...text.matchAll(/ from '(\.[^']+)'/g)].map(([, path = '']) => resolve(dirname(file), path))
  const own = imported.filter((path) => path.startsWith(join(root, 'test/')) && existsSync(path))
  return pattern.test(text) || own.some((path) => has(pattern, path, seen))
}

/** By the name of their bundle. */
function groupsOf(files: readonly string[]): Map<string, string[]> {
  const groups = new Map<string, string[]>()
  for (const file of files) {
    const name = `group:${relative(root, dirname(file))}`
    let n = 1
    while ((groups.get(`${name}/${n}`)?.length ?? 0) >= MOST_TOGETHER) n += 1
    groups.set(`${name}/${n}`, [...(groups.get(`${name}/${n}`) ?? []), file])
  }
  return groups
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
const options: BuildOptions = {
  ...{ absWorkingDir: root, outdir: folder, outbase: root, outExtension: { '.js': '.mjs' }, logLevel: 'warning' },
  // Names: classes of jobs are found by theirs.
  ...{ bundle: true, keepNames: true, format: 'esm', platform: 'node', target: 'node20' },
  ...{ packages: 'external', conditions: ['source'] },
  ...{ sourcemap: 'linked', sourcesContent: false },
  define: { 'import.meta.url': 'ownUrl', 'import.meta.dirname': 'ownFolder' },
}
const loaded = tests.filter((test) => has(needsLoader, test))
const alone = tests.filter((test) => !loaded.includes(test) && has(needsOwnProcess, test))
const groups = groupsOf(tests.filter((test) => ![...loaded, ...alone].includes(test)))
const programs = join(root, 'test/fixtures/programs')
const entryPoints = [...alone, ...readdirSync(programs).map((program) => join(programs, program))]
const groupPoints = [...groups.keys()].map((name) => ({ in: name, out: name.replace('group:test', 'together') }))
await Promise.all([
  build({ ...options, entryPoints, splitting: true, plugins: [sources] }),
  build({ ...options, entryPoints: groupPoints, plugins: [grouped(groups), sources] }),
])
for (const test of loaded) {
  mkdirSync(dirname(bundleOf(test)), { recursive: true })
  writeFileSync(bundleOf(test), `import 'tsx'\nawait import(${JSON.stringify(pathToFileURL(test).href)})\n`)
}
const bundles = [...[...loaded, ...alone].map(bundleOf), ...groupPoints.map(({ out }) => join(folder, `${out}.mjs`))]
process.stdout.write(bundles.map((bundle) => `${bundle}\n`).join(''))

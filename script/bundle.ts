/**
 * Bundles the programs of this package into dist/: a process starts several times faster from a few files than from a
 * thousand. There is one copy of each module: what the public API and job processes import is in dist/core.cjs, what they need only for Redis in
 * dist/store.cjs, and what else programs share in dist/chunks. Libraries are bundled too, with their licences in dist/THIRD-PARTY.txt.
 *   node --import tsx script/bundle.ts
 */
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { build, type BuildOptions } from 'esbuild'
import type { Libraries } from '../config/library.ts'
import { esModuleOf, requiresFiles, toCommonJs, withoutGetters } from './bundle-commonjs.ts'
import { buildLayers, importsLayers, placeOf } from './bundle-layers.ts'
import { ioredisIsFast, nodeWhenUsed, nodeWithoutGetters, plainTextIsFast, yargsIsFast } from './bundle-plugins.ts'
import { external } from './externals.ts'

const root = new URL('../', import.meta.url).pathname
const dist = join(root, 'dist')

const API = 'runtime/index.ts'
const CHILD = 'runtime/worker/launchers/spawn/child.ts'
/** What workers share with job processes: a worker loads no system calls for it. */
const OF_WORKERS = ['runtime/worker/stack/stack-format.ts', 'runtime/worker/lease/dead-processes.ts']
const SYSTEM = 'runtime/worker/launchers/spawn/system.ts'
/** By the name of the file that is made. */
const entryPoints = {
  index: API,
  testing: 'runtime/testing/index.ts',
  web: 'web/index.ts',
  command: 'cli/program.ts',
  zygote: 'runtime/worker/launchers/fork/zygote/core/main.ts',
  'app-build': 'runtime/worker/launchers/fork/app-build/main.ts',
  'spawn-child': CHILD,
}

/** What applications import: an ES module beside the CommonJS that is shared with `require`. */
const PUBLIC = ['index', 'testing', 'web']
/** ES modules, which wait for others when they start. */
const PROGRAMS = ['zygote', 'app-build', 'spawn-child']

/** The names of the packages that files of node_modules belong to. */
function packagesOf(files: readonly string[]): string[] {
  const names = files.map((file) => /.*\bnode_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[0])
  return [...new Set(names.filter((name) => name !== undefined))].sort()
}

function licence(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as {
    name: string
    version: string
    license: string
  }
  const file = readdirSync(join(root, folder)).find((each) => /^(licen[cs]e|copying)/i.test(each))
  const text = file === undefined ? `Licence: ${license}` : readFileSync(join(root, folder, file), 'utf8').trim()
  return `${name} ${version}\n\n${text}\n`
}

/** Where a file is, as esbuild writes it in place of `import.meta.url`. */
const OWN_URL = "const ownUrl=require('node:url').pathToFileURL(__filename).href;"
const IN_MODULE = "const ownUrl=import.meta.url,require=process.getBuiltinModule('module').createRequire(ownUrl);"
const hasSourceMaps = process.env['SOURCE_MAPS'] === '1'
const plugins = [plainTextIsFast, yargsIsFast, nodeWithoutGetters]

const options: BuildOptions & { absWorkingDir: string; metafile: true } = {
  absWorkingDir: root,
  outdir: dist,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  define: { 'import.meta.url': 'ownUrl', 'import.meta.resolve': 'require.resolve' },
  legalComments: 'none',
  metafile: true,
  // For `npm run coverage`, which finds the sources by them.
  sourcemap: hasSourceMaps ? 'linked' : false,
  sourcesContent: false,
  logLevel: 'warning',
  external: [...external],
  plugins,
}

const { layers, imported, built: builtLayers } = await buildLayers([API, CHILD, ...OF_WORKERS], SYSTEM, dist, options)
const built = await build({
  ...options,
  entryPoints: { ...entryPoints, ...imported },
  chunkNames: 'chunks/[name]-[hash]',
  bundle: true,
  splitting: true,
  plugins: [importsLayers(root, layers), ...plugins],
})

const libraries: Record<Exclude<keyof Libraries, `node:${string}`>, true> = { ioredis: true, pino: true, yaml: true }
const builtLibraries = await build({
  ...options,
  entryPoints: Object.keys(libraries),
  outdir: join(dist, 'libraries'),
  outExtension: { '.js': '.cjs' },
  bundle: true,
  format: 'cjs',
  sourcemap: false,
  plugins: [nodeWhenUsed, ioredisIsFast],
  // Not the names: ioredis takes those of its errors from their classes.
  minifySyntax: true,
  minifyWhitespace: true,
})

const outputs = [built, ...builtLayers].flatMap(({ metafile }) => Object.entries(metafile.outputs))
const made = new Set(outputs.map(([file]) => join(root, file)))

/** A file as esbuild has made it, with the layers in their places. */
function madeText(file: string): string {
  const made = readFileSync(file, 'utf8')
    // In comments only, and Node reads a file that has none in half the time.
    .replace(/[^\0-\x7f]/g, '-')
  return layers.reduce((all, { name }) => {
    const to = relative(dirname(file), join(dist, `${name}.cjs`))
    return all.replaceAll(`"${placeOf(name)}"`, `"${to.startsWith('.') ? to : `./${to}`}"`)
  }, made)
}

/** A file as it is shipped, in place of what esbuild has made. */
function finish(file: string): void {
  const text = madeText(file)
  const name = basename(file, '.js')
  const header = (line: string, made: string): string => (/\bownUrl\b/.test(made) ? line + made : made)
  if (file.endsWith('.cjs')) {
    return writeFileSync(file, header(OWN_URL, withoutGetters(requiresFiles(text))))
  }
  if (PROGRAMS.includes(name)) return writeFileSync(file, IN_MODULE + requiresFiles(text))
  const made = toCommonJs(text, relative(root, file))
  writeFileSync(file.replace(/\.js$/, '.cjs'), header(OWN_URL, made))
  if (PUBLIC.includes(name)) writeFileSync(file, esModuleOf(name, text))
  else rmSync(file)
}

for (const file of made) if (!file.endsWith('.map')) finish(file)
const chunks = join(dist, 'chunks')
for (const name of existsSync(chunks) ? readdirSync(chunks) : [])
  if (!made.has(join(chunks, name.replace(/\.cjs$/, '.js')))) rmSync(join(chunks, name))
// Browsers run it, so it is a file of its own.
const htmx = 'node_modules/htmx.org/dist/htmx.min.js'
copyFileSync(join(root, htmx), join(dist, 'htmx.js'))
const inputs = [...builtLayers, built, builtLibraries]
  .flatMap(({ metafile }) => Object.keys(metafile.inputs))
  .filter((file) => !/^node[\w-]*:/.test(file))
const texts = packagesOf([...inputs, htmx]).map(licence)
writeFileSync(join(dist, 'THIRD-PARTY.txt'), `This package contains parts of these:\n\n${texts.join('\n---\n\n')}`)

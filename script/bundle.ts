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
import { buildLayers, importsLayers, placeOf } from './bundle-layers.ts'
import { ioredisIsFast, nodeWhenUsed, nodeWithoutGetters, plainTextIsFast } from './bundle-plugins.ts'
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

const REQUIRE = "const require=process.getBuiltinModule('module').createRequire(import.meta.url);\n"
const hasSourceMaps = process.env['SOURCE_MAPS'] === '1'
const plugins = [plainTextIsFast, nodeWithoutGetters]

const options: BuildOptions & { absWorkingDir: string; metafile: true } = {
  absWorkingDir: root,
  outdir: dist,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  // Libraries in CommonJS ask for Node's own modules by `require`.
  banner: { js: REQUIRE },
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
  banner: {},
  sourcemap: false,
  plugins: [nodeWhenUsed, ioredisIsFast],
  // Not the names: ioredis takes those of its errors from their classes.
  minifySyntax: true,
  minifyWhitespace: true,
})

const outputs = [built, ...builtLayers].flatMap(({ metafile }) => Object.entries(metafile.outputs))
const made = new Set(outputs.map(([file]) => join(root, file)))
/** Only of esbuild's own functions: what takes none of them need not load it. Source maps count the line. */
const helpers = outputs.filter(([, { inputs }]) => Object.keys(inputs).length === 0).map(([file]) => basename(file))

/** A file as it is shipped, of how esbuild has made it. */
function finished(file: string): string {
  const made = readFileSync(file, 'utf8')
    .replace(/^import "[./]*(?:chunks\/)?([^/"]+)";\n/gm, (line, name: string) =>
      helpers.includes(name) ? '\n' : line,
    )
    // In comments only, and Node reads a file that has none in half the time.
    .replace(/[^\0-\x7f]/g, '-')
  const text = layers.reduce((all, { name }) => {
    const to = relative(dirname(file), join(dist, `${name}.cjs`))
    return all.replaceAll(`"${placeOf(name)}"`, `"${to.startsWith('.') ? to : `./${to}`}"`)
  }, made)
  // What asks for it by another chunk's function needs none itself. Source maps count its line.
  return hasSourceMaps || /\brequire\b/.test(text.replace(REQUIRE, '')) ? text : text.replace(REQUIRE, '')
}

for (const file of made) if (!file.endsWith('.map')) writeFileSync(file, finished(file))
const chunks = join(dist, 'chunks')
for (const name of existsSync(chunks) ? readdirSync(chunks) : [])
  if (!made.has(join(chunks, name))) rmSync(join(chunks, name))
// Browsers run it, so it is a file of its own.
const htmx = 'node_modules/htmx.org/dist/htmx.min.js'
copyFileSync(join(root, htmx), join(dist, 'htmx.js'))
const inputs = [...builtLayers, built, builtLibraries]
  .flatMap(({ metafile }) => Object.keys(metafile.inputs))
  .filter((file) => !file.startsWith('node:'))
const texts = packagesOf([...inputs, htmx]).map(licence)
writeFileSync(join(dist, 'THIRD-PARTY.txt'), `This package contains parts of these:\n\n${texts.join('\n---\n\n')}`)

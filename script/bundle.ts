/**
 * Bundles the programs of this package into dist/: a process starts several times faster from a few files than from a
 * thousand. There is one copy of each module: what the public API and job processes import is in dist/core.js, and what else programs share is
 * in dist/chunks. Libraries are bundled too, with their licences in dist/THIRD-PARTY.txt.
 *   node --import tsx script/bundle.ts
 */
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { build, type BuildOptions, type Plugin } from 'esbuild'
import type { Libraries } from '../config/library.ts'
import { nodeWithoutGetters, plainTextIsFast } from './bundle-plugins.ts'
import { external } from './externals.ts'

const root = new URL('../', import.meta.url).pathname
const dist = join(root, 'dist')

const API = 'runtime/index.ts'
const CHILD = 'runtime/worker/launchers/spawn/child.ts'
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
/** In an import: dist/core.js, wherever the importing file is made. */
const CORE = '@core'

const options: BuildOptions & { metafile: true } = {
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
}

/** Files that dist/core.js imports when it first needs them, by the name of the file that is made. */
const late: Record<string, string> = {}
const importsLate: Plugin = {
  name: 'imports late',
  setup(bundle) {
    bundle.onResolve({ filter: /^\./ }, ({ path, kind, resolveDir }) => {
      if (kind !== 'dynamic-import') return undefined
      const name = `chunks/${path.replace(/^.*\/|\.ts$/g, '')}`
      late[name] = relative(root, join(resolveDir, path))
      return { path: `./${name}.js`, external: true }
    })
  },
}

/** The modules that the public API and each job process import, and the names that each exports. */
async function coreModules(): Promise<Map<string, string[]>> {
  const plugins = [importsLate, nodeWithoutGetters]
  const whole = await build({
    ...options,
    entryPoints: [API, CHILD],
    bundle: true,
    write: false,
    external: [...external],
    plugins,
  })
  const files = Object.keys(whole.metafile.inputs).filter((file) => /^[\w./-]+\.ts$/.test(file) && file !== CHILD)
  const each = await build({ ...options, sourcemap: false, entryPoints: files, outbase: root, write: false })
  return new Map(Object.values(each.metafile.outputs).map(({ entryPoint = '', exports }) => [entryPoint, exports]))
}

const core = await coreModules()
/** What dist/core.js calls an export: modules may have names in common. */
const inCore = (file: string, name: string): string => `${name}_${[...core.keys()].indexOf(file)}`
const renamed = (file: string): string =>
  (core.get(file) ?? []).map((name) => `${name} as ${inCore(file, name)}`).join(', ')

const plugins = [plainTextIsFast, nodeWithoutGetters]
const builtCore = await build({
  ...options,
  stdin: {
    contents: [...core.keys()].map((file) => `export { ${renamed(file)} } from './${file}'`).join('\n'),
    resolveDir: root,
    sourcefile: 'core.ts',
  },
  outfile: join(dist, 'core.js'),
  outdir: undefined,
  bundle: true,
  external: [...external],
  plugins: [importsLate, ...plugins],
})

const importsCore: Plugin = {
  name: 'imports core',
  setup(bundle) {
    bundle.onResolve({ filter: /^\.|\.ts$/ }, ({ path, resolveDir }) => {
      const file = relative(root, join(resolveDir, path))
      return core.has(file) ? { path: file, namespace: 'core', sideEffects: false } : undefined
    })
    bundle.onResolve({ filter: new RegExp(`^${CORE}$`) }, () => ({ path: CORE, external: true }))
    bundle.onLoad({ filter: /./, namespace: 'core' }, ({ path }) => {
      const names = (core.get(path) ?? []).map((name) => `${inCore(path, name)} as ${name}`)
      return { contents: `export { ${names.join(', ')} } from '${CORE}'` }
    })
  },
}
const built = await build({
  ...options,
  entryPoints: { ...entryPoints, ...late },
  chunkNames: 'chunks/[name]-[hash]',
  bundle: true,
  splitting: true,
  external: [...external],
  plugins: [importsCore, ...plugins],
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
  // Not the names: ioredis takes those of its errors from their classes.
  minifySyntax: true,
  minifyWhitespace: true,
})

const outputs = { ...built.metafile.outputs, ...builtCore.metafile.outputs }
const made = new Set(Object.keys(outputs).map((file) => join(root, file)))
for (const file of made) {
  if (file.endsWith('.map')) continue
  const to = relative(dirname(file), join(dist, 'core.js'))
  const text = readFileSync(file, 'utf8').replaceAll(`"${CORE}"`, `"${to.startsWith('.') ? to : `./${to}`}"`)
  // What asks for it by another chunk's function needs none itself. Source maps count its line.
  const isNeeded = hasSourceMaps || /\brequire\b/.test(text.replace(REQUIRE, ''))
  writeFileSync(file, isNeeded ? text : text.replace(REQUIRE, ''))
}
const chunks = join(dist, 'chunks')
for (const name of existsSync(chunks) ? readdirSync(chunks) : [])
  if (!made.has(join(chunks, name))) rmSync(join(chunks, name))
// Browsers run it, so it is a file of its own.
const htmx = 'node_modules/htmx.org/dist/htmx.min.js'
copyFileSync(join(root, htmx), join(dist, 'htmx.js'))
const inputs = [builtCore, built, builtLibraries]
  .flatMap(({ metafile }) => Object.keys(metafile.inputs))
  .filter((file) => !file.startsWith('node:'))
const texts = packagesOf([...inputs, htmx]).map(licence)
writeFileSync(join(dist, 'THIRD-PARTY.txt'), `This package contains parts of these:\n\n${texts.join('\n---\n\n')}`)

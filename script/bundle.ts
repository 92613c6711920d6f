/**
 * Bundles the programs of this package into dist/: a process starts several times faster from a few files than from a
 * thousand. What they share is in dist/chunks, so that there is one copy of each module in a process. Libraries are
 * bundled too, with their licences in dist/THIRD-PARTY.txt.
 *   node --import tsx script/bundle.ts
 */
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { builtinModules, createRequire } from 'node:module'
import { join } from 'node:path'
import { build, type Plugin } from 'esbuild'
import type { Libraries } from '../config/library.ts'
import { external } from './externals.ts'

const root = new URL('../', import.meta.url).pathname
const dist = join(root, 'dist')

/** By the name of the file that is made. */
const entryPoints = {
  index: 'runtime/index.ts',
  testing: 'runtime/testing/index.ts',
  web: 'web/index.ts',
  command: 'cli/program.ts',
  zygote: 'runtime/worker/launchers/fork/zygote/core/main.ts',
  'app-build': 'runtime/worker/launchers/fork/app-build/main.ts',
  'spawn-child': 'runtime/worker/launchers/spawn/child.ts',
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

/**
 * Plain text is as wide as it is long. string-width splits every text into graphemes, with expressions that take Node 20 ms to
 * compile: it is loaded for the first text that needs it.
 */
const plainTextIsFast: Plugin = {
  name: 'plain text is fast',
  setup(bundle) {
    bundle.onLoad({ filter: /\bstring-width\/index\.js$/ }, ({ path, suffix }) => {
      if (suffix !== '') return undefined
      const whole = JSON.stringify(`${path}?whole`)
      // The version that cli-table3 requires is CommonJS, that which yargs imports is a module.
      const exported = readFileSync(path, 'utf8').includes('module.exports') ? 'module.exports =' : 'export default'
      const contents = `${exported} (text, options) =>
        typeof text === 'string' && /^[ -~]*$/.test(text) ? text.length : require(${whole}).default(text, options)`
      return { contents, loader: 'js' }
    })
  },
}

/**
 * An import of a module of Node's also loads what its getters lead to, such as fs.promises and all that it needs: a quarter
 * of the start of a process. So it is taken as `require` gives it, and with the names that are no getters.
 */
const nodeWithoutGetters: Plugin = {
  name: 'node without getters',
  setup(bundle) {
    const filter = new RegExp(`^(?:node:)?(?:${builtinModules.join('|')})$`)
    bundle.onResolve({ filter }, ({ path, kind }) =>
      kind === 'import-statement' ? { path, namespace: 'node', sideEffects: false } : undefined,
    )
    bundle.onLoad({ filter: /.*/, namespace: 'node' }, ({ path }) => {
      const module = createRequire(import.meta.url)(path) as object
      const names = Object.entries(Object.getOwnPropertyDescriptors(module))
        .filter(([name, property]) => property.get === undefined && name !== 'default' && /^[a-z]\w*$/i.test(name))
        .map(([name]) => name)
      return {
        contents: `const module=process.getBuiltinModule(${JSON.stringify(path)})\nexport default module\n${names
          .map((name) => `export const ${name}=/* @__PURE__ */(()=>module.${name})()\n`)
          .join('')}`,
      }
    })
  },
}

const REQUIRE = "const require=process.getBuiltinModule('module').createRequire(import.meta.url);\n"

const built = await build({
  absWorkingDir: root,
  entryPoints,
  outdir: dist,
  chunkNames: 'chunks/[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  external: [...external],
  plugins: [plainTextIsFast, nodeWithoutGetters],
  // Libraries in CommonJS ask for Node's own modules by `require`.
  banner: { js: REQUIRE },
  legalComments: 'none',
  metafile: true,
  // For `npm run coverage`, which finds the sources by them.
  sourcemap: process.env.SOURCE_MAPS === '1' ? 'linked' : false,
  sourcesContent: false,
  logLevel: 'warning',
})

const libraries: Record<Exclude<keyof Libraries, `node:${string}`>, true> = { ioredis: true, pino: true, yaml: true }
const loadedLate = await build({
  absWorkingDir: root,
  entryPoints: Object.keys(libraries),
  outdir: join(dist, 'libraries'),
  outExtension: { '.js': '.cjs' },
  bundle: true,
  format: 'cjs',
  platform: 'node',
  target: 'node20.19',
  // Not the names: ioredis takes those of its errors from their classes.
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
})

const made = new Set(Object.keys(built.metafile.outputs).map((file) => join(root, file)))
// What asks for it by another chunk's function needs none itself.
for (const file of made) {
  const text = readFileSync(file, 'utf8')
  if (!/\brequire\b/.test(text.replace(REQUIRE, ''))) writeFileSync(file, text.replace(REQUIRE, ''))
}
const chunks = join(dist, 'chunks')
for (const name of existsSync(chunks) ? readdirSync(chunks) : [])
  if (!made.has(join(chunks, name))) rmSync(join(chunks, name))
// Browsers run it, so it is a file of its own.
const htmx = 'node_modules/htmx.org/dist/htmx.min.js'
copyFileSync(join(root, htmx), join(dist, 'htmx.js'))
const texts = packagesOf([...Object.keys({ ...built.metafile.inputs, ...loadedLate.metafile.inputs }), htmx]).map(
  licence,
)
writeFileSync(join(dist, 'THIRD-PARTY.txt'), `This package contains parts of these:\n\n${texts.join('\n---\n\n')}`)

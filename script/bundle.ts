/**
 * Bundles the programs of this package into dist/: a process starts several times faster from a few files than from a
 * thousand. What they share is in dist/chunks, so that there is one copy of each module in a process. Libraries are
 * bundled too, with their licences in dist/THIRD-PARTY.txt.
 *   node --import tsx script/bundle.ts
 */
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build, type Plugin } from 'esbuild'
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
 * Plain text is as wide as it is long. string-width splits every text into graphemes, which takes 40 ms of the 165 of
 * `runtime --help` (Node 20).
 */
const plainTextIsFast: Plugin = {
  name: 'plain text is fast',
  setup(bundle) {
    bundle.onLoad({ filter: /\bstring-width\/index\.js$/ }, ({ path }) => {
      const source = readFileSync(path, 'utf8')
      const begin = /^export default function stringWidth\(string, .*\{$/m
      if (!begin.test(source)) return { contents: source, loader: 'js' }
      const fast = "if (typeof string === 'string' && /^[ -~]*$/.test(string)) return string.length"
      const contents = source
        .replace(begin, (line) => `${line}\n${fast}`)
        .replace('const segmenter = new Intl.Segmenter()', 'let segmenter')
        .replace('segmenter.segment(', '(segmenter ??= new Intl.Segmenter()).segment(')
      return { contents, loader: 'js' }
    })
  },
}

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
  plugins: [plainTextIsFast],
  // Libraries in CommonJS ask for Node's own modules by `require`.
  banner: { js: "import{createRequire as __require_of}from'node:module';const require=__require_of(import.meta.url);" },
  legalComments: 'none',
  metafile: true,
  // For `npm run coverage`, which finds the sources by them.
  sourcemap: process.env.SOURCE_MAPS === '1' ? 'linked' : false,
  sourcesContent: false,
  logLevel: 'warning',
})

const made = new Set(Object.keys(built.metafile.outputs).map((file) => join(root, file)))
const chunks = join(dist, 'chunks')
for (const name of existsSync(chunks) ? readdirSync(chunks) : [])
  if (!made.has(join(chunks, name))) rmSync(join(chunks, name))
// Browsers run it, so it is a file of its own.
const htmx = 'node_modules/htmx.org/dist/htmx.min.js'
copyFileSync(join(root, htmx), join(dist, 'htmx.js'))
const texts = packagesOf([...Object.keys(built.metafile.inputs), htmx]).map(licence)
writeFileSync(join(dist, 'THIRD-PARTY.txt'), `This package contains parts of these:\n\n${texts.join('\n---\n\n')}`)

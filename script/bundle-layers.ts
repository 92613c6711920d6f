/**
 * The files that programs of dist/ share. dist/core.cjs has what the public API and each job process import when they start, dist/store.cjs
 * what they need once a function of {@link CALLED_LATE} is called, so a process that never talks to Redis does not compile the store, and
 * dist/system.cjs the system calls of job processes. They are CommonJS: a loader of TypeScript, such as tsx, gives `require` a copy of its
 * own of an ES module, and with it a second default client and errors of another class.
 */
import { join, relative } from 'node:path'
import { build, type BuildOptions, type Plugin } from 'esbuild'

/** Modules whose functions load dist/store.cjs when they are first called. */
const CALLED_LATE = [
  'config/load.ts',
  'config/redis-url.ts',
  'runtime/store/store.ts',
  'runtime/store/connection/connection.ts',
  'runtime/store/runs/runs.ts',
  'runtime/store/runs/run-kinds.ts',
  'runtime/workflow/definitions/combinators.ts',
  'scheduler/entries/dynamic.ts',
]

/** What the builds of all files have in common. */
type Options = BuildOptions & { absWorkingDir: string; metafile: true }

/** A file that programs import, of modules that are in no other file. */
export interface Layer {
  /** `core`, `store`, `system`: of the file in dist/. */
  name: string
  /** Each module's exports. */
  exports: Map<string, string[]>
}

/** In an import: the layer's file, wherever the importing file is made. */
export const placeOf = (layer: string): string => `@${layer}`

/** What a layer's file calls an export: modules may have names in common. */
const inLayer = ({ exports }: Layer, file: string, name: string): string =>
  `${name}_${[...exports.keys()].indexOf(file)}`

/** What was imported by `import()`, by the name of the file that is to be made. */
const imported: Record<string, string> = {}

/** Leaves what is imported by `import()` to a file of its own. */
function importsDynamically(root: string): Plugin {
  return {
    name: 'imports dynamically',
    setup(bundle) {
      bundle.onResolve({ filter: /^\./ }, ({ path, kind, resolveDir }) => {
        if (kind !== 'dynamic-import') return undefined
        const name = `chunks/${path.replace(/^.*\/|\.ts$/g, '')}`
        imported[name] = relative(root, join(resolveDir, path))
        return { path: `./${name}.js`, external: true }
      })
    },
  }
}

/** Makes the functions of {@link CALLED_LATE} load the layer that has them. */
function callsLate(root: string, layer: Layer): Plugin {
  return {
    name: 'calls late',
    setup(bundle) {
      bundle.onResolve({ filter: /^\..*\.ts$/ }, ({ path, resolveDir }) => {
        const file = relative(root, join(resolveDir, path))
        return CALLED_LATE.includes(file) ? { path: file, namespace: 'late', sideEffects: false } : undefined
      })
      bundle.onResolve({ filter: /^@/, namespace: 'late' }, ({ path }) => ({ path, external: true }))
      bundle.onLoad({ filter: /./, namespace: 'late' }, async ({ path }) => {
        const module = (await import(join(root, path))) as Record<string, unknown>
        const lines = Object.entries(module)
          .filter(([, value]) => isPlainFunction(value))
          .map(([name]) => `export const ${name} = (...args) => load().${inLayer(layer, path, name)}(...args)`)
        return { contents: [`const load = () => require('${placeOf(layer.name)}')`, ...lines].join('\n') }
      })
    },
  }
}

const isPlainFunction = (value: unknown): boolean =>
  typeof value === 'function' && !String(value).startsWith('class') && Object.keys(value).length === 0

/** Takes the modules of layers from their files. */
export function importsLayers(root: string, layers: readonly Layer[]): Plugin {
  return {
    name: 'imports layers',
    setup(bundle) {
      // A copy for each importer: shared, each would be a file of its own, and loading a file takes longer than what it has in it.
      bundle.onResolve({ filter: /^\.|\.ts$/ }, ({ path, resolveDir, importer, kind }) => {
        const file = relative(root, join(resolveDir, path))
        const layer = layers.find(({ exports }) => exports.has(file))
        if (layer && kind === 'dynamic-import') return { path: placeOf(layer.name), external: true }
        const suffix = `?${relative(root, importer)}`
        return layer && { path: file, suffix, namespace: 'layer', pluginData: layer, sideEffects: false }
      })
      bundle.onResolve({ filter: /^@/, namespace: 'layer' }, ({ path }) => ({ path, external: true }))
      bundle.onLoad({ filter: /./, namespace: 'layer' }, ({ path, pluginData }) => {
        const layer = pluginData as Layer
        const names = (layer.exports.get(path) ?? []).map((name) => `${inLayer(layer, path, name)} as ${name}`)
        return { contents: `export { ${names.join(', ')} } from '${placeOf(layer.name)}'` }
      })
    },
  }
}

/** The modules that the entries import when they start, and are in no other layer. */
async function layer(
  name: string,
  entries: readonly string[],
  others: readonly Layer[],
  options: Options,
): Promise<Layer> {
  const root = options.absWorkingDir
  const plugins = [importsDynamically(root), importsLayers(root, others), ...(options.plugins ?? [])]
  const isFirst = others.length === 0
  const late: Layer = { name: '', exports: new Map() }
  const whole = await build({
    ...options,
    entryPoints: [...entries],
    outdir: root,
    bundle: true,
    write: false,
    plugins: isFirst ? [callsLate(root, late), ...plugins] : plugins,
  })
  const files = Object.keys(whole.metafile.inputs).filter((file) => /^[\w./-]+\.ts$/.test(file))
  const each = await build({
    ...options,
    sourcemap: false,
    entryPoints: files,
    outbase: root,
    write: false,
    external: undefined,
    plugins: [],
  })
  const outputs = Object.values(each.metafile.outputs).filter(({ exports }) => exports.length > 0)
  return { name, exports: new Map(outputs.map(({ entryPoint = '', exports }) => [entryPoint, exports])) }
}

/**
 * Makes dist/core.cjs, dist/store.cjs and dist/system.cjs. `imported`: the files that these import by `import()`, by the name of the file that
 * the caller is to make.
 * @param entries the programs whose imports are in dist/core.cjs
 * @param system the module that `import()` of dist/system.cjs gives
 */
export async function buildLayers(entries: readonly string[], system: string, dist: string, options: Options) {
  const root = options.absWorkingDir
  const core = await layer('core', entries, [], options)
  const store = await layer('store', CALLED_LATE, [core], options)
  const calls = await layer('system', [system], [core, store], options)
  const layers = [core, store, calls]
  const imports = [callsLate(root, store), importsLayers(root, [core]), importsLayers(root, [core, store])]
  const made = layers.map((each, at) => {
    const { name, exports } = each
    const lines = [...exports].map(([file, names]) => {
      const renamed = names.map((one) => `${one} as ${inLayer(each, file, one)}`)
      return `export { ${[...renamed, ...(file === system ? names : [])].join(', ')} } from './${file}'`
    })
    const others = imports[at] as Plugin
    return build({
      ...options,
      format: 'cjs',
      stdin: { contents: lines.join('\n'), resolveDir: root, sourcefile: `${name}.ts` },
      outfile: join(dist, `${name}.cjs`),
      outdir: undefined,
      bundle: true,
      plugins: [importsDynamically(root), others, ...(options.plugins ?? [])],
    })
  })
  const built = await Promise.all(made)
  const apart = Object.entries(imported).filter(([, file]) => !layers.some(({ exports }) => exports.has(file)))
  return { layers, built, imported: Object.fromEntries(apart) }
}

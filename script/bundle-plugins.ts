// What the build changes in what it bundles, so that a process starts faster.
import { readFileSync } from 'node:fs'
import { builtinModules, createRequire } from 'node:module'
import { relative } from 'node:path'
import type { Plugin } from 'esbuild'

/**
 * Plain text is as wide as it is long. string-width splits every text into graphemes, with expressions that take Node 20 ms to
 * compile: it is loaded for the first text that needs it.
 */
export const plainTextIsFast: Plugin = {
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
export const nodeWithoutGetters: Plugin = {
  name: 'node without getters',
  setup(bundle) {
    const filter = new RegExp(`^(?:node:)?(?:${builtinModules.join('|')})$`)
    // A copy for each importer: shared, each would be a file of its own.
    bundle.onResolve({ filter }, ({ path, kind, importer }) =>
      kind === 'import-statement'
        ? { path, namespace: 'node', suffix: `?${relative(process.cwd(), importer)}`, sideEffects: false }
        : undefined,
    )
    bundle.onLoad({ filter: /.*/, namespace: 'node' }, ({ path }) => {
      const get = `process.getBuiltinModule(${JSON.stringify(path)})`
      const names = Object.entries(Object.getOwnPropertyDescriptors(createRequire(import.meta.url)(path) as object))
        .filter(([name, property]) => property.get === undefined && name !== 'default' && /^[a-z]\w*$/i.test(name))
        .map(([name]) => name)
      // Made of functions, which can load it when they are called.
      const isLate = /\b(?:assert|fs\/promises)$/.test(path)
      const one = (name: string): string =>
        isLate ? `(...args)=>${get}.${name}(...args)` : `/* @__PURE__ */(()=>module.${name})()`
      return {
        contents: `const module=/* @__PURE__ */${get}\nexport default module\n${names
          .map((name) => `export const ${name}=${one(name)}\n`)
          .join('')}`,
      }
    })
  },
}

// What the build changes in what it bundles, so that a process starts faster.
import { readFileSync } from 'node:fs'
import { builtinModules, createRequire } from 'node:module'
import { relative } from 'node:path'
import { promisify } from 'node:util'
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

/** What yargs does at each start and for nothing here: it looks for a package.json of the program's version. */
const YARGS = ['yargs.version();', '']

/** A command's start and its help, without what plain text does not need. */
export const yargsIsFast: Plugin = {
  name: 'yargs is fast',
  setup(bundle) {
    bundle.onLoad({ filter: /\byargs\/build\/lib\/yargs-factory\.js$/ }, ({ path }) => ({
      contents: replacedOnce(path, readFileSync(path, 'utf8'), YARGS),
    }))
    // It checks how yargs calls itself.
    bundle.onLoad({ filter: /\byargs\/build\/lib\/argsert\.js$/ }, () => ({ contents: 'export function argsert() {}' }))
    bundle.onLoad({ filter: /\bwrap-ansi\/index\.js$/ }, ({ path }) => ({
      // A line that fits is not wrapped, whatever its options.
      contents: `${replacedOnce(path, readFileSync(path, 'utf8'), ['export default function', 'function'])}
        export default (text, columns, options) =>
          text.length <= columns && /^[!-~](?:[ -~]*[!-~])?$/.test(text) ? text : wrapAnsi(text, columns, options)`,
    }))
  },
}

/** @throws Error when the text does not stand in it once */
function replacedOnce(path: string, all: string, [text = '', by = '']: readonly string[]): string {
  if (all.split(text).length !== 2) throw new Error(`${path}: expected once, to change it: ${text}`)
  return all.replace(text, by)
}

/** Modules of Node's that take long to load; their functions load them when they are called. */
const LOADED_LATE = /\b(?:assert|child_process|crypto|fs\/promises|os|timers\/promises)$/

/** What holds needs no words of `assert` for it. */
const CHECKS: Readonly<Record<string, string>> = {
  strictEqual: 'Object.is(args[0],args[1])||',
  notStrictEqual: '!Object.is(args[0],args[1])||',
}

/**
 * The names of a module of Node's that a file imports, or, where it takes the whole module, has in its text: the list of all names
 * differs by version, and with it the build would.
 */
function namesIn(module: object, path: string, file: string): string[] {
  const text = readFileSync(file, 'utf8')
  const imported = [...text.matchAll(/\bimport\s[^;*'"]*\{([^}]*)\}\s*from\s*['"]([^'"]+)['"]/g)]
    .filter(([, , from]) => from === path)
    .map(([, names = '']) => names)
  const words = new Set((imported.length > 0 ? imported.join(' ') : text).match(/\w+/g))
  return Object.getOwnPropertyNames(module)
    .filter((name) => words.has(name))
    .sort()
}

/** A function that can be called by another one: no class, and nothing that `promisify` knows. */
const isPlainFunction = (name: string, value: unknown): value is (...args: unknown[]) => unknown =>
  typeof value === 'function' && /^[a-z]/.test(name) && !(promisify.custom in value)

/**
 * An import of a module of Node's also loads what its getters lead to, such as fs.promises and all that it needs: a quarter
 * of the start of a process. So it is taken as `require` gives it, and only names that the importer uses are read. Which
 * names are getters differs by version of Node: node:async_hooks has some from 24 on.
 */
export const nodeWithoutGetters: Plugin = {
  name: 'node without getters',
  setup(bundle) {
    const filter = new RegExp(`^(?:node:)?(?:${builtinModules.join('|')})$`)
    // A copy for each importer: shared, each would be a file of its own.
    bundle.onResolve({ filter }, ({ path, kind, importer }) =>
      kind === 'import-statement'
        ? {
            path,
            namespace: 'node',
            suffix: `?${relative(process.cwd(), importer)}`,
            sideEffects: false,
            pluginData: importer,
          }
        : undefined,
    )
    bundle.onLoad({ filter: /.*/, namespace: 'node' }, ({ path, pluginData }) => {
      const get = `process.getBuiltinModule(${JSON.stringify(path)})`
      const isLate = LOADED_LATE.test(path)
      const module = createRequire(import.meta.url)(path) as Record<string, unknown>
      const exports = namesIn(module, path, pluginData as string)
        .filter((name) => name !== 'default' && /^[a-z]\w*$/i.test(name))
        .map((name) => [name, isLate ? module[name] : undefined] as const)
      const one = (name: string, value: unknown): string =>
        isLate && isPlainFunction(name, value)
          ? `(...args)=>${CHECKS[name] ?? ''}${get}.${name}(...args)`
          : `/* @__PURE__ */(()=>all.${name})()`
      return {
        contents: `const all=/* @__PURE__ */${get}\nexport default all\n${exports
          .map(([name, value]) => `export const ${name}=${one(name, value)}\n`)
          .join('')}`,
      }
    })
  },
}

/** Modules of Node's that take long to load, and that libraries ask for at their start though they seldom use them. */
const USED_SELDOM = ['assert', 'crypto', 'dns', 'tls', 'worker_threads']

/** Gives libraries those modules when they use something of them: a connection without TLS needs no cryptography. */
export const nodeWhenUsed: Plugin = {
  name: 'node when used',
  setup(bundle) {
    bundle.onResolve({ filter: new RegExp(`^(?:node:)?(?:${USED_SELDOM.join('|')})$`) }, ({ path, kind, importer }) =>
      kind === 'require-call'
        ? { path, namespace: 'node-when-used', suffix: `?${relative(process.cwd(), importer)}`, pluginData: importer }
        : undefined,
    )
    bundle.onLoad({ filter: /.*/, namespace: 'node-when-used' }, ({ path, pluginData }) => {
      const module = createRequire(import.meta.url)(path) as Record<string, unknown>
      const made = typeof module === 'function' ? '(...args) => get()(...args)' : '{}'
      const lines = namesIn(module, path, pluginData as string).map((name) =>
        isPlainFunction(name, module[name])
          ? `${name}: { enumerable: true, value: (...args) => get().${name}(...args) }`
          : `${name}: { enumerable: true, get: () => get().${name} }`,
      )
      return {
        contents: `const get = () => process.getBuiltinModule(${JSON.stringify(path)})
          module.exports = Object.defineProperties(${made}, {${lines.join(',\n')}})`,
      }
    })
  },
}

const SLOW_TO_TABLE = (prototype: string): string =>
  `{ const it = ${prototype}; it.$a = it.$b = 1; delete it.$a; delete it.$b }\n`

/**
 * What is changed in ioredis, by file: each text stands in it once. It defines five hundred methods one after another on a prototype, three
 * times, and V8 copies the list of all properties for each one: half of the time that the library takes to load. A prototype from which a
 * property was deleted is a table, to which one is added at once. It makes an object of each command's flags, and the library of its debugging
 * output asks what terminal this is. Its own client for clusters is not used (runtime/store/connection/cluster.ts).
 */
const IOREDIS: Readonly<Record<string, readonly [text: string, by: string][]>> = {
  'commands/built/index.js': [
    ['exports.list.forEach(', '[].forEach('],
    ['if (!flags[commandName])', 'if (!commandMetadata[commandName])'],
    ['Boolean(flags[commandName][flag])', 'commandMetadata[commandName].flags.includes(flag)'],
  ],
  'utils/debug.js': [
    [
      'const debug_1 = require("debug");',
      'const debug_1 = process.env.DEBUG ? require("debug") : { default: () => ({}) };',
    ],
  ],
  'utils/Commander.js': [['commands.forEach(', `${SLOW_TO_TABLE('Commander.prototype')}commands.forEach(`]],
  'utils/applyMixin.js': [
    ['Object.getOwnPropertyNames(', `${SLOW_TO_TABLE('derivedConstructor.prototype')}Object.getOwnPropertyNames(`],
  ],
  'Redis.js': [
    ['const cluster_1 = require("./cluster");', ''],
    ['Redis.Cluster = cluster_1.default;', ''],
  ],
  'index.js': [
    [
      `var cluster_1 = require("./cluster");
Object.defineProperty(exports, "Cluster", { enumerable: true, get: function () { return cluster_1.default; } });`,
      '',
    ],
  ],
}

/** Makes ioredis load in half the time. */
export const ioredisIsFast: Plugin = {
  name: 'ioredis is fast',
  setup(bundle) {
    bundle.onLoad({ filter: /\b(?:ioredis|commands)\/built\/.*\.js$/ }, ({ path }) => {
      const changes = IOREDIS[path.replace(/.*\/(?:ioredis\/built|@ioredis)\//, '')]
      if (!changes) return undefined
      return { contents: changes.reduce((all, change) => replacedOnce(path, all, change), readFileSync(path, 'utf8')) }
    })
  },
}

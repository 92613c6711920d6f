/**
 * Makes CommonJS of what esbuild has split into ES modules. Node's loader of ES modules takes a millisecond a file, and Node 20 and 22 parse
 * a whole file of CommonJS for its names before an ES module imports it: 30 ms for dist/core.cjs.
 */

/** Of one file to others of dist/. */
const IMPORT = /^import \{([^}]*)\} from ("\.[^"]*"|"[^".@]+");$/gm
/** Nothing of ours does anything when it is loaded, except programs. */
const FOR_EFFECTS = /^import "\.[^"]*";$/gm
const DEFAULT_IMPORT = /^import (\w+) from ("[^".][^"]*");$/gm
const LATE_IMPORT = /\bimport\(("\.[^"]*")\)/g
const EXPORT = /^export \{([^}]*)\};?$/m

const renamed = (names: string): string => names.replace(/(\w+) as (\w+)/g, '$1: $2')
const exported = (names: string): string => names.replace(/(\w+) as (\w+)/g, '$2: $1')
const place = (file: string): string => file.replace(/\.js"$/, '.cjs"')

/** Imports of files of dist/, also by `import()`, as `require`. Lines stay where they are: source maps count them. */
export function requiresFiles(text: string): string {
  return text
    .replace(FOR_EFFECTS, '')
    .replace(IMPORT, (_, names: string, file: string) => `const {${renamed(names)}} = require(${place(file)});`)
    .replace(DEFAULT_IMPORT, 'const $1 = require($2);')
    .replace(LATE_IMPORT, (_, file: string) => `Promise.resolve().then(() => require(${place(file)}))`)
}

/** @throws Error when one of them gets another value later: importers have the value of when the file is loaded */
function checkConstant(text: string, names: readonly string[], file: string): void {
  for (const name of names) {
    const sets = text.match(new RegExp(`(?<![\\w$.])${name} (?:[-+*/|&?]*=(?!=)|\\+\\+|--)`, 'g')) ?? []
    if (sets.length > 1) throw new Error(`${file}: expected what it exports to stay as it is, ${name} is set again`)
  }
}

/**
 * A whole file.
 * @throws Error when it has what this does not know
 */
export function toCommonJs(text: string, file: string): string {
  const names = EXPORT.exec(text)?.[1] ?? ''
  checkConstant(text, names.match(/\w+(?=(?: as \w+)?(?:,|\s*$))/g) ?? [], file)
  const made = requiresFiles(text).replace(EXPORT, (_, list: string) => `Object.assign(exports, {${exported(list)}});`)
  const left = /^(?:import|export)\b.*|^(?:var|let|const|function|class) (?:exports|require)\b.*/m.exec(made)
  if (left) throw new Error(`${file}: expected no such line: ${left[0]}`)
  return `"use strict";${made}`
}

/**
 * What esbuild itself has made CommonJS, with exports that are values: it defines a getter for each name, and copies them. No source
 * has an `export let`, of which importers would have the first value.
 */
export function withoutGetters(text: string): string {
  const [getters = '', list = ''] = /^__export\(\w+, \{([^}]*)\}\);$/m.exec(text) ?? []
  const pairs = [...list.matchAll(/(\w+): \(\) => (\w+)/g)]
  const values = pairs.map(([, name, local]) => `${name}: ${local}`)
  return text
    .replace(getters, getters.replace(/[^\n]+/g, ''))
    .replace(/^module\.exports = __toCommonJS\(\w+\);$/m, '')
    .concat(`module.exports = { ${values.join(', ')} };\n`)
}

/** An ES module with the exports of the CommonJS file beside it. */
export function esModuleOf(name: string, text: string): string {
  const names = (EXPORT.exec(text)?.[1] ?? '').match(/\w+(?=,|\s*$)/g) ?? []
  return `import all from "./${name}.cjs";\nexport const { ${names.join(', ')} } = all;\n`
}

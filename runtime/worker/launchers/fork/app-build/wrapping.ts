const EXPORTS = /^__export\(\w+, \{$([\s\S]*?)^\}\);$/m
const EXPORT_NAME = /^\s+("(?:[^"\\]|\\.)*"|[\w$]+): \(\) =>/gm
const EXPORT_ALL = /^__reExport\(\w+, require\("([^"]+)"\), module\.exports\);$/gm
/** What esbuild writes for exports, and of them in comments. */
const MADE =
  /^\s*\/\/.*$|^module\.exports = __toCommonJS\(\w+\);$|^0 && \(module\.exports = \{[^}]*\}\);$|, module\.exports\);$/gm

/** True where a module's text exports as CommonJS does, and not by what esbuild made of `export`. */
export function isWrittenAsCommonJs(code: string): boolean {
  return /\bmodule\.exports\b|\bexports\.\w+\s*=/.test(code.replace(MADE, ''))
}

/** What {@link wrapCommonJs} has to know of a module. */
export interface Wrapped {
  /** Specifiers of the application's own files by the name that requires them. */
  specifiers: ReadonlyMap<string, string>
  /** True for the name of a file that is an ES module. */
  isEsm: (name: string) => boolean
  /** What gives the module its `require`, by the text of an object that has its ES modules by name. */
  header: (modules: string) => string
}

/**
 * An ES module around a CommonJS that esbuild has made of `import` and `export`: it imports the ES modules that the text
 * requires, runs the text, and exports what it exports. So `import x from` a package means what it means in CommonJS.
 * No line is added before the text, so that source maps stay right.
 */
export function wrapCommonJs(code: string, { specifiers, isEsm, header }: Wrapped): string {
  const names = [...specifiers.keys()].filter(isEsm)
  const imports = names.map((name, i) => `import * as __esm${i} from ${JSON.stringify(specifiers.get(name))};`)
  const modules = `{ ${names.map((name, i) => `${JSON.stringify(name)}: __esm${i}`).join(', ')} }`
  const [, block = ''] = EXPORTS.exec(code) ?? []
  const exported = [...block.matchAll(EXPORT_NAME)].map(([, name = '']) => name)
  const all = [...code.matchAll(EXPORT_ALL)].map(
    ([, name = '']) => `export * from ${JSON.stringify(specifiers.get(name) ?? name)};`,
  )
  const outs = exported.map((name, i) => `const __out${i} = __module.exports[${quoted(name)}];`)
  const list = exported.map((name, i) => `__out${i} as ${name}`)
  return [
    `${imports.join(' ')} const __module = { exports: {} }; (function (exports, require, module, __filename, __dirname) { `,
    `${header(modules)} ${code}\n}).call(__module.exports, __module.exports, undefined, __module);\n`,
    `${outs.join(' ')} export { ${list.join(', ')} }; ${all.join(' ')}`,
  ].join('')
}

const quoted = (name: string): string => (name.startsWith('"') ? name : JSON.stringify(name))

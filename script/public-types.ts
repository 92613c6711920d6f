/**
 * Copies the type declarations that the public API reaches into dist/types: of the files that the compiler has written
 * for all sources, a user's compiler reads only these.
 * Types of libraries that are bundled are written out, so that users need not install those.
 *   node --import tsx script/public-types.ts FOLDER
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import ts from 'typescript'

const from = resolve(process.argv[2] ?? '')
const dist = new URL('../dist/types/', import.meta.url).pathname

function reach(file: string, seen: Set<string>): Set<string> {
  if (seen.has(file)) return seen
  seen.add(file)
  const text = readFileSync(file, 'utf8')
  for (const [, specifier = ''] of text.matchAll(/(?:from|import) ?\(?'(\.[^']+)'/g))
    reach(resolve(file, '..', specifier.replace(/\.[jt]s$/, '.d.ts')), seen)
  return seen
}

const entries = ['runtime/index.d.ts', 'runtime/testing/index.d.ts', 'web/index.d.ts']
const reached = entries.reduce((seen, entry) => reach(join(from, entry), seen), new Set<string>())
rmSync(dist, { recursive: true, force: true })
for (const file of reached) {
  const name = relative(from, file)
  mkdirSync(dirname(join(dist, name)), { recursive: true })
  writeFileSync(join(dist, name), name === 'config/schema.d.ts' ? configTypes() : withoutClient(file))
}

/** The client of Redis is internal: no public function takes or gives one. */
function withoutClient(file: string): string {
  return readFileSync(file, 'utf8').replace(/^import (?:type )?\{ (.*) \} from 'ioredis';$/m, (_line, names: string) =>
    names
      .split(', ')
      .map((name) => `declare class ${name.replace('type ', '')} { [name: string]: any }`)
      .join(' '),
  )
}

/** The settings, without the schema that they are inferred from. */
function configTypes(): string {
  const file = join(dist, '../../config/schema.ts')
  const options = { module: ts.ModuleKind.NodeNext, strict: true, allowImportingTsExtensions: true, noEmit: true }
  const program = ts.createProgram([file], options)
  const checker = program.getTypeChecker()
  const source = program.getSourceFile(file)
  const exported = source && checker.getSymbolAtLocation(source)?.exports
  const text = ['Config', 'Place'].map((name) => {
    const symbol = exported?.get(name as ts.__String)
    if (!symbol) throw new Error(`config/schema.ts: expected the type ${name}`)
    return `export type ${name} = ${shape(checker.getDeclaredTypeOfSymbol(symbol), checker)};\n`
  })
  return text.join('')
}

/** A type of data, written out. */
function shape(type: ts.Type, checker: ts.TypeChecker): string {
  if (type.isUnion()) return type.types.map((each) => shape(each, checker)).join(' | ')
  if (!(type.flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection))) return checker.typeToString(type)
  if (checker.isArrayType(type))
    return `readonly (${checker
      .getTypeArguments(type as ts.TypeReference)
      .map((each) => shape(each, checker))
      .join()})[]`
  const index = checker.getIndexInfosOfType(type).map((info) => `[name: string]: ${shape(info.type, checker)}`)
  const members = type.getProperties().map((property) => {
    const optional = property.flags & ts.SymbolFlags.Optional ? '?' : ''
    return `readonly ${property.name}${optional}: ${shape(checker.getTypeOfSymbol(property), checker)}`
  })
  return `{ ${[...index, ...members].join('; ')} }`
}

import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, extname, join, sep } from 'node:path'
import { getTsconfig, type Cache, type TsConfigJsonResolved } from 'get-tsconfig'

/** What a built file is. */
export type ModuleFormat = 'esm' | 'cjs'

/** The format that a file's ending or its nearest package.json says, by Node's own rules; undefined when neither does. */
export function declaredFormat(file: string): ModuleFormat | undefined {
  const type = extname(file)[1]
  if (type === 'm') return 'esm'
  if (type === 'c') return 'cjs'
  return packageType(dirname(file)) === 'module' ? 'esm' : undefined
}

function packageType(folder: string): unknown {
  const file = join(folder, 'package.json')
  if (existsSync(file)) return (JSON.parse(readFileSync(file, 'utf8')) as { type?: unknown }).type
  return dirname(folder) === folder ? undefined : packageType(dirname(folder))
}

/** What a file's tsconfig.json asks for beyond what esbuild and tsx do by themselves. */
export interface CompilerSettings {
  /** `emitDecoratorMetadata`: the types of what is decorated, at run time. */
  metadata: boolean
  /** `jsx` is left for another compiler, and there is none. */
  keepsJsx: boolean
  /** Path and content, `extends` resolved. */
  tsconfig: { path: string; config: TsConfigJsonResolved } | undefined
}

const cache: Cache = new Map()

/** What a file's nearest tsconfig.json asks for. It is read once in a process. */
export function compilerSettingsOf(file: string): CompilerSettings {
  const tsconfig = getTsconfig(dirname(file), 'tsconfig.json', cache) ?? undefined
  const { emitDecoratorMetadata, experimentalDecorators, jsx } = tsconfig?.config.compilerOptions ?? {}
  return {
    metadata: emitDecoratorMetadata === true && experimentalDecorators === true,
    keepsJsx: jsx === 'preserve' || jsx === 'react-native',
    tsconfig,
  }
}

const SOURCE_TYPES = ['.ts', '.mts', '.cts', '.tsx', '.js', '.mjs', '.cjs', '.jsx']
const OTHER_FOLDERS = ['node_modules', 'dist', 'build', 'coverage', 'test', 'tests', 'bench']

const DECLARATION = /\.d\.[cm]?ts$/

/** What node cannot load as it is. */
export const isTypeScript = (file: string): boolean => /\.([cm]?ts|[jt]sx)$/.test(file) && !DECLARATION.test(file)

/** Modules that a build may have to touch: those of the application itself, not of packages. */
export function isSource(file: string, root: string): boolean {
  return (
    file.startsWith(root + sep) &&
    !file.includes(`${sep}node_modules${sep}`) &&
    SOURCE_TYPES.includes(extname(file)) &&
    !DECLARATION.test(file)
  )
}

/** Every source file below the root, for an application that computes what it imports. Folders of other things are left out. */
export function findSources(root: string): string[] {
  return readdirSync(root, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name.startsWith('.')) return []
    const path = join(root, entry.name)
    if (entry.isDirectory()) return OTHER_FOLDERS.includes(entry.name) ? [] : findSources(path)
    return SOURCE_TYPES.includes(extname(path)) && !DECLARATION.test(path) ? [path] : []
  })
}

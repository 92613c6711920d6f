import { existsSync, readFileSync } from 'node:fs'
import { dirname, extname, join } from 'node:path'
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

import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import type { ModuleFormat, CompilerSettings } from './project-files.ts'

/** A file whose decorators want the types of what they decorate (`emitDecoratorMetadata`), which esbuild cannot tell them. */
export interface DecoratedFile {
  file: string
  source: string
  format: ModuleFormat
  tsconfig: CompilerSettings['tsconfig']
}

/** What is used of TypeScript's API. */
interface TypeScript {
  convertCompilerOptionsFromJson: (options: unknown, folder: string) => { options: Record<string, unknown> }
  transpileModule: (source: string, how: { fileName: string; compilerOptions: unknown }) => { outputText: string }
  ModuleKind: { CommonJS: unknown; ESNext: unknown }
  ScriptTarget: { ES2022: number }
}

/** What is used of swc's API. */
interface Swc {
  transform: (source: string, options: object) => Promise<{ code: string }>
}

/** It is TypeScript and may have a decorator. */
export const hasDecorators = (file: string, source: string): boolean =>
  /\.[cm]?tsx?$/.test(file) && /(^|[\s(,])@[\w$(]/m.test(source)

/**
 * JavaScript of a decorated file, its source map inline, made with the `typescript` or `@swc/core` that the application
 * has installed. @throws Error when it has neither
 */
export async function compileWithMetadata(decorated: DecoratedFile): Promise<string> {
  const { file } = decorated
  const typescript = installed<TypeScript>('typescript', file)
  if (typescript?.transpileModule) return withTypeScript(typescript, decorated)
  const swc = installed<Swc>('@swc/core', file)
  if (swc) return withSwc(swc, decorated)
  throw new Error(
    `${file}: its tsconfig.json asks for emitDecoratorMetadata, which needs a compiler; expected the package typescript or @swc/core, found neither. Install one, or take the setting out`,
  )
}

function installed<T>(name: string, file: string): T | undefined {
  try {
    return createRequire(file)(name) as T
  } catch (error) {
    if ((error as { code?: unknown }).code === 'MODULE_NOT_FOUND') return undefined
    throw error
  }
}

function withTypeScript(typescript: TypeScript, { file, source, format, tsconfig }: DecoratedFile): string {
  const given = tsconfig?.config.compilerOptions ?? {}
  const { options } = typescript.convertCompilerOptionsFromJson(given, dirname(tsconfig?.path ?? file))
  const { ES2022 } = typescript.ScriptTarget
  const { outputText } = typescript.transpileModule(source, {
    fileName: file,
    compilerOptions: {
      ...options,
      // esbuild lowers the rest; how fields are set stays as the user's target has it.
      useDefineForClassFields:
        options.useDefineForClassFields ?? (typeof options.target === 'number' && options.target >= ES2022),
      target: ES2022,
      module: format === 'cjs' ? typescript.ModuleKind.CommonJS : typescript.ModuleKind.ESNext,
      moduleResolution: undefined,
      verbatimModuleSyntax: format === 'cjs' ? false : options.verbatimModuleSyntax,
      importHelpers: false,
      noEmit: false,
      emitDeclarationOnly: false,
      declaration: false,
      declarationMap: false,
      composite: false,
      incremental: false,
      sourceMap: false,
      inlineSourceMap: true,
      inlineSources: false,
    },
  })
  return outputText
}

async function withSwc(swc: Swc, { file, source, format, tsconfig }: DecoratedFile): Promise<string> {
  const { target, useDefineForClassFields } = tsconfig?.config.compilerOptions ?? {}
  const definesFields = useDefineForClassFields ?? /^es(2022|2023|2024|2025|next)$/i.test(target ?? '')
  const { code } = await swc.transform(source, {
    filename: file,
    swcrc: false,
    configFile: false,
    sourceMaps: 'inline',
    module: { type: format === 'cjs' ? 'commonjs' : 'es6' },
    jsc: {
      target: 'es2022',
      keepClassNames: true,
      parser: { syntax: 'typescript', decorators: true, tsx: file.endsWith('x') },
      transform: {
        legacyDecorator: true,
        decoratorMetadata: true,
        useDefineForClassFields: definesFields,
        react: { runtime: 'automatic' },
      },
    },
  })
  return code
}

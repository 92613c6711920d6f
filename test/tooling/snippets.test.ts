// What the README and docs/ show compiles for users with the strictest settings, against the types that are published.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { it } from 'node:test'
import ts from 'typescript'
import { ROOT } from '../support/process.ts'

const strictest: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2023,
  lib: ['lib.es2023.d.ts'],
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  types: ['node'],
  noEmit: true,
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noPropertyAccessFromIndexSignature: true,
  noUncheckedSideEffectImports: true,
  noImplicitOverride: true,
  noImplicitReturns: true,
  noFallthroughCasesInSwitch: true,
  allowUnreachableCode: false,
  allowUnusedLabels: false,
  verbatimModuleSyntax: true,
  isolatedModules: true,
  erasableSyntaxOnly: true,
}

/**
 * What a page's snippets use and do not show, as one line: it stands in place of the page's title. A page without an
 * entry shows all that it uses.
 */
const given: Record<string, string> = {
  'docs/composition.md': `
    import { Job, templates, type Infer } from 'resque-runtime'; import { z } from 'zod';
    class Task1 extends Job { perform() {} } class Task2 extends Job { perform(_: { x: number }) {} }
    class Task3 extends Job { perform() {} } class Task4 extends Job { perform() {} }
    class EnrichDoc extends Job { perform() {} } class IndexDoc extends Job { perform() {} }`,
  'docs/dashboard.md': `
    declare const isAdmin: (request: Request) => Promise<boolean>;
    declare const app: { use(path: string, node: unknown): void; all(path: string, on: (c: { req: { raw: Request } }) => Promise<Response>): void };`,
  'docs/from-rush.md': `import { Job } from 'resque-runtime';`,
  'docs/from-gush.md': `import { Job, Workflow } from 'resque-runtime';`,
  'docs/jobs.md': `import { z } from 'zod'; import type { Infer } from 'resque-runtime';`,
  'docs/pipelines.md': `import { Job } from 'resque-runtime';`,
  'docs/scheduler.md': `
    import { Job } from 'resque-runtime'; class ReminderJob extends Job { perform(_: string) {} }
    class DigestJob extends Job { static queue = 'low'; perform(_: string) {} }`,
  'docs/workflows.md': `
    declare const readRows: (path: string) => { sku: string }[];
    class ImportXmlJob extends Job { perform() {} } class DownloadCsvJob extends Job { perform(_: { path: string }) {} }
    class ImportRowJob extends Job { perform(_: { sku: string }) {} } class GenReportJob extends Job { perform() {} }`,
}

/** Packages that snippets show and that are not installed here. */
const packages = `declare module '@sentry/node' {
  export function init(options: { dsn?: string | undefined }): void
  export function captureException(error: Error, about: { tags: Record<string, string>; extra: Record<string, unknown> }): string
  export function flush(timeoutMs: number): Promise<boolean>
}
declare module 'vitest' {
  export function afterAll(run: () => unknown): void
  export function it(name: string, run: () => unknown): void
  export function expect(value: unknown): { toEqual(to: unknown): void; rejects: { toThrow(message: string): Promise<void> } }
}`

/** A module for each page, or for each snippet that names a file. Its lines are those of the page. */
function modulesOf(page: string): [path: string, text: string][] {
  const lines = readFileSync(join(ROOT, page), 'utf8').split('\n')
  const modules = new Map<string, string[]>()
  let at: string | undefined
  lines.forEach((line, i) => {
    const fence = /^\s*```(?:(\w+)(?: (\S+))?)?\s*$/.exec(line)
    const isCode = /^(ts|typescript|tsx)$/.test(fence?.[1] ?? '')
    if (fence) at = at === undefined && isCode ? `${page}${fence[2] ? `/${fence[2]}` : '.ts'}` : undefined
    else if (at !== undefined) modules.set(at, [...pad(modules.get(at) ?? [titleOf(page)], i), line])
  })
  return [...modules].map(([path, text]) => [path, text.join('\n')])
}

const titleOf = (page: string): string => `${(given[page] ?? '').replaceAll('\n', ' ')} export {};`
const pad = (lines: string[], to: number): string[] => [...lines, ...Array<string>(to - lines.length).fill('')]

it('all snippets of the README and docs/ compile with the strictest settings', () => {
  const pages = [
    'README.md',
    ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md'))
      .map((name) => `docs/${name}`),
  ]
  const modules = new Map(pages.flatMap(modulesOf).map(([path, text]) => [join(ROOT, path), text]))
  assert.ok(modules.size >= 8, 'the snippets were found')
  modules.set(join(ROOT, 'docs/packages.d.ts'), packages)
  const folders = new Set([...modules.keys()].map((path) => dirname(path)))
  const host = ts.createCompilerHost(strictest)
  const disk = ts.createCompilerHost(strictest)
  host.fileExists = (path) => modules.has(path) || disk.fileExists(path)
  host.directoryExists = (path) => folders.has(path) || ts.sys.directoryExists(path)
  host.readFile = (path) => modules.get(path) ?? disk.readFile(path)
  host.getSourceFile = (path, options, ...more) =>
    modules.has(path)
      ? ts.createSourceFile(path, modules.get(path) ?? '', options, true)
      : disk.getSourceFile(path, options, ...more)
  const program = ts.createProgram([...modules.keys()], strictest, host)
  const ours = program.getSourceFiles().filter(({ fileName }) => fileName.startsWith(join(ROOT, 'dist/')))
  assert.ok(ours.length > 0, 'the published types are used')
  const found = [
    ...program.getOptionsDiagnostics(),
    ...program.getGlobalDiagnostics(),
    ...[...ours, ...[...modules.keys()].flatMap((path) => program.getSourceFile(path) ?? [])].flatMap((file) => [
      ...program.getSyntacticDiagnostics(file),
      ...program.getSemanticDiagnostics(file),
    ]),
  ]
  assert.equal(
    ts.formatDiagnostics(found, {
      getCanonicalFileName: (name) => name,
      getCurrentDirectory: () => ROOT,
      getNewLine: () => '\n',
    }),
    '',
  )
})

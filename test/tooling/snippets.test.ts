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

/** What the examples of docstrings use beside the public API. */
const ofExamples = `import { Job, Workflow } from 'resque-runtime'
  export { z } from 'zod'
  export { createServer } from 'node:http'
  export class ReminderJob extends Job {
    static queue = 'high'
    async perform(userId: string, opts?: { urgent: boolean }) { return { reminded: userId, urgent: opts?.urgent ?? false } }
  }
  export class DownloadJob extends Job { async perform({ path }: { path: string }) { return { path } } }
  export class ReportJob extends Job { perform() {} }
  export class ImportWorkflow extends Workflow { configure(path: string) { this.run(DownloadJob, { params: { path } }) } }`

const declarations = readdirSync(join(ROOT, 'dist/types'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.d.ts'))
  .map((name) => `dist/types/${name}`)

/** Where examples find names: by module, what a type is and what a value. */
const sources: readonly [module: string, names: readonly string[]][] = [
  ['./of-examples.js', ['z', 'createServer', 'ReminderJob', 'DownloadJob', 'ReportJob', 'ImportWorkflow']],
  ...(['runtime/index', 'runtime/testing/index', 'web/index'] as const).map((path): [string, string[]] => {
    const text = readFileSync(join(ROOT, `dist/types/${path}.d.ts`), 'utf8')
    const lists = [...text.matchAll(/^export (type )?\{([^}]+)\}/gm)].flatMap(([, type = '', list = '']) =>
      list.split(',').flatMap((name) => (name.trim() === '' ? [] : [`${type}${name.trim()}`])),
    )
    const own = [...text.matchAll(/^export (?:declare )?(function|interface) (\w+)/gm)].map(
      ([, kind, name = '']) => `${kind === 'interface' ? 'type ' : ''}${name}`,
    )
    return [
      `resque-${path.replace('runtime/index', 'runtime').replace('/index', '').replace(/^web/, 'runtime/web')}`,
      [...lists, ...own],
    ]
  }),
]

/** The examples of a file's docstrings: a module for each, with the imports that it leaves out in its first line. */
function examplesOf(path: string): [path: string, text: string][] {
  const text = readFileSync(join(ROOT, path), 'utf8')
  return [...text.matchAll(/@example\s+\* ```ts\n([\s\S]*?) \* ```/g)].map(([, body = ''], i) => {
    const code = body.replaceAll(/^ *\* ?/gm, '')
    const isUsed = (name: string): boolean =>
      new RegExp(`\\b${name}\\b`).test(code) && !new RegExp(`(class|const|function) ${name}\\b(?! =)`).test(code)
    const imports = sources.map(([module, names]) => {
      const used = names.filter((name) => isUsed(name.replace('type ', '')))
      return used.length === 0 ? '' : `import { ${used.join(', ')} } from '${module}';`
    })
    return [
      `docs/examples/${path.replace('.d.ts', '').replaceAll('/', '-')}-${i}.ts`,
      `${imports.join(' ')} export {};\n${code}`,
    ]
  })
}

it('all snippets of the README, docs/ and docstrings compile with the strictest settings', () => {
  const pages = [
    'README.md',
    ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
      // The reference shows signatures; its examples are those of the docstrings.
      .filter((name) => name.endsWith('.md') && !name.startsWith('reference'))
      .map((name) => `docs/${name}`),
  ]
  const modules = new Map(pages.flatMap(modulesOf).map(([path, text]) => [join(ROOT, path), text]))
  assert.ok(modules.size >= 8, 'the snippets were found')
  const examples = declarations.flatMap(examplesOf)
  assert.ok(examples.length > 80, 'the examples were found')
  for (const [path, text] of examples) modules.set(join(ROOT, path), text)
  modules.set(join(ROOT, 'docs/examples/of-examples.ts'), ofExamples)
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
  undocumented(program)
})

/** Each export says what it is and has an example; each function and constructor of ours says what it throws. */
function undocumented(program: ts.Program): void {
  const checker = program.getTypeChecker()
  const wrong: string[] = []
  for (const path of ['runtime/index', 'runtime/testing/index', 'web/index']) {
    const file = program.getSourceFile(join(ROOT, `dist/types/${path}.d.ts`))
    const module = file && checker.getSymbolAtLocation(file)
    assert.ok(module, path)
    for (const name of checker.getExportsOfModule(module)) {
      const symbol = name.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(name) : name
      const tags = symbol.getJsDocTags(checker).map((tag) => tag.name)
      const isFunction = (symbol.flags & ts.SymbolFlags.Function) !== 0
      if (symbol.getDocumentationComment(checker).length === 0) wrong.push(`${name.name}: says nothing`)
      if (!tags.includes('example')) wrong.push(`${name.name}: has no @example`)
      if (isFunction && !tags.includes('throws') && name.name !== 'close') wrong.push(`${name.name}: has no @throws`)
    }
  }
  assert.deepEqual(wrong, [])
}

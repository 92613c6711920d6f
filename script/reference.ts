/**
 * Makes docs/reference/ from the docstrings of the published types, dist/types.
 *   node --import tsx script/reference.ts [--check]     --check: says whether it is as the docstrings are
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { Application, DeclarationReflection, type ProjectReflection, ReflectionKind } from 'typedoc'

const root = new URL('../', import.meta.url).pathname

/** The files of the public API, as package.json exports them. */
const ENTRIES = ['runtime/index.d.ts', 'runtime/testing/index.d.ts', 'web/index.d.ts']

const INDEX = `# Reference

What each module exports: types, errors, an example each. Made from the docstrings by \`npm run docs\`; do not edit these pages.

- [resque-runtime](resque-runtime.md): jobs, enqueueing, workflows, pipelines, schedules
- [resque-runtime/testing](resque-runtime/testing.md): helpers for tests
- [resque-runtime/web](resque-runtime/web.md): the dashboard in an application's own server

Examples leave out the import of what they show. \`ReminderJob\`, \`ReportJob\`, \`DownloadJob\` and \`ImportWorkflow\` stand for classes of
your own, \`z\` for zod. [errors.md](../errors.md) describes the codes of errors, [configuration.md](../configuration.md) all settings.
Every command has \`--help\`.
`

/**
 * Exports, and members of exported classes and interfaces, without a docstring. Left out: what a symbol names, and what
 * typedoc finds in a mapped type, where no docstring can be.
 */
function undocumented(project: ProjectReflection): string[] {
  const exported = ReflectionKind.SomeExport & ~ReflectionKind.Enum
  const members = ReflectionKind.Property | ReflectionKind.Method | ReflectionKind.Accessor
  const owners = ReflectionKind.Class | ReflectionKind.Interface
  return project
    .getReflectionsByKind(exported | members)
    .filter((one) => one.kindOf(exported) || one.parent?.kindOf(owners) === true)
    .filter((one) => !one.name.startsWith('[') && one.parent?.name !== 'Workflow' && !one.hasComment())
    .filter(
      (one) => !(one instanceof DeclarationReflection && one.getNonIndexSignatures().some((each) => each.hasComment())),
    )
    .map((one) => one.getFriendlyFullName())
}

async function write(folder: string): Promise<void> {
  const options = {
    entryPoints: ENTRIES.map((path) => join(root, 'dist/types', path)),
    out: folder,
    tsconfig: join(root, 'script/reference.json'),
    plugin: ['typedoc-plugin-markdown'],
    readme: 'none',
    disableSources: true,
    excludePrivate: true,
    excludeInternal: true,
    excludeExternals: true,
    logLevel: 'Warn',
    validation: { notExported: false, invalidLink: true },
    ...{ hidePageHeader: true, hideBreadcrumbs: true, outputFileStrategy: 'modules', useCodeBlocks: true },
    ...{
      parametersFormat: 'table',
      interfacePropertiesFormat: 'table',
      typeDeclarationFormat: 'table',
      expandParameters: true,
    },
  }
  const app = await Application.bootstrapWithPlugins(options as never)
  const project = await app.convert()
  if (!project) throw new Error('typedoc: expected types under dist/types, found none that compile; run script/build')
  const bare = undocumented(project)
  if (bare.length > 0)
    throw new Error(`expected a docstring at each export and its members, found none at ${bare.join(', ')}`)
  await app.generateOutputs(project)
  writeFileSync(join(folder, 'README.md'), INDEX)
  // The plugin numbers the anchor of WorkflowRun, of which there is one heading.
  const page = join(folder, 'resque-runtime.md')
  writeFileSync(page, readFileSync(page, 'utf8').replaceAll('(#workflowrun-1)', '(#workflowrun)'))
}

/** The pages of a folder: text by name. */
const pagesOf = (folder: string): Map<string, string> =>
  new Map(
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md'))
      .map((name) => [name, readFileSync(join(folder, name), 'utf8')]),
  )

const committed = join(root, 'docs/reference')
if (process.argv.includes('--check')) {
  const folder = mkdtempSync(join(tmpdir(), 'reference-'))
  try {
    await write(folder)
    if (!isDeepStrictEqual(pagesOf(folder), pagesOf(committed))) {
      console.error('docs/reference: expected it as the docstrings are; run npm run docs')
      process.exitCode = 1
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
} else await write(committed)

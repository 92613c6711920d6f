import { optionsOn } from '../runtime/jobs/options.ts'
import type { ClassResolver } from '../runtime/workflow/pipelines/definition.ts'
import { didYouMean } from '../config/did-you-mean.ts'
import { RuntimeError } from '../runtime/core/errors.ts'
import type { Registered, Registry } from '../runtime/jobs/registry.ts'
import { appDefaults, defaultsFile, type Template } from '../runtime/workflow/templates/template.ts'
import { parseLossless } from '../runtime/core/codec.ts'
import type { Workflow, WorkflowClass } from '../runtime/workflow/definitions/workflow.ts'

type Kind = Registered['kind']

/** The command that starts one of each kind, and the code for a name that none has. */
const kinds: Record<Kind, { command: string; code: 'ERR_UNKNOWN_CLASS' | 'ERR_TEMPLATE' }> = {
  job: { command: 'runtime enqueue', code: 'ERR_UNKNOWN_CLASS' },
  workflow: { command: 'runtime workflow run', code: 'ERR_UNKNOWN_CLASS' },
  template: { command: 'runtime template run', code: 'ERR_TEMPLATE' },
}

/**
 * What the application exports by this name as this kind.
 * @throws RuntimeError ERR_UNKNOWN_CLASS (ERR_TEMPLATE for a template) that lists the names there are, or says which
 *   command starts what has this name
 */
export function exportNamed(registry: Registry, kind: Kind, name: string): Registered {
  const found = registry.find(name)
  if (found?.kind === kind) return found
  const { code } = kinds[kind]
  if (found)
    throw new RuntimeError(
      code,
      `${name}: expected a ${kind}, it is a ${found.kind}; write: ${kinds[found.kind].command} ${name}`,
    )
  const names = registry.list().flatMap((entry) => (entry.kind === kind ? [entry.name] : []))
  throw new RuntimeError(
    code,
    names.length === 0
      ? `${name}: expected a ${kind} of this application, but none is exported under its jobs folders`
      : `${name}: expected one of ${names.join(', ')}${didYouMean(name, names)}`,
  )
}

/** A template and the file that exports it. */
export interface FoundTemplate {
  template: Template
  file: string
}

/** The application's templates, by name. */
export function templatesOf(registry: Registry): FoundTemplate[] {
  return registry
    .list()
    .flatMap(({ kind, definition, file }) => (kind === 'template' ? [{ template: definition as Template, file }] : []))
}

/** A template by its name. @throws RuntimeError ERR_TEMPLATE that names those there are */
export function templateNamed(registry: Registry, name: string): FoundTemplate {
  const { definition, file } = exportNamed(registry, 'template', name)
  return { template: definition as Template, file }
}

/** Names in the file of defaults that no template has: most likely misspelt. */
export function unknownDefaults(registry: Registry, root: string): string[] {
  const names = templatesOf(registry).map(({ template }) => template.name)
  return Object.keys(appDefaults(root)).flatMap((name) =>
    names.includes(name) ? [] : [`${defaultsFile}: ${name}: expected the name of a template${didYouMean(name, names)}`],
  )
}

/** The workflow class of a name; its statics are its own copy of the package. @throws RuntimeError ERR_UNKNOWN_CLASS */
export function workflowNamed(
  registry: Registry,
  name: string,
): WorkflowClass & Pick<typeof Workflow, 'createOn' | 'compile'> {
  return exportNamed(registry, 'workflow', name).definition as WorkflowClass & typeof Workflow
}

/** One argument of the command line, as JSON. @throws RuntimeError ERR_USAGE */
export function jsonArgument(text: string, what = `argument ${text}`): unknown {
  try {
    return parseLossless(text)
  } catch {
    throw new RuntimeError(
      'ERR_USAGE',
      `${what}: expected JSON, such as '"text"' (with both quotes), 5 or '{"a":1}', got ${text}`,
    )
  }
}

/** One JSON object of the command line. @throws RuntimeError ERR_USAGE */
export function objectArgument(text: string, what: string): Record<string, unknown> {
  const value = jsonArgument(text, what)
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new RuntimeError('ERR_USAGE', `${what}: expected a JSON object, got ${text}`)
}

/** The application's job classes, for definitions to be checked against. */
export function resolverOf(registry: Registry): ClassResolver {
  return {
    find: (name) => {
      const found = registry.find(name)
      if (found?.kind !== 'job') return undefined
      const { queue } = optionsOn(found.definition as object)
      return { name: found.name, ...(queue === undefined ? {} : { queue }) }
    },
    names: () => registry.list().flatMap(({ name, kind }) => (kind === 'job' ? [name] : [])),
  }
}

/** `day=monday`, `n=7`, `list=[1,2]`: JSON where it is JSON, else text. @throws RuntimeError ERR_USAGE */
export function parameters(pairs: readonly string[] = []): Record<string, unknown> {
  const given: Record<string, unknown> = Object.create(null) as Record<string, unknown>
  for (const pair of pairs) {
    const at = pair.indexOf('=')
    if (at < 1) throw new RuntimeError('ERR_USAGE', `parameter ${JSON.stringify(pair)}: expected name=value`)
    given[pair.slice(0, at)] = valueOf(pair.slice(at + 1))
  }
  return { ...given }
}

function valueOf(text: string): unknown {
  try {
    return parseLossless(text)
  } catch {
    return text
  }
}

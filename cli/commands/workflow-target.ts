import { parseLossless } from '../../runtime/core/codec.ts'
import { RuntimeError } from '../../runtime/core/errors.ts'
import type { Registry } from '../../runtime/jobs/registry.ts'
import type { Workflow, WorkflowClass } from '../../runtime/workflow/frontends/workflow.ts'
import { named } from '../named.ts'

/** The workflow class of a name; its statics are its own copy of the package. @throws RuntimeError ERR_UNKNOWN_CLASS */
export function workflowNamed(
  registry: Registry,
  name: string,
): WorkflowClass & Pick<typeof Workflow, 'createOn' | 'compile'> {
  return named(registry, 'workflow', name).definition as WorkflowClass & typeof Workflow
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

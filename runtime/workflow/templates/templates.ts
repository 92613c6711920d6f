import { RuntimeError } from '../../core/errors.ts'
import type { Infer, StandardSchema } from '../../jobs/typed.ts'
import type { Part } from '../definitions/combinators-types.ts'
import { Template, type Build, type TemplateOptions } from './template.ts'
import type { WorkflowRun } from '../run/workflow-run.ts'

/** Templates of this process: they must be known by name wherever `run` is called. */
const registered = new Map<string, Template>()

const nameForm = /^[A-Za-z_][\w.-]*$/

function register<S extends StandardSchema>(
  name: string,
  options: TemplateOptions<S> & { input: S },
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- what the parts leave in memory does not matter here
  build: (input: Infer<S>) => Part<Infer<S>, any> | Promise<Part<Infer<S>, any>>,
): Template
function register(name: string, options: TemplateOptions<undefined>, build: Build<Record<string, unknown>>): Template
function register(name: string, options: TemplateOptions, build: Build): Template {
  if (typeof name !== 'string' || !nameForm.test(name)) {
    throw new RuntimeError(
      'ERR_ARGUMENT',
      `templates.register: expected a name like enrich_and_index, got ${JSON.stringify(name)}`,
    )
  }
  if (typeof build !== 'function') {
    throw new RuntimeError(
      'ERR_ARGUMENT',
      `template ${name}: expected a function that returns its parts, got ${JSON.stringify(build)}`,
    )
  }
  if (registered.has(name)) {
    throw new RuntimeError(
      'ERR_NAME_CLASH',
      `template ${name}: expected one template of this name, it is registered already`,
    )
  }
  const template = new Template(name, options, build)
  registered.set(name, template)
  return template
}

function get(name: string): Template {
  const found = registered.get(name)
  if (found) return found
  const names = [...registered.keys()].sort()
  const known = names.length === 0 ? 'a registered template; there is none' : `one of ${names.join(', ')}`
  throw new RuntimeError('ERR_TEMPLATE', `template ${JSON.stringify(name)}: expected ${known}`)
}

/**
 * Named workflows with parameters. A module under the jobs folders exports what `register` returns.
 * @example
 * ```ts
 * const report = templates.register('report', { description: 'Every night' }, () => chain(task(ReportJob)))
 * const runId = await templates.run('report')
 * ```
 */
export const templates = {
  /** Makes a template known. @throws RuntimeError ERR_ARGUMENT, ERR_NAME_CLASH */
  register,
  /** A template by its name. @throws RuntimeError ERR_TEMPLATE that names those there are */
  get,
  /** All of this process, by name. */
  list: (): Template[] => [...registered.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
  /** Creates a run and starts it. @returns its id @throws RuntimeError ERR_TEMPLATE, ERR_SCHEMA, ERR_GRAPH */
  run: async (name: string, params?: object): Promise<string> => get(name).run(params),
  /** Creates a run, pending. */
  create: async (name: string, params?: object): Promise<WorkflowRun> => get(name).create(params),
  /** Forgets all: for tests. */
  clear: (): void => registered.clear(),
}

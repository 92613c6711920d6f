import { didYouMean } from '../../../config/did-you-mean.ts'
import type { Duration } from '../../core/duration.ts'
import { RuntimeError } from '../../core/errors.ts'
import { defaultConfig } from '../../jobs/default-client.ts'
import { templateBrand } from '../../jobs/registry.ts'
import { schemaKeys } from '../../jobs/schema-keys.ts'
import { check, type StandardSchema } from '../../jobs/typed.ts'
import type { RunTarget } from '../run/create-run.ts'
import { partData } from '../definitions/combinators.ts'
import type { Part } from '../definitions/combinators-types.ts'
import { Composition } from '../definitions/composition.ts'
import type { MemoryOptions } from '../memory/memory.ts'
import type { WorkflowRun } from '../run/workflow-run.ts'
import { existsSync, readFileSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readYaml } from '../../../config/yaml.ts'

/**
 * Options of a template. Its runs have memory, with these options or the configuration's.
 * @example
 * ```ts
 * const options: TemplateOptions<undefined> = { description: 'Every month', queue: 'slow', ttl: '30d' }
 * const report = templates.register('monthly', options, () => task(ReportJob))
 * ```
 */
export interface TemplateOptions<S extends StandardSchema | undefined = StandardSchema | undefined> {
  /** What its parameters must be; without one any object will do. */
  input?: S
  /** Shown by `runtime template list` and the dashboard. */
  description?: string
  /** Parameters that are not given: an object, or a YAML file by its path from the application's root, or its URL. */
  defaults?: object | string | URL
  /** For tasks that name no queue, nor does their class. */
  queue?: string
  /** How long a run is kept after its end. */
  ttl?: Duration
  /** How the memory of its runs is kept. */
  memory?: MemoryOptions
  /** At most one run of it is under way. */
  unique?: boolean
}

/** One parameter, as far as the schema's library tells. */
export interface TemplateParameter {
  name: string
  type: string | undefined
  required: boolean
  /** From the YAML file, the options, or the schema. */
  default: unknown
}

/** Makes the parts of one run from its checked parameters. */
export type Build<Input = never> = (input: Input) => Part | Promise<Part>

/**
 * A registered template.
 * @example
 * ```ts
 * const report: Template = templates.register('weekly', {}, () => task(ReportJob))
 * ```
 */
export class Template {
  readonly [templateBrand] = true
  /** The name under which it was registered. */
  readonly name: string
  /** The description from its options. */
  readonly description: string | undefined
  readonly #options: TemplateOptions
  readonly #build: Build

  constructor(name: string, options: TemplateOptions, build: Build) {
    this.name = name
    this.description = options.description
    this.#options = options
    this.#build = build
  }

  /** Parameters that need not be given: templates.yml is over the template's own. @throws RuntimeError ERR_TEMPLATE */
  defaults(root = defaultConfig().root): Record<string, unknown> {
    const { defaults } = this.#options
    const own =
      typeof defaults === 'string' || defaults instanceof URL ? readDefaults(defaults, root)[this.name] : defaults
    return { ...own, ...appDefaults(root)[this.name] }
  }

  /** Its parameters as far as the schema's library tells; `complete` when there can be no other. */
  async parameters(root?: string): Promise<{ list: TemplateParameter[]; complete: boolean }> {
    const { input } = this.#options
    if (!input) return { list: [], complete: false }
    const { names, required, open, types, defaults } = await schemaKeys(input, 'input')
    const given: Record<string, unknown> = { ...defaults, ...this.defaults(root) }
    const list = (names ?? required).map((name) => ({
      name,
      type: types[name],
      required: required.includes(name) && given[name] === undefined,
      default: given[name],
    }))
    return { list, complete: names !== undefined && !open }
  }

  /** Its parameters, checked, with all defaults in place. @throws RuntimeError ERR_SCHEMA naming every path, ERR_ARGUMENT, ERR_TEMPLATE for a default that is no parameter */
  async input(params: object = {}, root?: string): Promise<Record<string, unknown>> {
    if (typeof params !== 'object' || params === null || Array.isArray(params)) {
      throw new RuntimeError(
        'ERR_ARGUMENT',
        `template ${this.name}: expected an object of parameters, got ${JSON.stringify(params)}`,
      )
    }
    const defaults = this.defaults(root)
    const values = { ...defaults, ...params }
    const { input } = this.#options
    if (!input) return values
    await this.#checkDefaults(defaults, input)
    const checked = await check(input, values)
    if (checked.ok) return checked.value as Record<string, unknown>
    throw new RuntimeError(
      'ERR_SCHEMA',
      `template ${this.name}: parameters do not fit: ${checked.problems}; \`runtime template show ${this.name}\` lists them`,
    )
  }

  /** A default of a parameter that the template does not have is a misspelt one: the schema would drop it. */
  async #checkDefaults(defaults: object, input: StandardSchema): Promise<void> {
    const { names, open } = await schemaKeys(input, 'input')
    const other = open || !names ? undefined : Object.keys(defaults).find((name) => !names.includes(name))
    if (other === undefined || !names) return
    throw new RuntimeError(
      'ERR_TEMPLATE',
      `template ${this.name}: expected defaults (templates.yml, or its own) of ${names.join(', ') || 'no parameters'}, got ${JSON.stringify(other)}${didYouMean(other, names)}`,
    )
  }

  /** The workflow for these parameters. @throws RuntimeError ERR_SCHEMA, ERR_TEMPLATE */
  async compose(params?: object, root?: string): Promise<Composition> {
    const input = await this.input(params, root)
    const part = await this.#build(input as never)
    const { queue, ttl, memory, unique } = this.#options
    try {
      return new Composition(partData(part, `template ${this.name}`), {
        name: this.name,
        input,
        ...(queue === undefined ? {} : { queue }),
        ...(ttl === undefined ? {} : { ttl }),
        ...(unique === undefined ? {} : { unique }),
        ...(memory === undefined ? {} : { memory }),
      })
    } catch (error) {
      throw new RuntimeError('ERR_TEMPLATE', `${(error as RuntimeError).message}; its function returns the parts`)
    }
  }

  /** Creates a run, pending. Its parameters are in its memory before it can start. */
  async create(params?: object): Promise<WorkflowRun> {
    return (await this.compose(params)).create()
  }

  /** Creates a run on a given store. */
  async createOn(target: RunTarget, params?: object, root?: string): Promise<WorkflowRun> {
    return (await this.compose(params, root)).createOn(target)
  }

  /** Creates a run and starts it. @returns its id */
  async run(params?: object): Promise<string> {
    return (await (await this.create(params)).start()).id
  }
}

/** The application's own file of defaults, in its root, where there is one. */
export const defaultsFile = 'templates.yml'

/**
 * Reads default parameters: a mapping of template names to mappings of parameters. Read for each run, so that a
 * change counts at once.
 * @param file a path relative to `root`, or a file: URL
 * @throws RuntimeError ERR_TEMPLATE with file and line
 */
export function readDefaults(file: string | URL, root: string): Record<string, Record<string, unknown>> {
  const path = typeof file === 'string' ? resolve(root, file) : fileURLToPath(file)
  const name = basename(path)
  const yaml = readYaml(textOf(path, name))
  if ('flaw' in yaml)
    throw new RuntimeError(
      'ERR_TEMPLATE',
      `${name}:${yaml.line}: expected YAML, got ${yaml.flaw.message.split('\n')[0]}`,
    )
  const read = yaml.value ?? {}
  if (!isMapping(read)) throw notMapping(name, 'a mapping of template names', read)
  for (const [template, values] of Object.entries(read)) {
    if (values !== null && !isMapping(values)) throw notMapping(name, `${template}: a mapping of parameters`, values)
  }
  return read as Record<string, Record<string, unknown>>
}

/** The application's own file, or nothing when there is none. */
export function appDefaults(root: string): Record<string, Record<string, unknown>> {
  return existsSync(resolve(root, defaultsFile)) ? readDefaults(defaultsFile, root) : {}
}

function textOf(path: string, name: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new RuntimeError('ERR_TEMPLATE', `${name}: expected a file of defaults at ${path}, cannot read it (${code})`)
  }
}

const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function notMapping(name: string, expected: string, got: unknown): RuntimeError {
  return new RuntimeError('ERR_TEMPLATE', `${name}: expected ${expected}, got ${JSON.stringify(got)}`)
}

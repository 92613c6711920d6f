import type { Argv } from 'yargs'
import { duration } from '../../runtime/core/duration.ts'
import { drawnGraph } from '../../runtime/workflow/drawing/drawn-run.ts'
import { text } from '../../runtime/workflow/drawing/formats.ts'
import type { TemplateParameter, Template } from '../../runtime/workflow/templates/template.ts'
import { command, group } from '../command.ts'
import { loadAppHere, type GlobalFlags } from '../context.ts'
import { printError, json, line } from '../output.ts'
import { table } from '../table.ts'
import { unknownDefaults, templateNamed, templatesOf, jsonArgument, objectArgument } from '../arguments.ts'
import { showRun } from './workflow-show.ts'
import { runTarget } from '../../runtime/inspect/runs.ts'
import { parseLossless } from '../../runtime/core/codec.ts'
import { didYouMean } from '../../config/did-you-mean.ts'
import { RuntimeError } from '../../runtime/core/errors.ts'

const valueText = (value: unknown): string => (value === undefined ? '' : JSON.stringify(value))
const short = (one: TemplateParameter): string => (one.required ? flagOf(one) : `[${flagOf(one)}]`)

/** `runtime template list` */
const listCommand = command<object>({
  command: 'list',
  describe: 'List the templates of this application',
  example: ['template list', 'names, parameters (in brackets if they have defaults), descriptions'],
  run: async (context) => {
    const { registry } = await loadAppHere(context.source)
    const found = await Promise.all(
      templatesOf(registry).map(async ({ template, file }) => ({
        name: template.name,
        description: template.description,
        parameters: (await template.parameters()).list,
        file,
      })),
    )
    for (const stray of unknownDefaults(registry, context.config.root)) printError(`runtime: ${stray}`)
    if (context.json) return json(found)
    table(
      ['name', 'parameters', 'description'],
      found.map(({ name, parameters, description }) => [name, parameters.map(short).join(' '), description ?? '']),
    )
  },
})

interface NameFlags {
  name: string
  params: string[]
  values?: string
}

/** `runtime template show` */
const showCommand = command<NameFlags>({
  command: 'show <name> [params..]',
  describe: 'Show the parameters of a template, and its steps if all parameters are given',
  example: ['template show enrich_and_index --doc-id 123', 'with the steps of a run for document 123'],
  flags: named,
  run: async (context, argv) => {
    const { template, file } = templateNamed((await loadAppHere(context.source)).registry, argv.name)
    const { list, complete } = await template.parameters()
    const params = await readParams(template, argv.params, argv.values)
    const wanted = argv.params.length > 0 || argv.values !== undefined
    const graph = await template.compose(params).then(
      (flow) => flow.compile(),
      (error: unknown) => {
        if (wanted) throw error
        return undefined
      },
    )
    const about = { name: template.name, description: template.description, file, parameters: list, complete }
    if (context.json) return json({ ...about, ...(graph ? { graph } : {}) })
    line(`${template.name}  ${file}`)
    if (template.description !== undefined) line(template.description)
    if (list.length > 0) {
      const rows = list.map((one) => [
        flagOf(one),
        one.type ?? '',
        one.required ? 'required' : '',
        valueText(one.default),
      ])
      table(['parameter', 'type', '', 'default'], rows)
    }
    if (graph) line(text(drawnGraph(graph), template.name).trimEnd())
  },
})

/** `runtime template run` */
const runCommand = command<NameFlags & { wait?: boolean; timeout?: string }>({
  command: 'run <name> [params..]',
  describe: 'Start a run of a template',
  example: ['template run enrich_and_index --doc-id 123', 'prints the ID of the run'],
  flags: (yargs) =>
    named(yargs)
      .option('wait', { type: 'boolean', describe: 'Wait until the run has ended, then show it' })
      .option('timeout', { type: 'string', describe: 'Maximum time for --wait' }),
  run: async (context, argv) => {
    const options = argv.timeout === undefined ? {} : { timeout: duration(argv.timeout, '--timeout') }
    const { template } = templateNamed((await loadAppHere(context.source)).registry, argv.name)
    const params = await readParams(template, argv.params, argv.values)
    const flow = await (await template.createOn(runTarget(context), params)).start()
    if (argv.wait !== true) return context.json ? json({ id: flow.id, status: flow.status }) : line(flow.id)
    await flow.wait(options)
    await showRun(context, flow.id)
    return flow.status === 'finished' ? 0 : 1
  },
})

/** A template's parameters are flags that only the template knows: yargs hands them on as they are. */
function named(yargs: Argv<GlobalFlags>): Argv<NameFlags & GlobalFlags> {
  return yargs
    .parserConfiguration({ 'unknown-options-as-args': true })
    .positional('name', { type: 'string', demandOption: true, describe: 'Name of the template' })
    .positional('params', {
      type: 'string',
      array: true,
      default: [] as string[],
      describe: 'Parameters of the template, as --name value',
    })
    .option('values', { type: 'string', describe: 'Parameters as a JSON object; flags override them' })
}

/** `runtime template …` */
export const templateCommand = group([listCommand, showCommand, runCommand] as never)

/** One flag of the command line: `--doc-id 5`, `--doc-id=5`, `--fast`, `--no-fast`. */
interface Flag {
  name: string
  /** True for a flag without a value, false for its `--no-` form. */
  value: string | boolean
}

/**
 * Parameters of a template from flags: `--doc-id` is `doc_id` or `docId`, whichever it has. Values are read as the
 * type that the schema names; where it names none, as text, or as JSON when text does not fit.
 * @param words what stands behind the template's name
 * @param base JSON object of more parameters, under the flags
 * @throws RuntimeError ERR_USAGE for unknown names and values of another type
 */
export async function readParams(template: Template, words: readonly string[], base?: string): Promise<object> {
  const given = base === undefined ? {} : objectArgument(base, '--values')
  const { list, complete } = await template.parameters()
  const texts: Record<string, unknown> = { ...given }
  const values: Record<string, unknown> = { ...given }
  for (const { name, value } of readFlags(words)) {
    const parameter = list.find((one) => plain(one.name) === plain(name))
    if (!parameter && complete) throw unknown(template.name, name, list)
    const key = parameter?.name ?? name.replaceAll('-', '_')
    texts[key] = typed(value, parameter?.type, name)
    values[key] = parameter?.type === undefined ? loose(value) : texts[key]
  }
  return template.input(texts).then(
    () => texts,
    () => values,
  )
}

function readFlags(words: readonly string[]): Flag[] {
  const flags: Flag[] = []
  for (let i = 0; i < words.length; i += 1) {
    const [, name, , inline] = /^--([A-Za-z][\w-]*)(=([\s\S]*))?$/.exec(words[i] ?? '') ?? []
    if (name === undefined) {
      throw new RuntimeError('ERR_USAGE', `expected parameters as --name value, got ${JSON.stringify(words[i])}`)
    }
    const next = words[i + 1]
    if (inline !== undefined) flags.push({ name, value: inline })
    else if (next !== undefined && !/^--[A-Za-z]/.test(next)) {
      flags.push({ name, value: next })
      i += 1
    } else flags.push(name.startsWith('no-') ? { name: name.slice(3), value: false } : { name, value: true })
  }
  return flags
}

function typed(value: string | boolean, type: string | undefined, name: string): unknown {
  if (type === undefined || type === 'string') return value
  if (type === 'boolean') {
    if (typeof value === 'boolean' || value === 'true' || value === 'false') return value === true || value === 'true'
    throw new RuntimeError(
      'ERR_USAGE',
      `--${name}: expected true or false, or the flag alone, got ${JSON.stringify(value)}`,
    )
  }
  if (type === 'number' || type === 'integer') {
    const number = Number(value)
    if (typeof value === 'string' && value.trim() !== '' && Number.isFinite(number)) return number
    throw new RuntimeError('ERR_USAGE', `--${name}: expected a number, got ${JSON.stringify(value)}`)
  }
  return jsonArgument(String(value), `--${name}`)
}

function loose(value: string | boolean): unknown {
  if (typeof value === 'boolean') return value
  try {
    return parseLossless(value)
  } catch {
    return value
  }
}

const plain = (name: string): string => name.replaceAll(/[-_]/g, '').toLowerCase()
const kebab = (name: string): string =>
  name
    .replaceAll('_', '-')
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1-$2')
    .toLowerCase()

/** What `template run` and `show` take for themselves, and never hand on. */
const ownFlags = [
  ...['name', 'params', 'values', 'wait', 'timeout'],
  ...['redis', 'namespace', 'config', 'log-level', 'json', 'help', 'version'],
]

/** How a parameter is given: as a flag, or in `--values` where a flag of that name is the command's own. */
export function flagOf({ name }: Pick<TemplateParameter, 'name'>): string {
  const flag = kebab(name)
  return ownFlags.includes(flag) ? `--values '{"${name}":…}'` : `--${flag}`
}

function unknown(template: string, name: string, list: readonly TemplateParameter[]): RuntimeError {
  const flags = list.map(flagOf)
  const known = flags.length === 0 ? 'no parameters' : `parameters ${flags.join(', ')}`
  return new RuntimeError(
    'ERR_USAGE',
    `template ${template}: expected ${known}, got --${name}${didYouMean(`--${name}`, flags)}`,
  )
}

import type { Argv } from 'yargs'
import { duration } from '../../runtime/core/duration.ts'
import { drawnGraph } from '../../runtime/workflow/drawing/drawn-run.ts'
import { text } from '../../runtime/workflow/drawing/formats.ts'
import type { TemplateParameter } from '../../runtime/workflow/templates/template.ts'
import { command, group } from '../command.ts'
import { loadAppHere, type GlobalFlags } from '../context.ts'
import { complain, json, line } from '../output.ts'
import { table } from '../table.ts'
import { flagOf, readParams } from './template-params.ts'
import { unknownDefaults, templateNamed, templatesOf } from './template-target.ts'
import { showRun } from './workflow-show.ts'
import { runTarget } from '../../runtime/inspect/runs.ts'

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
    for (const stray of unknownDefaults(registry, context.config.root)) complain(`runtime: ${stray}`)
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

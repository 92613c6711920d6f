import { jsonText } from '../../runtime/core/json-text.ts'
import { readFile } from 'node:fs/promises'
import { basename, extname, join } from 'node:path'
import { formatDuration } from '../../runtime/core/duration.ts'
import { RuntimeError } from '../../runtime/core/errors.ts'
import type { PipelineDefinition } from '../../runtime/workflow/pipelines/definition.ts'
import { command } from '../command.ts'
import { loadAppHere } from '../context.ts'
import { json, line } from '../output.ts'
import { table } from '../table.ts'
import { parameters, pipelinesOf, resolverOf } from './pipeline-target.ts'

/** `runtime pipeline load` */
export const loadCommand = command<{ file?: string; name?: string }>({
  command: 'load [file]',
  describe: "Check and store pipelines: pipelines.yml, JSON, or Rush's definitions",
  example: ['pipeline load pipelines.yml', 'a changed pipeline gets a new version; existing runs keep theirs'],
  flags: (yargs) =>
    yargs
      .positional('file', { type: 'string', describe: 'YAML or JSON file; pipelines.yml by default' })
      .option('name', { type: 'string', describe: 'Name for a definition without one; the file name by default' }),
  run: async (context, { file: given, name }) => {
    const file = given ?? join(context.config.root, 'pipelines.yml')
    const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      throw new RuntimeError(
        'ERR_PIPELINE',
        `${file}: expected a file of pipelines: ${error.code === 'ENOENT' ? 'it is not there' : error.message}`,
      )
    })
    const { registry } = await loadAppHere(context.source)
    const options = { file, name: name ?? basename(file, extname(file)), resolver: resolverOf(registry) }
    const loaded = await pipelinesOf(context).load(text, options)
    if (context.json) return json(loaded)
    table(
      ['pipeline', 'version', 'steps', ''],
      loaded.map(({ name: pipeline, version, steps, isNew }) => [
        pipeline,
        version,
        steps,
        isNew ? 'loaded' : 'as before',
      ]),
    )
  },
})

/** `runtime pipeline list` */
export const listCommand = command({
  command: ['list', '$0'],
  describe: 'List pipelines and the state of the latest run of each',
  example: ['pipeline list', ''],
  run: async (context) => {
    const pipelines = pipelinesOf(context)
    const all = await Promise.all(
      (await pipelines.list()).map(async ({ version, definition }) => {
        const [latest] = await pipelines.runs(definition.name, 1)
        return {
          name: definition.name,
          version,
          description: definition.description,
          steps: definition.steps.map(({ name }) => name),
          latest,
        }
      }),
    )
    if (context.json) return json(all)
    table(
      ['pipeline', 'version', 'steps', 'latest run', 'status', 'at'],
      all.map(({ name, version, steps, latest }) => [
        name,
        version,
        steps.length,
        latest?.id ?? '-',
        latest?.status ?? '-',
        latest?.at ? `${latest.at.step} ${latest.at.state}` : '-',
      ]),
    )
  },
})

/** Shows a definition with the parameters that were set. */
export function showDefinition(
  { version, definition }: { version: number; definition: PipelineDefinition },
  set: Record<string, Record<string, unknown>>,
): void {
  line(`${definition.name}, version ${version}${definition.description ? `: ${definition.description}` : ''}`)
  table(
    ['step', 'class', 'queue', 'timeout', 'retries', 'gap', 'parameters'],
    definition.steps.map((step) => [
      step.name,
      step.class,
      step.queue,
      step.timeoutMs === undefined ? '-' : formatDuration(step.timeoutMs),
      step.retry?.limit ?? '-',
      step.retry ? formatDuration(step.retry.gapMs) : '-',
      jsonText({ ...step.params, ...set[step.name] }),
    ]),
  )
  line(`parameters of all steps: ${jsonText({ ...definition.params, ...set[''] })}`)
}

/** `runtime pipeline rm` */
export const removeCommand = command<{ pipelines: string[] }>({
  command: 'rm <pipelines..>',
  describe: 'Remove pipelines with all their versions; refused while a run of one is under way',
  example: ['pipeline rm example_pipeline', 'its runs stay as long as they are kept'],
  flags: (yargs) =>
    yargs.positional('pipelines', { type: 'string', array: true, demandOption: true, describe: 'Names of pipelines' }),
  run: async (context, { pipelines: names }) => {
    for (const name of names) {
      await pipelinesOf(context).remove(name)
      if (!context.json) line(`removed ${name}`)
    }
    if (context.json) json({ removed: names })
  },
})

/** `runtime pipeline params` */
export const paramsCommand = command<{ pipeline: string; set?: string[]; step?: string; unset?: string[] }>({
  command: 'params <pipeline> [set..]',
  describe: 'Show, set (name=value) or remove parameters of a pipeline or a step',
  example: [
    'pipeline params example_pipeline day=monday --step load',
    'for new runs; the run overrides the step, which overrides the pipeline',
  ],
  flags: (yargs) =>
    yargs
      .positional('pipeline', { type: 'string', demandOption: true, describe: 'Name of the pipeline' })
      .positional('set', { type: 'string', array: true, describe: 'name=value; the value is JSON, otherwise text' })
      .option('step', { type: 'string', describe: 'Only for this step' })
      .option('unset', { type: 'string', array: true, nargs: 1, describe: 'Names of parameters to remove' }),
  run: async (context, { pipeline, set = [], unset = [], step }) => {
    const pipelines = pipelinesOf(context)
    const changes = { ...parameters(set), ...Object.fromEntries(unset.map((name) => [name, undefined])) }
    if (Object.keys(changes).length > 0) await pipelines.setParams(pipeline, changes, step)
    const all = await pipelines.params(pipeline)
    if (context.json) return json(all)
    table(
      ['step', 'parameter', 'value'],
      Object.entries(all).flatMap(([level, pairs]) =>
        Object.entries(pairs).map(([name, value]) => [level || '(all)', name, jsonText(value)]),
      ),
    )
  },
})

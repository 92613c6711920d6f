import { upTo } from '../../runtime/core/cursor.ts'
import { jsonText } from '../../runtime/core/json-text.ts'
import { readFile } from 'node:fs/promises'
import { basename, extname, join } from 'node:path'
import { RuntimeError } from '../../runtime/core/errors.ts'
import { command, group } from '../command.ts'
import { ago, retryCommand, runCommand, showCommand, skipCommand, stopCommand } from './pipeline-run.ts'
import { loadAppHere } from '../context.ts'
import { json, line } from '../output.ts'
import { table } from '../table.ts'
import {
  openPipelines,
  pipelineRows,
  pipelineRuns,
  requestPage,
  requirePipeline,
} from '../../runtime/inspect/pipelines.ts'
import type { PipelineRunInfo } from '../../runtime/workflow/pipelines/pipeline-run.ts'
import { parameters, resolverOf } from '../arguments.ts'

/** `runtime pipeline load` */
const loadCommand = command<{ file?: string; name?: string }>({
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
    const loaded = await openPipelines(context).load(text, options)
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
const listCommand = command({
  command: ['list', '$0'],
  describe: 'List pipelines and the state of the latest run of each',
  example: ['pipeline list', ''],
  run: async (context) => {
    const rows = await pipelineRows(context)
    const all = rows.map(({ name, version, definition: { description, steps }, latest }) => {
      return { name, version, description, steps: steps.map((step) => step.name), latest }
    })
    if (context.json) return json(all)
    table(
      ['pipeline', 'version', 'steps', 'latest run', 'status', 'at'],
      all.map(({ name, version, steps, latest }) => [
        name,
        version,
        steps.length,
        latest?.id ?? '-',
        latest?.status ?? '-',
        place(latest),
      ]),
    )
  },
})

/** The step that a run is at. */
const place = (run: PipelineRunInfo | undefined): string => (run?.at ? `${run.at.step} ${run.at.state}` : '-')

/** `runtime pipeline runs` */
const runsCommand = command<{ pipeline?: string; limit: number; requests?: boolean }>({
  command: 'runs [pipeline]',
  describe: 'List runs of a pipeline with their states, or run requests with their decisions',
  example: ['pipeline runs example_pipeline', '--requests also lists rejected requests, with the reason'],
  flags: (yargs) =>
    yargs
      .positional('pipeline', { type: 'string', describe: 'Name of the pipeline; all by default' })
      .option('limit', { type: 'number', default: 20, describe: 'Maximum number of entries' })
      .option('requests', { type: 'boolean', describe: 'List run requests instead of runs' }),
  run: async (context, { pipeline, limit, requests }) => {
    if (pipeline !== undefined) await requirePipeline(context, pipeline)
    if (requests) {
      const found = await upTo(limit, async (cursor, count) => {
        const page = await requestPage(context, { pipeline }, { cursor, count })
        return { found: page.requests, next: page.next }
      })
      if (context.json) return json(found)
      table(
        ['request', 'pipeline', 'first step', 'instance', 'by', 'status', 'run', 'reason'],
        found.map((one) => [
          one.id,
          one.pipeline,
          one.first ?? '-',
          one.instance,
          one.by,
          one.status,
          one.run ?? '-',
          one.reason ?? '-',
        ]),
      )
      return
    }
    const latest = await pipelineRuns(context, pipeline, limit)
    if (context.json) return json(latest)
    table(
      ['run', 'pipeline', 'version', 'instance', 'status', 'at', 'started', 'ended'],
      latest.map((run) => [
        run.id,
        run.pipeline,
        run.version,
        run.instance,
        run.status,
        place(run),
        ago(run.startedAtMs),
        ago(run.endedAtMs),
      ]),
    )
  },
})

/** `runtime pipeline rm` */
const removeCommand = command<{ pipelines: string[] }>({
  command: 'rm <pipelines..>',
  describe: 'Remove pipelines with all their versions; refused while a run of one is under way',
  example: ['pipeline rm example_pipeline', 'its runs stay as long as they are kept'],
  flags: (yargs) =>
    yargs.positional('pipelines', { type: 'string', array: true, demandOption: true, describe: 'Names of pipelines' }),
  run: async (context, { pipelines: names }) => {
    for (const name of names) {
      await openPipelines(context).remove(name)
      if (!context.json) line(`removed ${name}`)
    }
    if (context.json) json({ removed: names })
  },
})

/** `runtime pipeline params` */
const paramsCommand = command<{ pipeline: string; set?: string[]; step?: string; unset?: string[] }>({
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
    const pipelines = openPipelines(context)
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

/** `runtime pipeline …` */
export const pipelineCommand = group([
  loadCommand,
  listCommand,
  showCommand,
  runCommand,
  runsCommand,
  retryCommand,
  skipCommand,
  stopCommand,
  paramsCommand,
  removeCommand,
] as never)

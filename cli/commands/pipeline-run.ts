import { formatDuration, relative } from '../../runtime/core/duration.ts'
import { RuntimeError } from '../../runtime/core/errors.ts'
import { endedRuns } from '../../runtime/workflow/run/run-state.ts'
import type { PipelineRunInfo, PipelineStepInfo } from '../../runtime/workflow/pipelines/pipeline-run.ts'
import type { Pipelines } from '../../runtime/workflow/pipelines/pipelines.ts'
import { isPipeline, openPipelines, pipelineView, type PipelineView } from '../../runtime/inspect/pipelines.ts'
import { runStandstill } from '../../runtime/inspect/doctor/standstill.ts'
import { jsonText } from '../../runtime/core/json-text.ts'
import { command } from '../command.ts'
import type { Context } from '../context.ts'
import { explainWait } from '../explain-wait.ts'
import { clip, json, line } from '../output.ts'
import { table } from '../table.ts'
import { parameters } from '../arguments.ts'

const watchMs = 250

/** `runtime pipeline run` */
export const runCommand = command<{
  pipeline: string
  from?: string
  instance: number
  param?: string[]
  watch?: boolean
  wait?: boolean
}>({
  command: 'run <pipeline>',
  describe: 'Request a run: it is accepted and started, or rejected with a reason',
  example: [
    'pipeline run example_pipeline --from transform_data --instance 2 --param day=monday --watch',
    'two runs of one instance never overlap',
  ],
  flags: (yargs) =>
    yargs
      .positional('pipeline', { type: 'string', demandOption: true, describe: 'Name of the pipeline' })
      .option('from', { type: 'string', describe: 'First step' })
      .option('instance', { type: 'number', default: 1, describe: 'Number of the instance' })
      .option('param', {
        type: 'string',
        array: true,
        nargs: 1,
        describe: 'name=value; overrides parameters of the step and the pipeline',
      })
      .option('watch', { type: 'boolean', describe: 'Follow the run until it has ended' })
      .option('wait', { type: 'boolean', describe: 'Wait until the run has ended, without printing state changes' }),
  run: async (context, { pipeline, from, instance, param, watch, wait }) => {
    const pipelines = openPipelines(context)
    const request = await pipelines.run(pipeline, { first: from, instance, params: parameters(param), by: 'cli' })
    if (request.run === undefined)
      throw new RuntimeError(
        'ERR_STATE',
        `run request ${request.id} ${request.status}: ${request.reason ?? 'it is not decided yet'}`,
      )
    if (!watch && !wait) {
      if (context.json) json(request)
      else line(request.run)
      return 0
    }
    return watched(context, pipelines, request.run, { quiet: wait === true })
  },
})

/** `runtime pipeline show` */
export const showCommand = command<{ name: string; watch?: boolean; revision?: number }>({
  command: 'show <name>',
  describe: 'Show a pipeline, or a run with its steps, their states and times',
  example: ['pipeline show 0mb2k3x7f4q8...', '--watch follows the run until it has ended'],
  flags: (yargs) =>
    yargs
      .positional('name', { type: 'string', demandOption: true, describe: 'Name of a pipeline, or ID of a run' })
      .option('watch', { type: 'boolean', describe: 'Follow the run until it has ended' })
      .option('revision', { type: 'number', describe: 'Version of the pipeline; the latest by default' }),
  run: async (context, argv) => {
    if (await isPipeline(context, argv.name)) {
      const { params: set, ...found } = await pipelineView(context, argv.name, argv.revision)
      if (context.json) json({ ...found, set })
      else showDefinition(found, set)
      return 0
    }
    const pipelines = openPipelines(context)
    if (argv.watch) return watched(context, pipelines, argv.name)
    const run = await pipelines.show(argv.name)
    if (context.json) json(run)
    else showRun(run)
    return 0
  },
})

/** A command that continues or stops a run. */
function change(
  verb: 'retry' | 'skip' | 'stop',
  describe: string,
): ReturnType<typeof command<{ run: string; step?: string; watch?: boolean }>> {
  return command<{ run: string; step?: string; watch?: boolean }>({
    command: verb === 'stop' ? 'stop <run>' : `${verb} <run> [step]`,
    describe,
    example: [`pipeline ${verb} 0mb2k3x7f4q8...`, ''],
    flags: (yargs) =>
      yargs
        .positional('run', { type: 'string', demandOption: true, describe: 'ID of the run' })
        .positional('step', { type: 'string', describe: 'Name of the step; the Stuck step by default' })
        .option('watch', { type: 'boolean', describe: 'Follow the run until it has ended' }),
    run: async (context: Context, { run: id, step, watch }) => {
      const pipelines = openPipelines(context)
      await (verb === 'stop' ? pipelines.stop(id) : pipelines[verb](id, step))
      if (watch) return watched(context, pipelines, id, { wanted: verb === 'stop' ? 'stopped' : 'finished' })
      const run = await pipelines.show(id)
      if (context.json) json(run)
      else line(`${run.id} ${run.status}`)
      return 0
    },
  })
}

/** `runtime pipeline retry` */
export const retryCommand = change('retry', 'Run the Stuck step of a run again')
/** `runtime pipeline skip` */
export const skipCommand = change('skip', 'Skip the Stuck step and continue the run')
/** `runtime pipeline stop` */
export const stopCommand = change('stop', 'Stop a run and cancel its running step')

/**
 * Waits until a run has ended and prints each change of a step; with `quiet` or as JSON only the end.
 * @returns the exit code: 0 when it ended as `wanted`
 */
async function watched(
  context: Context,
  pipelines: Pipelines,
  id: string,
  { quiet = false, wanted = 'finished' } = {},
): Promise<number> {
  const wait = quiet || context.json ? pipelines.wait(id) : follow(pipelines, id)
  const run = await explainWait(wait, () => runStandstill(id, context))
  if (context.json) json(run)
  else if (quiet) line(`${run.id} ${run.status}`)
  return run.status === wanted ? 0 : 1
}

/** Prints each change of each step, until the run has ended. */
async function follow(pipelines: Pipelines, id: string): Promise<PipelineRunInfo & { steps: PipelineStepInfo[] }> {
  const printed = new Map<number, number>()
  for (;;) {
    const run = await pipelines.show(id)
    const moves = run.steps.flatMap((step) => {
      const from = printed.get(step.index) ?? 0
      printed.set(step.index, step.moves.length)
      return step.moves.slice(from).map((move) => ({ ...move, step: step.name }))
    })
    for (const { atMs, step, state } of moves.sort((a, b) => a.atMs - b.atMs))
      line(`${new Date(atMs).toISOString()}\t${step}\t${state}`)
    if (endedRuns.includes(run.status)) {
      line(`${run.id} ${run.status}`)
      return run
    }
    await new Promise((resolve) => setTimeout(resolve, watchMs))
  }
}

function showRun(run: PipelineRunInfo & { steps: PipelineStepInfo[] }): void {
  line(`${run.id}: ${run.pipeline} version ${run.version}, instance ${run.instance}, ${run.status}`)
  table(
    ['step', 'class', 'state', 'since', 'attempts', 'took', 'error'],
    run.steps.map((step) => [
      step.name,
      step.class,
      step.skipped ? 'Complete (skipped)' : step.state,
      step.readyAtMs === undefined ? ago(step.moves.at(-1)?.atMs) : `ready ${relative(step.readyAtMs, Date.now())}`,
      step.attempts,
      tookText(step),
      step.error ? clip(`${step.error.name}: ${step.error.message}`, 60) : '-',
    ]),
  )
}

/** From the last Running to what came after it. */
function tookText({ moves }: PipelineStepInfo): string {
  const at = moves.map(({ state }) => state).lastIndexOf('Running')
  const [from, to] = [moves[at]?.atMs, moves[at + 1]?.atMs ?? Date.now()]
  return from === undefined ? '-' : formatDuration(to - from)
}

/** When something happened, for a table. */
export const ago = (atMs: number | undefined): string => (atMs === undefined ? '-' : relative(atMs, Date.now()))

/** Shows a definition with the parameters that were set. */
function showDefinition({ version, definition }: Omit<PipelineView, 'params'>, set: PipelineView['params']): void {
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

import { command, group } from '../command.ts'
import {
  continueCommand,
  expireCommand,
  removeCommand,
  retryCommand,
  skipCommand,
  stopCommand,
  createCommand,
  runCommand,
  startCommand,
} from './workflow-run.ts'
import { listCommand, showCommand } from './workflow-show.ts'
import { writeFileSync } from 'node:fs'
import { RuntimeError, toError } from '../../runtime/core/errors.ts'
import { drawnGraph, drawnRun } from '../../runtime/workflow/drawing/drawn-run.ts'
import type { Registry } from '../../runtime/jobs/registry.ts'
import type { FoldedGraph } from '../../runtime/workflow/drawing/fold.ts'
import { draw, type DrawingFormat, drawingFormats } from '../../runtime/workflow/drawing/formats.ts'
import { printable } from '../../config/clip.ts'
import { loadAppHere } from '../context.ts'
import { json, line, output } from '../output.ts'
import { jsonArgument, workflowNamed } from '../arguments.ts'

interface VizFlags {
  what: string
  args: string[]
  format?: DrawingFormat
  out?: string
}

/** `runtime workflow viz` */
const vizCommand = command<VizFlags>({
  command: 'viz <what> [args..]',
  describe: 'Draw a workflow class or a run; many jobs of one kind are drawn as one',
  example: [
    `workflow viz ImportWorkflow '"data.csv"' --out import.svg`,
    'or the ID of a run; also --format dot, mermaid, text',
  ],
  flags: (yargs) =>
    yargs
      .positional('what', { type: 'string', demandOption: true, describe: 'Name of a workflow, or ID of a run' })
      .positional('args', {
        type: 'string',
        array: true,
        default: [] as string[],
        describe: 'Arguments of configure(), each as JSON',
      })
      .option('format', {
        choices: drawingFormats,
        describe: 'Format; by default svg, or text if standard output is a terminal',
      })
      .option('out', { type: 'string', describe: 'Output file; standard output by default' }),
  run: async (context, { what, args, format, out }) => {
    // A class needs no Redis, and a run no application that loads.
    const app = await loadAppHere(context.source).catch(toError)
    const isClass = !(app instanceof Error) && app.registry.find(what)?.kind === 'workflow'
    const run = isClass ? undefined : await context.store.runs.read.find(what)
    let graph: FoldedGraph
    if (run) graph = await drawnRun(context.store.runs.read, run)
    else if (app instanceof Error) throw app
    else graph = await drawnClass(app.registry, what, args)
    if (context.json) return json(graph)
    const chosen = format ?? (out === undefined && output().stdout.isTTY ? 'text' : 'svg')
    const drawing = await draw(graph, chosen, run ? `${run.class} ${run.id} (${run.status})` : what)
    if (out === undefined) output().stdout.write(printable(drawing))
    else {
      write(out, drawing)
      line(`wrote ${out}`)
    }
  },
})

async function drawnClass(registry: Registry, name: string, args: readonly string[]): Promise<FoldedGraph> {
  const type = workflowNamed(registry, name)
  return drawnGraph(
    await type.compile(
      type,
      args.map((text) => jsonArgument(text)),
    ),
  )
}

function write(file: string, drawing: string): void {
  try {
    writeFileSync(file, drawing)
  } catch (error) {
    throw new RuntimeError('ERR_USAGE', `--out: expected a file that can be written, got ${toError(error).message}`)
  }
}

/** `runtime workflow …` */
export const workflowCommand = group([
  createCommand,
  startCommand,
  runCommand,
  showCommand,
  listCommand,
  vizCommand,
  stopCommand,
  continueCommand,
  retryCommand,
  skipCommand,
  removeCommand,
  expireCommand,
] as never)

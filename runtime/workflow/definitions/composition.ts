import { keptMs, type Duration } from '../../core/duration.ts'
import { RuntimeError } from '../../core/errors.ts'
import { createRun, type RunTarget } from '../run/create-run.ts'
import { checkEdges } from '../graph/edges.ts'
import type { Graph } from '../graph/graph.ts'
import { memorySettings, memoryTexts, type MemoryOptions } from '../memory/memory.ts'
import { WorkflowRun } from '../run/workflow-run.ts'
import type { Compiled } from '../graph/graph-builder.ts'
import { compilePart, type PartData } from './combinators-compile.ts'
import type { PartOptions } from './combinators-types.ts'
import { defaultTarget } from './workflow.ts'

/**
 * How a composed workflow runs.
 * @example
 * ```ts
 * const options: CompositionOptions = { name: 'Report', queue: 'slow', ttl: '7d' }
 * const report = workflow(task(ReportJob), options)
 * ```
 */
export interface CompositionOptions {
  /** Its class in lists, `Workflow` when not given. */
  name?: string
  /** For tasks that name no queue, nor does their class. */
  queue?: string
  /** How long a run is kept after its end. */
  ttl?: Duration
  /** Under every task's params. */
  globals?: object
  /** Written to the run's memory before its first step may start; turns memory on. */
  input?: object
  /** Over `memory` in config/runtime.yml; false: none. */
  memory?: boolean | MemoryOptions
  /** At most one run of this name is under way. */
  unique?: boolean
}

/**
 * Parts made into a workflow. It holds no run: every `run()` makes a new one.
 * @example
 * ```ts
 * const report: Composition = workflow(task(ReportJob))
 * const first = await report.run()
 * const second = await report.run() // another run
 * ```
 */
export class Composition {
  /** The name shown in lists of runs. */
  readonly name: string
  readonly #part: PartData
  readonly #options: CompositionOptions

  constructor(part: PartData, options: CompositionOptions) {
    this.name = options.name ?? 'Workflow'
    this.#part = part
    this.#options = options
  }

  /** The graph that the engine gets. Pure. @throws RuntimeError ERR_GRAPH, ERR_TOO_LARGE, ERR_NOT_JSON */
  compile(): Graph {
    return this.compiled().graph
  }

  /** The graph and the classes in it. */
  compiled(): Compiled {
    return compilePart(this.name, this.#part, this.#options.queue)
  }

  /** The same workflow with options for all of its tasks. */
  with(options: PartOptions): Composition {
    return new Composition({ kind: 'with', part: this.#part, options }, this.#options)
  }

  /** Creates a run, pending. @throws RuntimeError ERR_GRAPH, ERR_SCHEMA (a step whose input can come from nowhere), ERR_NOT_JSON, ERR_STATE */
  async create(): Promise<WorkflowRun> {
    return this.createOn(defaultTarget())
  }

  /** Creates a run and starts it. @returns its id, with which command, dashboard and `Workflow` functions find it */
  async run(): Promise<string> {
    return (await (await this.create()).start()).id
  }

  /** Creates a run on a given store. */
  async createOn(target: RunTarget): Promise<WorkflowRun> {
    const { ttl, globals, input, unique } = this.#options
    const { graph, definitions } = this.compiled()
    const memory = memorySettings(this.#options.memory ?? (input ? true : undefined), target.memory)
    if (input && !memory)
      throw new RuntimeError(
        'ERR_ARGUMENT',
        `${this.name}: expected memory for its input to be written to, got memory: false; leave one of them out`,
      )
    const keys = Object.keys(memoryTexts(input ?? {}, `${this.name}: input`))
    await checkEdges({ of: this.name, graph, definitions, globals, memory: memory && keys })
    const runId = await createRun(target, {
      className: this.name,
      graph,
      ...(globals === undefined ? {} : { globals }),
      ...(input === undefined ? {} : { args: [input] }),
      ...(ttl === undefined ? {} : { ttlMs: keptMs(ttl, `ttl of ${this.name}`) }),
      ...(unique === true ? { unique: this.name } : {}),
      memory: memory ? { settings: memory, values: { ...input } } : false,
    })
    return (await WorkflowRun.open(target, runId)).reload()
  }
}

/**
 * A run by its id, whatever made it, with its jobs read.
 * @throws RuntimeError ERR_NOT_FOUND
 * @example
 * ```ts
 * const run = await findRun('0mb2k3x7f4q8')
 * if (run.status === 'failed') await run.continue()
 * ```
 */
export async function findRun(id: string): Promise<WorkflowRun> {
  return (await WorkflowRun.open(defaultTarget(), id)).reload()
}

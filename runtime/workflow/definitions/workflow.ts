import { didYouMean } from '../../../config/did-you-mean.ts'
import { systemClock } from '../../core/clock.ts'
import { keptMs, type Duration } from '../../core/duration.ts'
import { RuntimeError } from '../../core/errors.ts'
import { defaultClient, defaultConfig } from '../../jobs/default-client.ts'
import { wireName, type JobDefinition, type OptionalStatics } from '../../jobs/job.ts'
import type { CheckedJob } from '../../jobs/typed.ts'
import { workflowBrand } from '../../jobs/registry.ts'
import type { RunQuery } from '../../store/runs/run-list.ts'
import type { RunRecord } from '../../store/runs/run-reader.ts'
import { notFound } from '../../store/runs/runs.ts'
import { createRun, type RunTarget } from '../run/create-run.ts'
import { checkEdges } from '../graph/edges.ts'
import type { Graph } from '../graph/graph.ts'
import { GraphBuilder, type Compiled, type NodeHandle, type RunOptions } from '../graph/graph-builder.ts'
import { memorySettings, type MemoryOptions } from '../memory/memory.ts'
import { WorkflowRun } from '../run/workflow-run.ts'

/**
 * Options of one run.
 * @example
 * ```ts
 * const options: CreateOptions = { globals: { tenant: 't1' }, ttl: '7d' }
 * const flow = await ImportWorkflow.create.with(options)('data.csv')
 * ```
 */
export interface CreateOptions {
  /** Under every job's params. */
  globals?: Record<string, unknown>
  /** How long the run is kept after its end; -1 for ever. */
  ttl?: Duration
  /** Over the class's, and `memory` in config/runtime.yml; false: none. */
  memory?: boolean | MemoryOptions
}

/** Statics of a workflow class. */
interface WorkflowStatics {
  /** The name in Redis; by default the name of the class. */
  wireName: string
  /** For jobs that name no queue, nor does their class. */
  queue: string
  /** At most one run of this class is under way. */
  unique: boolean
  /** How long a run is kept after its end. */
  ttl: Duration
  /** Over `memory` in config/runtime.yml; false: none. */
  memory: boolean | MemoryOptions
}

/**
 * A workflow class.
 * @example
 * ```ts
 * const nightly: WorkflowClass = ImportWorkflow
 * await setSchedule('import', { cron: '0 2 * * *', workflow: nightly, args: ['data.csv'] })
 * ```
 */
export type WorkflowClass<W extends Workflow = Workflow> = (new () => W) &
  OptionalStatics<WorkflowStatics> & { readonly [K in typeof workflowBrand]: true }

/** A workflow class, or `Workflow` itself. */
type AnyWorkflow = typeof Workflow | WorkflowClass
/** In which order of creation runs are listed; the newest first by default. */
interface PageOrder {
  order?: 'asc' | 'desc'
}

/** Arguments of a workflow's `configure`. */
export type ConfigureArgs<W extends Workflow> = Parameters<W['configure']>

/** `create(...)`, and `create.with(options)(...)`. */
export interface Create {
  <W extends Workflow>(this: WorkflowClass<W>, ...args: ConfigureArgs<W>): Promise<W>
  with<W extends Workflow = Workflow>(options: CreateOptions): (...args: ConfigureArgs<W>) => Promise<W>
}

/**
 * A graph of jobs: extend it and `run` jobs in `configure`. Each call of `create` makes one run, which the engine carries
 * to an end of its own: finished, failed or stopped.
 * @typeParam Globals what every `create.with({ globals })` of it gives: jobs need not be given these params
 * @example
 * ```ts
 * class NightlyReport extends Workflow {
 *   configure(day: string) {
 *     const download = this.run(DownloadJob, { params: { path: `${day}.csv` } })
 *     this.run(ReportJob, { after: download })
 *   }
 * }
 * const flow = await NightlyReport.create('monday')
 * await flow.start()
 * await flow.wait({ timeout: '10m' })
 * ```
 */
export abstract class Workflow<Globals extends object = object> extends (WorkflowRun as typeof WorkflowRun &
  OptionalStatics<WorkflowStatics>) {
  static readonly [workflowBrand] = true

  #builder: GraphBuilder | undefined

  /** Runs jobs; may be asynchronous. Its arguments are those of `create`. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- any arguments: the real ones are inferred by ConfigureArgs
  abstract configure(...args: any[]): void | Promise<void>

  /** Adds a job to the graph. @returns a handle for `after` and `before` */
  protected run<J extends JobDefinition>(job: J & CheckedJob<J>, ...[options]: RunOptions<J, Globals>): NodeHandle {
    if (!this.#builder)
      throw new RuntimeError(
        'ERR_STATE',
        `${this.constructor.name}: run() belongs into configure(); inside a job use this.workflow.add()`,
      )
    return this.#builder.add(job, options ?? {})
  }

  /** Creates a run, pending: nothing runs before `start`. @throws RuntimeError ERR_GRAPH, ERR_NOT_JSON, ERR_STATE */
  static get create(): Create {
    const type = this as unknown as WorkflowClass
    const make =
      (options: CreateOptions) =>
      (...args: unknown[]) =>
        Workflow.createOn(defaultTarget(), type, args, options)
    return Object.assign(make({}), { with: make }) as unknown as Create
  }

  /** Creates a run of a class on a given store; `create` uses the process's own. */
  static async createOn(
    target: RunTarget,
    type: WorkflowClass,
    args: readonly unknown[],
    options: CreateOptions = {},
  ): Promise<Workflow> {
    const name = wireName(type)
    checkCreateOptions(options, name)
    const { flow, graph, definitions } = await Workflow.#configured(type, args)
    const ttl = options.ttl ?? type.ttl
    const memory = memorySettings(options.memory ?? type.memory, target.memory)
    await checkEdges({ of: name, graph, definitions, globals: options.globals, memory: memory && [] })
    const id = await createRun(target, {
      className: name,
      graph,
      args,
      ...(options.globals === undefined ? {} : { globals: options.globals }),
      ...(ttl === undefined ? {} : { ttlMs: keptMs(ttl, `ttl of ${name}`) }),
      ...(type.unique === true ? { unique: name } : {}),
      memory: memory ? { settings: memory, values: {} } : false,
    })
    return flow.attach(target, await recordOf(target, id)).reload()
  }

  /** The graph that a class makes of these arguments; pure as far as its `configure` is. @throws RuntimeError ERR_GRAPH */
  static async compile(type: WorkflowClass, args: readonly unknown[] = []): Promise<Graph> {
    return (await Workflow.#configured(type, args)).graph
  }

  static async #configured(type: WorkflowClass, args: readonly unknown[]): Promise<Compiled & { flow: Workflow }> {
    const flow = new type()
    const builder = new GraphBuilder(wireName(type), type.queue)
    flow.#builder = builder
    await flow.configure(...args)
    const graph = builder.compile()
    flow.#builder = undefined
    return { flow, graph, definitions: builder.definitions }
  }

  /** A run by its id; of `Workflow` itself a run of any class. @throws RuntimeError ERR_NOT_FOUND, also when the run is of another class */
  static find<W extends Workflow>(this: WorkflowClass<W>, id: string): Promise<W>
  static find(this: typeof Workflow, id: string): Promise<WorkflowRun>
  static async find(this: AnyWorkflow, id: string): Promise<WorkflowRun> {
    const target = defaultTarget()
    const record = await recordOf(target, id)
    if (this !== Workflow && record.class !== wireName(this)) throw notFound(id)
    return Workflow.#runOf(this, target, record).reload()
  }

  /** Runs of this class (of `Workflow` itself: of all) by creation, positions `from` to `to`, both included. Their jobs are not read. */
  static page<W extends Workflow>(this: WorkflowClass<W>, from?: number, to?: number, options?: PageOrder): Promise<W[]>
  static page(this: typeof Workflow, from?: number, to?: number, options?: PageOrder): Promise<WorkflowRun[]>
  static async page(this: AnyWorkflow, from = 0, to = 99, { order = 'desc' }: PageOrder = {}): Promise<WorkflowRun[]> {
    return Workflow.#list(this, { from, to, order })
  }

  /** Runs of this class (of `Workflow` itself: of all) that are under way, at most ten thousand. */
  static running<W extends Workflow>(this: WorkflowClass<W>): Promise<W[]>
  static running(this: typeof Workflow): Promise<WorkflowRun[]>
  static async running(this: AnyWorkflow): Promise<WorkflowRun[]> {
    return Workflow.#list(this, { from: 0, to: 9999, order: 'asc', status: 'running' })
  }

  static async #list(type: AnyWorkflow, query: Omit<RunQuery, 'class'>): Promise<WorkflowRun[]> {
    const target = defaultTarget()
    const of = type === Workflow ? {} : { class: wireName(type) }
    const records = await target.store.runs.read.list({ ...query, ...of })
    return records.map((record) => Workflow.#runOf(type, target, record))
  }

  static #runOf(type: AnyWorkflow, target: RunTarget, record: RunRecord): WorkflowRun {
    return type === Workflow ? WorkflowRun.of(target, record) : new (type as WorkflowClass)().attach(target, record)
  }
}

const createOptions = ['globals', 'ttl', 'memory']

/** @throws RuntimeError ERR_ARGUMENT for an option that create.with does not have */
function checkCreateOptions(options: object, name: string): void {
  const other = Object.keys(options).find((key) => !createOptions.includes(key))
  if (other === undefined) return
  const expected = `one of ${createOptions.join(', ')}`
  throw new RuntimeError(
    'ERR_ARGUMENT',
    `create.with of ${name}: expected ${expected}, got ${JSON.stringify(other)}${didYouMean(other, createOptions)}`,
  )
}

async function recordOf(target: RunTarget, id: string): Promise<RunRecord> {
  const record = await target.store.runs.read.find(id)
  if (!record) throw notFound(id)
  return record
}

/** The store and bounds of this process's client. */
export function defaultTarget(): RunTarget {
  const { workflows, limits, memory } = defaultConfig()
  const { maxPayloadBytes, recordTtlMs } = limits
  return {
    store: defaultClient().store,
    clock: systemClock,
    ttlMs: workflows.ttlMs,
    maxPayloadBytes,
    recordTtlMs,
    ...(memory ? { memory } : {}),
  }
}

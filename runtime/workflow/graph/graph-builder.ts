import { clip } from '../../../config/clip.ts'
import { duration, type Duration, shown } from '../../core/duration.ts'
import { RuntimeError } from '../../core/errors.ts'
import { findNotJson } from '../../core/json-check.ts'
import { type ArgsOf, type JobDefinition, wireName } from '../../jobs/job.ts'
import { callOptions, checkOptions, type JobOptions, optionsOn } from '../../jobs/options.ts'
import type { JobSettings } from '../../messages.ts'
import { checkGraph, defaultQueue, type Edge, type EdgeWhen, type Graph, type GraphNode } from './graph.ts'

/**
 * One job of a workflow, as `run` returns it.
 * @example
 * ```ts
 * class Fan extends Workflow {
 *   configure(paths: string[]) {
 *     const downloads: NodeHandle[] = paths.map((path) => this.run(DownloadJob, { params: { path } }))
 *     this.run(ReportJob, { after: downloads })
 *   }
 * }
 * ```
 */
export interface NodeHandle {
  /** Its id within the run. */
  readonly id: string
  /** The name of its class. */
  readonly className: string
}

/** A job of the graph: a handle, its id as text, or a class that was run exactly once. */
export type NodeRef = NodeHandle | JobDefinition | string
/** What a job waits for: all of these. `{ failed }` is a failure branch, `{ ended }` goes on either way. */
export type AfterRef = NodeRef | { failed: NodeRef | readonly NodeRef[] } | { ended: NodeRef | readonly NodeRef[] }

/** The object that a job's `perform` gets; the run's globals may supply the rest. */
export type StepParams<J> =
  ArgsOf<J> extends []
    ? Record<string, unknown>
    : ArgsOf<J> extends [(infer P)?, ...unknown[]]
      ? Partial<NonNullable<P>>
      : Record<string, unknown>

/**
 * How one job runs in its workflow. Options of a job are over those of its class.
 * @example
 * ```ts
 * const careful: NodeOptions = { queue: 'slow', retry: 3, timeout: '10m', wait: '5s' }
 * ```
 */
export interface NodeOptions<J = unknown> extends Omit<JobOptions, 'unique' | 'concurrency' | 'rateLimit'> {
  /** The object that its `perform` gets, over the globals of the run. */
  params?: J extends JobDefinition ? StepParams<J> : unknown
  /** The jobs that it waits for. */
  after?: AfterRef | readonly AfterRef[]
  /** Jobs that wait for it. */
  before?: NodeRef | readonly NodeRef[]
  /** Between the moment it is ready and the moment it is queued. */
  wait?: Duration
  /** A name of its own. */
  label?: string
}

/** Keys of a job's params that a workflow must give: its globals do not, and the run's memory, for typed jobs, cannot. */
type NeededParams<J extends JobDefinition, Globals> = J extends { input: unknown }
  ? never
  : ArgsOf<J> extends [infer P, ...unknown[]]
    ? Exclude<RequiredKeys<P>, keyof Globals>
    : never
/** None of a record of unknown keys, nor of a value that is no object. */
type RequiredKeys<P> = P extends object
  ? string extends keyof P
    ? never
    : { [K in keyof P]-?: object extends Pick<P, K> ? never : K }[keyof P]
  : never

/** What follows the job in `run`: options, which must have the params that the job needs and the globals do not give. */
export type RunOptions<J extends JobDefinition, Globals> = [NeededParams<J, Globals>] extends [never]
  ? [options?: NodeOptions<J>]
  : [
      options: NodeOptions<J> & {
        params: Required<Pick<StepParams<J>, NeededParams<J, Globals> & keyof StepParams<J>>>
      },
    ]

interface Draft {
  node: GraphNode
  after: AfterRef[]
  before: NodeRef[]
}

/** A graph, and the classes that are in it by their wire names. */
export interface Compiled {
  graph: Graph
  definitions: ReadonlyMap<string, JobDefinition>
}

const maker = new WeakMap<NodeHandle, GraphBuilder>()

/** Collects jobs and compiles them to a {@link Graph}. Pure: it knows no store. */
export class GraphBuilder {
  readonly #of: string
  readonly #queue: string | undefined
  readonly #drafts: Draft[] = []
  readonly #options = new Map<string, JobSettings | undefined>()
  /** Classes of the jobs, by wire name; those added by name alone are missing. */
  readonly definitions = new Map<string, JobDefinition>()

  /** @param of names the workflow in errors; `queue` is for jobs that name none, nor does their class */
  constructor(of: string, queue?: string) {
    this.#of = of
    this.#queue = queue
  }

  /** Adds a job. A class or a name (whose queue must then be given, or be the workflow's). */
  add(job: JobDefinition | string, options: NodeOptions = {}): NodeHandle {
    const className = typeof job === 'string' ? job : wireName(job)
    if (typeof job !== 'string' && typeof job !== 'function') {
      throw new RuntimeError('ERR_ARGUMENT', `${this.#of}: run: expected a job class, got ${String(job)}`)
    }
    const { params, after, before, wait, label, queue, ...jobOptions } = options
    checkParams(params, `${this.#of}: params of ${className}`)
    checkPlace({ queue, label, ...jobOptions }, `${this.#of}: ${className}`)
    const waitMs = wait === undefined ? 0 : duration(wait, `${this.#of}: wait of ${className}`)
    const node: GraphNode = {
      className,
      queue: queue ?? (typeof job === 'string' ? undefined : optionsOn(job).queue) ?? this.#queue ?? defaultQueue,
      parents: [],
      ...(params === undefined ? {} : { params }),
      ...(label === undefined ? {} : { label }),
      ...(waitMs > 0 ? { waitMs } : {}),
      ...this.#jobOptions(className, jobOptions),
    }
    const handle: NodeHandle = Object.freeze({ id: String(this.#drafts.length), className })
    maker.set(handle, this)
    if (typeof job !== 'string') this.definitions.set(className, job)
    this.#drafts.push({ node, after: listOf(after), before: listOf(before) })
    return handle
  }

  /** @throws RuntimeError ERR_GRAPH naming the job and the reference that is wrong, or the cycle */
  compile(): Graph {
    const nodes = this.#drafts.map(({ node }) => ({ ...node, parents: [] as Edge[] }))
    const seen = nodes.map(() => new Map<number, EdgeWhen>())
    const byClass = new Map<string, number[]>()
    nodes.forEach((node, index) =>
      byClass.set(node.className, [...(byClass.get(node.className) ?? []).slice(0, 9), index]),
    )
    const counts = new Map<string, number>()
    for (const node of nodes) counts.set(node.className, (counts.get(node.className) ?? 0) + 1)
    const resolve = (ref: NodeRef, by: string): number => this.#resolve(ref, by, byClass, counts)
    const link = (parent: number, child: number, when: EdgeWhen): void => {
      const before = seen[child]?.get(parent)
      if (before === when) return
      if (before !== undefined) {
        throw new RuntimeError(
          'ERR_GRAPH',
          `${this.#of}: ${nodes[child]?.className} waits for ${nodes[parent]?.className} both as ${before} and as ${when}; choose one`,
        )
      }
      seen[child]?.set(parent, when)
      nodes[child]?.parents.push({ from: parent, when })
    }
    this.#drafts.forEach(({ node, after, before }, index) => {
      for (const ref of after)
        for (const { refs, when } of conditions(ref))
          for (const one of refs) link(resolve(one, node.className), index, when)
      for (const ref of before) link(index, resolve(ref, node.className), 'finished')
    })
    const graph: Graph = { nodes, ...(this.#queue === undefined ? {} : { queue: this.#queue }) }
    try {
      checkGraph(graph)
    } catch (error) {
      const { code, message } = error as RuntimeError
      throw new RuntimeError(code, `${this.#of}: ${message}`)
    }
    return graph
  }

  #resolve(
    ref: NodeRef,
    by: string,
    byClass: ReadonlyMap<string, number[]>,
    counts: ReadonlyMap<string, number>,
  ): number {
    if (typeof ref === 'object' && ref !== null && maker.has(ref)) {
      if (maker.get(ref) === this) return Number(ref.id)
      throw new RuntimeError('ERR_GRAPH', `${this.#of}: ${by} names a handle of another workflow (${ref.className})`)
    }
    if (typeof ref === 'string' && /^\d{1,9}$/.test(ref)) {
      if (Number(ref) < this.#drafts.length) return Number(ref)
      throw new RuntimeError(
        'ERR_GRAPH',
        `${this.#of}: ${by} names the job ${ref}, expected the id of one of the graph's ${this.#drafts.length} jobs`,
      )
    }
    if (typeof ref !== 'function') {
      throw new RuntimeError(
        'ERR_GRAPH',
        `${this.#of}: "after" and "before" of ${by}: expected a job class, a handle or its id, got ${describe(ref)}`,
      )
    }
    const name = wireName(ref)
    const [found] = byClass.get(name) ?? []
    const count = counts.get(name) ?? 0
    if (found === undefined)
      throw new RuntimeError(
        'ERR_GRAPH',
        `${this.#of}: ${by} names ${name}, which is not in the graph; run it in configure, too`,
      )
    if (count > 1)
      throw new RuntimeError(
        'ERR_GRAPH',
        `${this.#of}: ${by} names ${name}, which was run ${count} times; keep the handle that run() returned, and name that`,
      )
    return found
  }

  #jobOptions(className: string, given: JobOptions): { options?: JobSettings } {
    if (Object.values(given).every((value) => value === undefined)) return {}
    checkOptions(given, className)
    const text = callOptions(className, given, [])
    if (text === undefined) return {}
    // One object for equal options: a hundred thousand rows then share one kind.
    if (!this.#options.has(text)) this.#options.set(text, JSON.parse(text) as JobSettings)
    return { options: this.#options.get(text) }
  }
}

function conditions(ref: AfterRef): { refs: readonly NodeRef[]; when: EdgeWhen }[] {
  if (typeof ref === 'object' && ref !== null && !maker.has(ref as NodeHandle)) {
    const given = ref as { failed?: NodeRef | readonly NodeRef[]; ended?: NodeRef | readonly NodeRef[] }
    const branches = (['failed', 'ended'] as const).flatMap((when) =>
      given[when] === undefined ? [] : [{ refs: listOf(given[when]), when }],
    )
    if (branches.length > 0) return branches
  }
  return [{ refs: [ref as NodeRef], when: 'finished' }]
}

function listOf<T>(value: T | readonly T[] | undefined): T[] {
  if (value === undefined) return []
  return Array.isArray(value) ? (value as T[]) : [value as T]
}

/** Limits across jobs are a class's affair: a node has none of its own. */
const classOnly = ['unique', 'concurrency', 'rateLimit'] as const

function checkPlace({ queue, label, ...options }: NodeOptions & JobOptions, what: string): void {
  if (queue !== undefined) checkOptions({ queue }, what)
  if (label !== undefined && (typeof label !== 'string' || label === ''))
    throw new RuntimeError('ERR_ARGUMENT', `label of ${what}: expected a name, got ${describe(label)}`)
  for (const name of classOnly) {
    if (options[name] !== undefined)
      throw new RuntimeError('ERR_ARGUMENT', `${name} of ${what}: expected it on the job class, got it for one job`)
  }
}

function checkParams(params: unknown, what: string): void {
  if (params === undefined) return
  if (typeof params !== 'object' || params === null || Array.isArray(params)) {
    throw new RuntimeError(
      'ERR_ARGUMENT',
      `${what}: expected one object (perform gets it as its only argument), got ${describe(params)}`,
    )
  }
  const bad = findNotJson(params, 'params', { bigint: true })
  if (bad) throw new RuntimeError('ERR_NOT_JSON', `${what}: ${bad}`)
}

function describe(value: unknown): string {
  return clip(shown(value), 60)
}

import { duration, type DurationOf } from '../../core/duration.ts'
import { RuntimeError } from '../../core/errors.ts'
import { isJob, type JobDefinition } from '../../jobs/job.ts'
import type { CheckedJob } from '../../jobs/typed.ts'
import { Composition, type CompositionOptions } from './composition.ts'
import type { PartData } from './combinators-compile.ts'
import type {
  ChainGives,
  ChainNeeds,
  CheckedChain,
  GivesOf,
  GroupGives,
  GroupNeeds,
  InputOf,
  NeedsOf,
  Part,
  PartOptions,
  Supplied,
} from './combinators-types.ts'

/** Marks parts, so that another copy of the package knows them, too. */
const partBrand: unique symbol = Symbol.for('resque-runtime.part') as never

class PartOf implements Part {
  readonly [partBrand]: PartData

  constructor(data: PartData) {
    this[partBrand] = data
  }

  with(options: PartOptions): Part {
    const data = this[partBrand]
    if (data.kind === 'task') return new PartOf({ ...data, options: { ...data.options, ...options } })
    return new PartOf({ kind: 'with', part: data, options })
  }
}

/**
 * One step: a job, and those of its parameters that are known now. The handle is one step wherever it stands: call
 * `task` once for each step.
 * @throws RuntimeError ERR_ARGUMENT for what is no job
 * @example
 * ```ts
 * const download = task(DownloadJob, { path: 'data.csv' })
 * ```
 */
export function task<J extends JobDefinition, K extends keyof InputOf<J> = never>(
  job: J & CheckedJob<J>,
  params?: Pick<InputOf<J>, K>,
): Part<NeedsOf<J, K>, GivesOf<J>> {
  if (!isJob(job))
    throw new RuntimeError(
      'ERR_ARGUMENT',
      `task: expected a Job class or a function made by job(), got ${describe(job)}`,
    )
  return new PartOf({ kind: 'task', job, params, options: {} })
}

/**
 * Parts one after another; each begins when all of the one before has finished. An empty chain is nothing.
 * @throws RuntimeError ERR_ARGUMENT for what is no part
 * @example
 * ```ts
 * const runId = await workflow(chain(task(DownloadJob, { path: 'a.csv' }), task(ReportJob))).run()
 * ```
 */
export function chain<P extends readonly Part[]>(...parts: P & CheckedChain<P>): Part<ChainNeeds<P>, ChainGives<P>> {
  return listOf('chain', parts) as Part<ChainNeeds<P>, ChainGives<P>>
}

/**
 * Parts side by side; what follows the group begins when all of them have finished. An empty group is nothing.
 * @throws RuntimeError ERR_ARGUMENT for what is no part
 * @example
 * ```ts
 * const both = group(task(DownloadJob, { path: 'a.csv' }), task(DownloadJob, { path: 'b.csv' }))
 * const runId = await workflow(chain(both, task(ReportJob))).run()
 * ```
 */
export function group<P extends readonly Part[]>(...parts: P): Part<GroupNeeds<P>, GroupGives<P>> {
  return listOf('group', parts) as Part<GroupNeeds<P>, GroupGives<P>>
}

/**
 * A part whose first steps are queued this long after they became ready.
 * @throws RuntimeError ERR_ARGUMENT for what is no part, or no length of time
 * @example
 * ```ts
 * const later = withDelay(task(ReportJob), '10m')
 * ```
 */
export function withDelay<N, G, D extends string>(part: Part<N, G>, delay: DurationOf<D>): Part<N, G> {
  return new PartOf({ kind: 'delay', part: partData(part, 'withDelay'), delayMs: duration(delay, 'withDelay') })
}

/**
 * A workflow of parts. `run()` creates and starts a run and gives its id; each call makes another.
 * @throws RuntimeError ERR_ARGUMENT
 * @example
 * ```ts
 * const flow = workflow(task(ReportJob), { name: 'Report', unique: true })
 * const runId = await flow.run()
 * ```
 */
export function workflow<N, G>(part: Part<N, G>, ...[options]: Supplied<N, CompositionOptions>): Composition {
  return new Composition(partData(part, 'workflow'), options ?? {})
}

/** The data of a part. @throws RuntimeError ERR_ARGUMENT when it is none */
export function partData(part: unknown, what: string): PartData {
  const data = typeof part === 'object' && part !== null ? (part as { [partBrand]?: PartData })[partBrand] : undefined
  if (data) return data
  const advice = isJob(part) ? '; wrap it: task(…)' : ''
  throw new RuntimeError(
    'ERR_ARGUMENT',
    `${what}: expected a task, chain, group or withDelay, got ${describe(part)}${advice}`,
  )
}

/** Lists in lists of their own kind are one list, and a list of one is that one: nesting costs nothing. */
function listOf(kind: 'chain' | 'group', parts: readonly unknown[]): Part {
  const given = parts.map((part, i) => partData(part, `${kind}, part ${i + 1}`))
  const members = given.flatMap((member) => (member.kind === kind ? member.members : [member]))
  return new PartOf(members.length === 1 && members[0] ? members[0] : { kind, members })
}

function describe(value: unknown): string {
  if (typeof value === 'function') return `the function or class ${value.name || '(anonymous)'}`
  return JSON.stringify(value) ?? String(value)
}

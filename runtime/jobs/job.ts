import { shown } from '../core/duration.ts'
import { RuntimeError } from '../core/errors.ts'
import type { JobContext, RunningStepContext } from './job-context.ts'
import type { JobOptions } from './options.ts'
import type { RetryOptions } from './retry.ts'
import type { SchemaSide } from './typed.ts'

export type { JobContext, StepPlace, RunningStepContext } from './job-context.ts'

/** Marks job classes and functions, so that another copy of the package knows them, too. */
export const jobBrand: unique symbol = Symbol.for('resque-runtime.job') as never
/** Where a running job keeps its {@link JobContext}. */
export const jobContext: unique symbol = Symbol.for('resque-runtime.context') as never

/** A static's words have the type `string`, unless `as const` says otherwise; so these are checked when the job is registered. */
type StaticRetry =
  | number
  | (Omit<RetryOptions, 'backoff'> & {
      backoff?: string | Extract<RetryOptions['backoff'], (...args: never[]) => unknown>
    })

/** The options that a class may give as statics, and its name on the wire. */
interface StaticOptions extends Omit<JobOptions, 'retry' | 'isolation' | 'delivery'> {
  wireName?: string
  retry?: StaticRetry
  /** `fork`, `spawn` or `inline`. */
  isolation?: string
  /** `at-least-once` or `at-most-once`. */
  delivery?: string
}

/**
 * Statics that a class may have. The compiler checks their types, and takes them with and without `override` whatever
 * `noImplicitOverride` says: a property mapped from names alone has no declaration that could be overridden.
 */
export type OptionalStatics<T, Names extends PropertyKey = keyof T> = {
  [K in Names]?: K extends keyof T ? T[K] | undefined : never
}

abstract class JobBase {
  static readonly [jobBrand] = true;

  [jobContext]?: JobContext

  /** The work. What it returns is the job's result (kept where `keepResult` says so) and a workflow step's output. */
  abstract perform(...args: never[]): unknown

  /** This job's id. */
  get id(): string {
    return contextOf(this).id
  }

  /** The queue it was taken from. */
  get queue(): string {
    return contextOf(this).queue
  }

  /** 1 for the first try. */
  get attempt(): number {
    return contextOf(this).attempt
  }

  /** Aborts when the job is cancelled, out of time, or its worker must leave: for jobs that want to stop politely. */
  get signal(): AbortSignal {
    return contextOf(this).signal
  }

  /** Shown live by the command and the dashboard. */
  progress(at: number, of: number, note = ''): void {
    contextOf(this).progress(at, of, note)
  }

  /** Keeps a line with the job. */
  log(line: string): void {
    contextOf(this).log(line)
  }

  /** Sets the result, in place of what `perform` returns. */
  output(value: unknown): void {
    contextOf(this).output(value)
  }

  /** A workflow step's parameters: the run's globals with the step's own over them. */
  get params(): Record<string, unknown> {
    return stepOf(this).params as Record<string, unknown>
  }

  /** Outputs of the direct parents, in their order. */
  get payloads(): { id: string; class: string; output: unknown }[] {
    return stepOf(this).payloads
  }

  /** Output of the direct parent of this class, typed by its `perform`; undefined when there is none. */
  payload<J extends new () => { perform(...args: never[]): unknown }>(
    parent: J,
  ): Awaited<ReturnType<InstanceType<J>['perform']>> | undefined {
    const name = (parent as { wireName?: string }).wireName ?? parent.name
    const found = stepOf(this).payloads.find((payload) => payload.class === name)
    return found?.output as Awaited<ReturnType<InstanceType<J>['perform']>> | undefined
  }

  /** The run this step belongs to. */
  get workflow(): {
    id: string
    class: string
    /**
     * Adds a job to the run, after this step unless `after` says otherwise; it becomes part of the graph together with this
     * step's end, and not at all when the step fails. @returns an id for `after` of other additions
     */
    add(
      definition: { name: string },
      options?: { params?: unknown; after?: string | string[]; before?: string | string[]; queue?: string },
    ): string
    /** What hangs on this step shall not run. */
    skipChildren(): void
  } {
    const step = stepOf(this)
    return {
      id: step.workflowId,
      class: step.workflowClass,
      add: (definition, { params, after = step.nodeId, before = [], queue, ...others } = {}) => {
        const [other] = Object.keys(others)
        if (other !== undefined)
          throw new RuntimeError(
            'ERR_ARGUMENT',
            `workflow.add: expected params, after, before and queue, got ${JSON.stringify(other)}`,
          )
        return step.add(definition, params ?? null, {
          after: [after].flat(),
          before: [before].flat(),
          ...(queue === undefined ? {} : { queue }),
        })
      },
      skipChildren: () => step.skipChildren(),
    }
  }

  /** The run's memory. */
  get memory(): NonNullable<RunningStepContext['memory']> {
    const { memory } = stepOf(this)
    if (!memory)
      throw new RuntimeError('ERR_STATE', 'memory: expected `memory` in config/runtime.yml, since this run has none')
    return memory
  }
}

function contextOf(job: Job): JobContext {
  const context = job[jobContext]
  if (!context)
    throw new RuntimeError(
      'ERR_STATE',
      `${job.constructor.name}: this is only known while the job runs, not in its constructor or in enqueue hooks`,
    )
  return context
}

function stepOf(job: Job): RunningStepContext {
  const { step } = contextOf(job)
  if (!step)
    throw new RuntimeError(
      'ERR_STATE',
      `${job.constructor.name}: expected to run as a step of a workflow; it was enqueued by itself`,
    )
  return step
}

/**
 * A job: extend it, give options as statics, and implement `perform`. Its class name is its name on the wire, unless
 * `static wireName` gives another.
 * @example
 * ```ts
 * class SendInvoice extends Job {
 *   static queue = 'mail'
 *   static retry = { limit: 5, delay: '10s' }
 *   static timeout = '1m'
 *
 *   async perform(order: string) {
 *     this.progress(1, 2, 'rendered')
 *     this.log(`attempt ${this.attempt}`)
 *     return { sent: order }
 *   }
 * }
 * ```
 */
export type Job = JobBase
/** The class that jobs extend; see the type. */
export const Job = JobBase as typeof JobBase & OptionalStatics<StaticOptions>

/** The instance behind a function job: `this` inside the function. */
export class FunctionJobInstance extends Job {
  perform(): never {
    throw new Error('a function job runs its function')
  }
}

/**
 * A function that is a job; still callable as itself.
 * @example
 * ```ts
 * const resize: FunctionJob<[path: string], void> = job({ queue: 'images' }, function resize(path: string) {
 *   this.log(path)
 * })
 * ```
 */
export type FunctionJob<A extends unknown[] = unknown[], R = unknown> = ((this: Job, ...args: A) => R) &
  JobOptions & { readonly [jobBrand]: true; wireName?: string }

/**
 * A class that is a job.
 * @example
 * ```ts
 * const nightly: JobClass[] = [ReminderJob, ReportJob]
 * ```
 */
export type JobClass<A extends unknown[] = never[]> = (new () => Job & { perform(...args: A): unknown }) & {
  wireName?: string | undefined
}

/**
 * A job class, or a function made by `job()`: what `enqueue` takes.
 * @example
 * ```ts
 * const later = (definition: JobDefinition) => enqueue.with({ queue: 'low' })(definition)
 * await later(ReportJob)
 * ```
 */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- any arguments: the real ones are inferred by ArgsOf
export type JobDefinition = (new () => { perform(...args: any[]): unknown }) | FunctionJob<any[]>

/**
 * The arguments of a job, as its `perform` has them; a typed job's first is what its schema takes, defaults left out.
 * @example
 * ```ts
 * const args: ArgsOf<typeof ReminderJob> = ['u1', { urgent: true }]
 * await enqueue(ReminderJob, ...args)
 * ```
 */
export type ArgsOf<J> = J extends { input: infer S; new (): { perform(...args: infer A): unknown } }
  ? A extends [unknown?, ...infer Rest]
    ? [input: SchemaSide<S, 'input'>, ...Rest]
    : A
  : // eslint-disable-next-line @typescript-eslint/no-explicit-any -- inference needs the widest form
    J extends new () => { perform(...args: infer A): any }
    ? A
    : // eslint-disable-next-line @typescript-eslint/no-explicit-any -- inference needs the widest form
      J extends (this: any, ...args: infer A) => any
      ? A
      : never

/**
 * What a job returns: the awaited value of `perform`, or of a typed job the output of its schema.
 * @example
 * ```ts
 * const show = (result: ResultOf<typeof ReminderJob>): string => result.reminded
 * ```
 */
export type ResultOf<J> = J extends { output: infer S } ? SchemaSide<S, 'output'> : Returned<J>

/** What `perform` or the function returns, awaited. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- inference needs the widest form
export type Returned<J> = J extends new () => { perform(...args: any[]): infer R }
  ? Awaited<R>
  : // eslint-disable-next-line @typescript-eslint/no-explicit-any -- inference needs the widest form
    J extends (...args: any[]) => infer R
    ? Awaited<R>
    : never

/**
 * Makes a job of a named function; `this` in it is the job.
 * @throws RuntimeError ERR_ARGUMENT when it is no function, or has no name
 * @example
 * ```ts
 * const sendWelcome = job({ queue: 'low', retry: 3 }, async function sendWelcome(email: string) {
 *   this.log(`to ${email}`)
 * })
 * await enqueue(sendWelcome, 'ann@example.org')
 * ```
 */
export function job<A extends unknown[], R>(
  options: JobOptions & { wireName?: string },
  work: (this: Job, ...args: A) => R,
): FunctionJob<A, R> {
  if (typeof work !== 'function' || work.name === '')
    throw new RuntimeError(
      'ERR_ARGUMENT',
      `job(options, work): expected a named function, since its name is its name on the wire; got ${typeof work === 'function' ? 'one without a name' : shown(work)}`,
    )
  return Object.assign(work, options, { [jobBrand]: true as const })
}

/** True for a job class or a job function, also of another copy of the package. */
export function isJob(value: unknown): value is JobDefinition {
  return typeof value === 'function' && (value as { [jobBrand]?: unknown })[jobBrand] === true
}

/** True for a function job, false for a class. */
export function isFunctionJob(definition: JobDefinition): definition is FunctionJob {
  return !isJob(Object.getPrototypeOf(definition)) && !/^class\b/.test(Function.prototype.toString.call(definition))
}

/** The name on the wire. */
export function wireName(definition: { name: string }): string {
  const given = (definition as { wireName?: unknown }).wireName
  return typeof given === 'string' && Object.hasOwn(definition, 'wireName') ? given : definition.name
}

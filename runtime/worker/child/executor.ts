import { findNotJson } from '../../core/json-check.ts'
import { jsonText } from '../../core/json-text.ts'
import { parseLossless } from '../../core/codec.ts'
import { isA, RuntimeError, toError } from '../../core/errors.ts'
import { type Snooze, outcomeErrorKind } from '../../core/outcome-errors.ts'
import type { App } from '../../jobs/app.ts'
import { hooksOf, runHooks } from '../../jobs/hooks.ts'
import {
  type FunctionJob,
  FunctionJobInstance,
  isFunctionJob,
  type Job,
  jobContext,
  type JobDefinition,
} from '../../jobs/job.ts'
import { optionsOn } from '../../jobs/options.ts'
import { limitsOf, type LimitOptions } from '../../jobs/limits.ts'
import { backoffOf, errorNames, retryDelayMs, retryPolicy } from '../../jobs/retry.ts'
import { check, schemaOf, type StandardSchema } from '../../jobs/typed.ts'
import { errorRecord, unknownClass } from '../outcome/error-record.ts'
import type { Channel } from './event-loop.ts'
import { checkResultSize } from '../outcome/result-size.ts'
import { RunningJobContext } from './running-job-context.ts'
import { JobSpan } from '../tracing.ts'
import { fillInput } from './child-memory.ts'
import type { Assignment, HookCall, Outcome } from '../../messages.ts'

/** Input or output that does not fit a job's schema; every path is in the message. */
class SchemaError extends Error {
  override name = 'SchemaError'
}

/**
 * Runs one assignment in this process and says how it ended. The pipeline of a job: `begin` (the hooks of a new
 * process), the instance, limits, input schema, beforePerform, aroundPerform, perform, afterPerform, output schema;
 * onFailure when any of it threw. Never rejects.
 */
export async function execute(
  assignment: Assignment,
  app: App,
  channel: Channel,
  begin: () => unknown = () => undefined,
): Promise<Outcome> {
  if (assignment.notice) return notify(assignment.notice, app, new RunningJobContext(assignment, channel), begin)
  const definition = app.registry.job(assignment.className)
  if (!definition) return { kind: 'failed', error: unknownClass(assignment.className) }
  const surroundings = new RunningJobContext(assignment, channel)
  const span = new JobSpan(assignment)
  const job: Performance = { definition, assignment, surroundings, args: [], instance: undefined }
  try {
    return span.end(await surroundings.settle(() => perform(job, span, begin)))
  } catch (thrown) {
    if (assignment.phase === 'onFailure') return { kind: 'failed', error: errorRecord(thrown) }
    job.instance ??= tryInstantiate(definition, surroundings)
    return span.end(await span.within(() => failed(thrown, job)))
  }
}

/** One job on its way through {@link execute}. */
interface Performance {
  readonly definition: JobDefinition
  readonly assignment: Assignment
  readonly surroundings: RunningJobContext
  args: unknown[]
  /** Undefined until the hooks of a new process have run. */
  instance: Job | undefined
}

/** To wait for what is no promise would cost a good part of an empty job. */
const mayBePromise = (value: unknown): value is PromiseLike<unknown> =>
  (typeof value === 'object' && value !== null) || typeof value === 'function'

/** The part that must end while something can still settle it. */
async function perform(job: Performance, span: JobSpan, begin: () => unknown): Promise<Outcome> {
  const { definition, assignment, surroundings } = job
  job.args = parseLossless(assignment.args) as unknown[]
  const begun = begin()
  if (mayBePromise(begun)) await begun
  const instance = (job.instance = instantiate(definition, surroundings))
  if (assignment.phase === 'onFailure') return afterDeath(definition, instance, job.args, assignment)
  const limits = assignment.limits ?? limitsOf(assignment.className, definition as LimitOptions, job.args)
  if (limits.length > 0 && !(await surroundings.ask(limits))) return { kind: 'held' }
  return await span.within(() => performWithHooks(job, instance))
}

/** Runs a worker hook. A promise that nothing can settle is its failure. */
async function notify(
  notice: HookCall,
  { hooks }: App,
  work: RunningJobContext,
  begin: () => unknown,
): Promise<Outcome> {
  const run = async (): Promise<unknown> => {
    await begin()
    return notice.hook === 'onDeath'
      ? hooks.onDeath?.(notice.job, notice.cause, notice.evidence)
      : hooks.onLeaseLost?.(notice.worker)
  }
  return work.settle(run).then(
    () => ({ kind: 'done' }),
    (thrown: unknown) => ({ kind: 'failed', error: errorRecord(thrown) }),
  )
}

/** For the onFailure hook of a job whose process failed before there was an instance. */
function tryInstantiate(definition: JobDefinition, surroundings: RunningJobContext): Job | undefined {
  try {
    return instantiate(definition, surroundings)
  } catch {
    return undefined
  }
}

function instantiate(definition: JobDefinition, surroundings: RunningJobContext): Job {
  const instance: Job = isFunctionJob(definition) ? new FunctionJobInstance() : new (definition as new () => Job)()
  instance[jobContext] = surroundings
  return instance
}

async function checkInput(schema: StandardSchema, args: unknown[], { memory }: RunningJobContext): Promise<void> {
  if (memory) args[0] = await fillInput(schema, args[0], (keys) => memory.read(keys))
  const checked = await check(schema, args[0])
  if (!checked.ok) throw new SchemaError(`input does not fit its schema: ${checked.problems}`)
  args[0] = checked.value
}

async function checkOutput(schema: StandardSchema, value: unknown): Promise<unknown> {
  const checked = await check(schema, value)
  if (!checked.ok)
    throw new SchemaError(`output does not fit its schema: ${checked.problems.replaceAll('input:', 'output:')}`)
  return checked.value
}

class Refused extends Error {}

async function performWithHooks(job: Performance, instance: Job): Promise<Outcome> {
  const { definition, args, surroundings } = job
  const input = schemaOf(definition, 'input')
  if (input) await checkInput(input, args, surroundings)
  const before = hooksOf(definition, 'beforePerform', instance)
  if (before.length > 0) await runBefore(before, args)
  const around = hooksOf(definition, 'aroundPerform', instance)
  const performed = around.length > 0 ? performWithin(around, job, instance) : performItself(definition, instance, args)
  const returned = mayBePromise(performed) ? await performed : performed
  const after = hooksOf(definition, 'afterPerform', instance)
  if (after.length > 0) await runHooks(after, ...args)
  const output = schemaOf(definition, 'output')
  const value = surroundings.hasOutput ? surroundings.outputValue : returned
  return done(job, output ? await checkOutput(output, value) : value)
}

async function runBefore(before: ReturnType<typeof hooksOf>, args: unknown[]): Promise<void> {
  try {
    await runHooks(before, ...args)
  } catch (thrown) {
    throw outcomeErrorKind(thrown) === 'dont-perform' ? new Refused() : thrown
  }
}

/** @returns what the job's own code returned: a value or a promise of one */
function performItself(definition: JobDefinition, instance: Job, args: unknown[]): unknown {
  return instance instanceof FunctionJobInstance
    ? (definition as FunctionJob).apply(instance, args)
    : (instance.perform as (...args: unknown[]) => unknown)(...args)
}

/** The first by name is outermost, as in Resque; one that does not call on skips perform, but not afterPerform. */
async function performWithin(
  around: ReturnType<typeof hooksOf>,
  { definition, args }: Performance,
  instance: Job,
): Promise<unknown> {
  let returned: unknown
  const perform = async (): Promise<unknown> => (returned = await performItself(definition, instance, args))
  await around.reduceRight<() => Promise<unknown>>((next, hook) => async () => hook(next, ...args), perform)()
  return returned
}

function done({ assignment, surroundings }: Performance, value: unknown): Outcome | Promise<Outcome> {
  const wanted = assignment.keepResult === true || assignment.step !== undefined
  if (wanted && value !== undefined) {
    const bad = findNotJson(value, 'result', { bigint: true })
    if (bad) throw new RuntimeError('ERR_NOT_JSON', bad)
  }
  const result = wanted && value !== undefined ? jsonText(value) : undefined
  checkResultSize(result, assignment.maxResultBytes)
  const outcome: Extract<Outcome, { kind: 'done' }> = { kind: 'done' }
  if (result !== undefined) outcome.result = result
  surroundings.addTo(outcome)
  if (!surroundings.memory || value === undefined || value === null) return outcome
  return surroundings.memory.keep(value).then((remembered) => (remembered ? { ...outcome, remembered } : outcome))
}

async function failed(thrown: unknown, job: Performance): Promise<Outcome> {
  const { definition, instance, args, assignment, surroundings } = job
  if (isA(thrown, Refused)) return { kind: 'refused' }
  const verb = outcomeErrorKind(thrown)
  if (verb === 'discard') return { kind: 'discarded', reason: (thrown as Error).message }
  if (verb === 'snooze') return { kind: 'snoozed', delayMs: (thrown as Snooze).delayMs }
  const error = toError(thrown)
  let record = errorRecord(thrown)
  try {
    // Without an instance there is no hook to run.
    if (instance) await surroundings.settle(() => runHooks(hooksOf(definition, 'onFailure', instance), error, ...args))
  } catch (hookError) {
    // As in Resque: a failing onFailure hook is reported together with the job's error.
    record = {
      ...record,
      message: `${record.message} (and its onFailure hook failed: ${errorRecord(hookError).message})`,
    }
  }
  return { kind: 'failed', error: record, ...(verb === 'fail' ? {} : nextAttempt(definition, assignment, error)) }
}

/** The job's own error stays what it failed of, whatever its `retry.backoff` does. */
function nextAttempt(
  definition: JobDefinition,
  assignment: Assignment,
  error: Error,
): { retryInMs?: number; backoffFault?: string } {
  const { attempt, className, retry } = assignment
  const own = retry ? undefined : optionsOn(definition).retry
  const policy = own === undefined ? retry : retryPolicy(own, className)
  if (!policy) return {}
  const names = errorNames(error)
  const backoff = own === undefined ? undefined : backoffOf(own)
  const at = (delayMs: number | undefined): { retryInMs?: number } =>
    delayMs === undefined ? {} : { retryInMs: delayMs }
  try {
    return at(retryDelayMs(policy, attempt, names, Math.random(), backoff && ((failed) => backoff(failed, error))))
  } catch (fault) {
    const { name, message } = errorRecord(fault)
    const backoffFault = `${name}: ${message}; the delay is that of the policy`
    return { ...at(retryDelayMs(policy, attempt, names, Math.random())), backoffFault }
  }
}

/** Runs only the onFailure hooks, for a job whose own process could not. @throws what they throw */
async function afterDeath(
  definition: JobDefinition,
  instance: Job,
  args: unknown[],
  { failure }: Assignment,
): Promise<Outcome> {
  const error = Object.assign(new Error(failure?.message ?? 'the job died'), {
    name: failure?.name ?? 'Resque::DirtyExit',
  })
  await runHooks(hooksOf(definition, 'onFailure', instance), error, ...args)
  return { kind: 'done' }
}

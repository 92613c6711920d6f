import type { App } from '../../jobs/app.ts'
import { hasHook } from '../../jobs/hooks.ts'
import type { JobDefinition } from '../../jobs/job.ts'
import { limitsOf, type LimitOptions } from '../../jobs/limits.ts'
import { optionsOn, settingsOf, processSettings } from '../../jobs/options.ts'
import { camelCase, type Registered } from '../../jobs/registry.ts'
import type { ClassManifest, Manifest, Assignment, JobSettings, RetryPolicy, StepContext } from '../../messages.ts'
import type { Reserved } from '../../store/workers/supervisors.ts'

/** What a supervisor must know of an application, as plain data: functions stay where the application is loaded. */
export function manifestOf(app: App): Manifest {
  const workerHooks = (['onDeath', 'onLeaseLost'] as const).filter((hook) => app.hooks[hook])
  return { classes: app.registry.list().map(classManifest), ...(workerHooks.length > 0 ? { workerHooks } : {}) }
}

/** What is known of a job's class; undefined when the application has no such job. The registry's own rules. */
export function jobClass(classes: ReadonlyMap<string, ClassManifest>, name: string): ClassManifest | undefined {
  const found = classes.get(name) ?? classes.get(camelCase(name))
  return found?.kind === 'job' ? found : undefined
}

function classManifest(entry: Registered): ClassManifest {
  const head = { name: entry.name, kind: entry.kind, file: entry.file }
  if (entry.kind !== 'job') return head
  const definition = entry.definition as JobDefinition
  const options = optionsOn(definition)
  return {
    ...head,
    ...settingsOf(options, entry.name),
    ...(options.queue === undefined ? {} : { queue: options.queue }),
    ...fixedLimitsOf(options, entry.name),
    ...(hasHook(definition, 'onFailure') ? { onFailure: true as const } : {}),
  }
}

/** Keys that depend on the arguments (`by`) are made in the job's process; others the supervisor can know. */
function fixedLimitsOf({ concurrency, rateLimit }: LimitOptions, name: string): Pick<ClassManifest, 'permits'> {
  if (concurrency === undefined && rateLimit === undefined) return {}
  const byArguments = [concurrency, rateLimit].some((limit) => typeof limit === 'object' && limit.by !== undefined)
  return byArguments ? {} : { permits: limitsOf(name, { concurrency, rateLimit }, []) }
}

/** A class's options with the call's own over them. */
export type Settings = ClassManifest & JobSettings

/** Of a call that has none. */
export const NO_OPTIONS: JobSettings = {}

/**
 * What holds for one call. Most calls have no options of their own: then the class's are not copied.
 * @param given the worker's own: `timeoutMs` where neither has one; no timeout where jobs wait for a debugger
 */
export function settingsOfCall(
  manifest: ClassManifest,
  options: JobSettings,
  { timeoutMs, inspectJobs }: { timeoutMs?: number; inspectJobs?: boolean },
): Settings {
  if (options === NO_OPTIONS && timeoutMs === undefined && !inspectJobs) return manifest
  const settings: Settings = { ...(timeoutMs === undefined ? {} : { timeoutMs }), ...manifest, ...options }
  if (inspectJobs) delete settings.timeoutMs
  return settings
}

/** The assignment of one job's process. */
export function assignmentOf(
  job: Reserved,
  worker: string,
  about: {
    className: string
    /** JSON text. */
    args: string
    settings: Settings
    /** Of the call itself: the class's own policy, which may be a function, is in the process. */
    retry: RetryPolicy | undefined
    step: StepContext | undefined
    maxResultBytes: number
    inspect: boolean
  },
): Assignment {
  const { className, args, settings, retry, step, maxResultBytes, inspect } = about
  const assignment: Assignment = {
    phase: 'perform',
    jobId: job.id,
    className,
    queue: job.queue,
    args,
    attempt: job.attempt,
    worker,
    maxResultBytes,
  }
  Object.assign(assignment, processSettings(settings))
  if (retry) assignment.retry = retry
  if (settings.keepResultMs !== undefined) assignment.keepResult = true
  if (step) assignment.step = step
  if (settings.trace) assignment.trace = settings.trace
  if (inspect) assignment.inspect = inspect
  return assignment
}

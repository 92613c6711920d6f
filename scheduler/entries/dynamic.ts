import { jsonValue } from '../../runtime/core/json-text.ts'
import { didYouMean } from '../../config/did-you-mean.ts'
import { RuntimeError } from '../../runtime/core/errors.ts'
import { findNotJson } from '../../runtime/core/json-check.ts'
import { defaultClient } from '../../runtime/jobs/default-client.ts'
import { wireName, type JobDefinition } from '../../runtime/jobs/job.ts'
import type { Store } from '../../runtime/store/store.ts'
import type { WorkflowClass } from '../../runtime/workflow/definitions/workflow.ts'

/**
 * A dynamic schedule as it is stored: an entry of schedule.yml as an object.
 * @example
 * ```ts
 * const nextDigest = (entry: ScheduleConfig) => entry.cron ?? entry.every
 * const digest = await getSchedule('digest')
 * if (digest) console.log(nextDigest(digest))
 * ```
 */
export interface ScheduleConfig {
  /** Five fields, or six with seconds first; a zone may follow. The list form is `[line, options]`. */
  cron?: string | [string, object]
  /** An interval, `30m`. The list form is `[interval, { first_in: '1m' }]`. */
  every?: string | [string, object]
  /** The name of the job's class; by default the name of the entry. */
  class?: string
  /** The class that is enqueued in place of `class`. */
  custom_job_class?: string
  /** By default that of the class. */
  queue?: string
  /** Arguments: a list, or one value that is the only argument. */
  args?: unknown
  /** Shown by `runtime schedule list` and the dashboard. */
  description?: string
  /** What happens to a firing whose previous run has not ended; `allow` by default. */
  overlap?: 'skip' | 'queue' | 'allow'
  /** Which missed firings are made up; `none` by default. */
  catchup?: 'none' | 'last' | 'all'
  /** The age up to which missed firings are made up, `1d` by default. */
  catchup_window?: string
  /** Each firing is delayed by up to this time, the same on every scheduler. */
  jitter?: string
  /** The zone of a cron line that names none; by default that of the scheduler's machine. */
  zone?: string
  /** The class of a workflow that is run, in place of `class`. */
  workflow?: string
  /** The name of a pipeline that is run, in place of `class`. */
  pipeline?: string
  /** The name of a template that is run, in place of `class`. */
  template?: string
  /** `false` disables the entry. */
  enabled?: boolean
  /** Only for these environments (`NODE_ENV`), separated by commas. */
  env?: string
  /** The same as `env`, by resque-scheduler's name. */
  rails_env?: string
  /** resque-web's form: name → `{ description, default }`. */
  parameters?: Record<string, unknown>
  /** Has no effect here: a dynamic schedule is always stored. */
  persist?: boolean
  /** True where an empty `cron` or `every` is meant: the entry is fired only by hand. */
  never?: boolean
}

/**
 * What `setSchedule` takes: classes may be given by name or as themselves.
 * @example
 * ```ts
 * const digest: NewSchedule = { every: '1h', class: ReportJob, overlap: 'skip' }
 * await setSchedule('digest', digest)
 * ```
 */
export interface NewSchedule extends Omit<ScheduleConfig, 'class' | 'workflow'> {
  /** The job's class, or a workflow's, or the name of one. */
  class?: string | JobDefinition | WorkflowClass
  /** A workflow's class or name, in place of `class`. */
  workflow?: string | WorkflowClass
}

/**
 * Stores a schedule as Resque's `set_schedule` does; a running scheduler obeys it within a second, Ruby's (when it is
 * dynamic) at its next poll.
 * What Ruby's cannot read (`5L` as weekday, a workflow) is stored where only this runtime looks.
 * @throws RuntimeError ERR_SCHEDULE that says everything that is wrong, ERR_NOT_JSON; nothing is written then
 * @example
 * ```ts
 * await setSchedule('digest', { cron: '0 7 * * * Europe/Berlin', class: ReminderJob, args: ['u1'] })
 * ```
 */
export async function setSchedule(
  name: string,
  config: NewSchedule,
  store: Store = defaultClient().store,
): Promise<void> {
  // `persist` says where a schedule lives, and Resque does not store it.
  const { persist: _persist, ...given } = config
  const stored = { ...given, ...named('class', given), ...named('workflow', given) }
  const bad = findNotJson(stored, name)
  if (bad) throw new RuntimeError('ERR_NOT_JSON', `setSchedule: ${bad}`)
  const json = JSON.stringify(stored)
  // Every job's process loads this module, and hardly one sets a schedule.
  const [{ readEntry }, { formatProblem, unreadByRuby }] = await Promise.all([
    import('./schedule-file.ts'),
    import('./entry.ts'),
  ])
  const { entry, problems } = readEntry(name, json, { file: 'setSchedule', source: 'dynamic' })
  const errors = problems.filter(({ severity }) => severity === 'error')
  if (errors.length > 0) throw new RuntimeError('ERR_SCHEDULE', errors.map(formatProblem).join('\n'))
  await store.schedules.setDynamic(name, json, !entry || unreadByRuby(entry) === undefined)
}

/** A class by its name on the wire; a name stays as it is. */
function named<K extends 'class' | 'workflow'>(option: K, config: NewSchedule): { [P in K]?: string } {
  const given = config[option]
  return typeof given === 'function' ? ({ [option]: wireName(given) } as { [P in K]?: string }) : {}
}

/**
 * Removes a dynamic schedule (Resque's `remove_schedule`).
 * @returns false when there was none
 * @throws RuntimeError ERR_REDIS
 * @example
 * ```ts
 * const wasThere = await removeSchedule('digest')
 * ```
 */
export async function removeSchedule(name: string, store: Store = defaultClient().store): Promise<boolean> {
  return store.schedules.removeDynamic(name)
}

/**
 * A dynamic schedule as it was stored; undefined when there is none, or it is not JSON.
 * @throws RuntimeError ERR_REDIS
 * @example
 * ```ts
 * const digest = await getSchedule('digest')
 * console.log(digest?.cron)
 * ```
 */
export async function getSchedule(
  name: string,
  store: Store = defaultClient().store,
): Promise<ScheduleConfig | undefined> {
  return jsonValue(await store.schedules.findDynamic(name)) as ScheduleConfig | undefined
}

/**
 * Stops an entry, of the file or dynamic, from firing until it is resumed; what it does not fire meanwhile is not missed.
 * @throws RuntimeError ERR_REDIS
 * @example
 * ```ts
 * await pauseSchedule('nightly_report')
 * ```
 */
export async function pauseSchedule(name: string, store: Store = defaultClient().store): Promise<void> {
  await store.schedules.switch(name, { paused: true }, Date.now())
}

/**
 * Lets a paused entry fire again, from now on.
 * @throws RuntimeError ERR_REDIS
 * @example
 * ```ts
 * await resumeSchedule('nightly_report')
 * ```
 */
export async function resumeSchedule(name: string, store: Store = defaultClient().store): Promise<void> {
  await store.schedules.switch(name, { paused: false }, Date.now())
}

/**
 * Switches an entry on, whatever its file says.
 * @throws RuntimeError ERR_REDIS
 * @example
 * ```ts
 * await enableSchedule('nightly_report')
 * ```
 */
export async function enableSchedule(name: string, store: Store = defaultClient().store): Promise<void> {
  await store.schedules.switch(name, { enabled: true }, Date.now())
}

/**
 * Switches an entry off, whatever its file says; what it does not fire meanwhile is not missed.
 * @throws RuntimeError ERR_REDIS
 * @example
 * ```ts
 * await disableSchedule('nightly_report')
 * ```
 */
export async function disableSchedule(name: string, store: Store = defaultClient().store): Promise<void> {
  await store.schedules.switch(name, { enabled: false }, Date.now())
}

/**
 * Asks the scheduler that leads to fire an entry once, now, whatever its timing, paused or not; without one, the next that
 * leads does. Asked again before it has heard, it fires once. What it cannot fire is noted as missed, with the reason.
 * @throws RuntimeError ERR_NOT_FOUND when neither a scheduler has loaded an entry of that name nor `setSchedule` set it
 * @example
 * ```ts
 * await runSchedule('digest') // once, now
 * ```
 */
export async function runSchedule(name: string, store: Store = defaultClient().store): Promise<void> {
  const known = { ...(await store.schedules.described()), ...(await store.schedules.dynamic()) }
  if (!Object.hasOwn(known, name)) {
    throw new RuntimeError(
      'ERR_NOT_FOUND',
      `runSchedule ${name}: expected an entry that a scheduler has loaded, found none of that name${didYouMean(name, Object.keys(known))}`,
    )
  }
  await store.schedules.askFor(name, Date.now())
}

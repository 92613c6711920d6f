import { loadConfig, type ConfigFlags } from '../../config/load.ts'
import { redisSettings } from '../../config/redis-url.ts'
import type { Config } from '../../config/schema.ts'
import { systemClock } from '../core/clock.ts'
import { type DurationOf, duration } from '../core/duration.ts'
import { openStore, type Store } from '../store/store.ts'
import { Client, type EnqueueOptions } from './client.ts'
import type { JobHandle } from './handle.ts'
import { type ArgsOf, type JobDefinition, type ResultOf, wireName } from './job.ts'
import type { CheckedJob } from './typed.ts'
import { type JobOptions, optionsOn } from './options.ts'
import { encodeItem } from '../core/codec.ts'
import { RuntimeError } from '../core/errors.ts'
import type { DelayedJob, DelayedName } from '../store/queues/delayed-pages.ts'

/** The one client of a process: the only state at module level. */
let current: { client: Client; config: Config } | undefined

/**
 * Settings of this process's client, over config/runtime.yml and the environment; closes the client there was.
 * @throws ConfigError
 * @example
 * ```ts
 * configure({ namespace: 'shop', redis: { url: 'redis://127.0.0.1:6379' } })
 * ```
 */
export function configure(flags: ConfigFlags & { cwd?: string } = {}): void {
  const { cwd, ...settings } = flags
  close()
  current = open(loadConfig({ ...(cwd === undefined ? {} : { cwd }), flags: settings }))
}

/** Uses a configuration that is loaded already: for the command, whose flags count, too. */
export function configureWith(config: Config): void {
  close()
  current = open(config)
}

/** Opens the store of a configuration. */
export function storeOf(config: Config): Store {
  return openStore(redisSettings(config), config.namespace)
}

/** This process's client, made from config/runtime.yml and the environment when first asked for. */
export function defaultClient(): Client {
  current ??= open(loadConfig())
  return current.client
}

/** The configuration of this process's client. */
export function defaultConfig(): Config {
  current ??= open(loadConfig())
  return current.config
}

/**
 * Lets go of Redis, so that a script can end; the next call opens it again.
 * @example
 * ```ts
 * await enqueue(ReminderJob, 'u1')
 * close() // otherwise the open connection keeps the process running
 * ```
 */
export function close(): void {
  current?.client.store.close()
  current = undefined
}

function open(config: Config): { client: Client; config: Config } {
  const { maxPayloadBytes, recordTtlMs, waitingTtlMs } = config.limits
  return { client: new Client(storeOf(config), { maxPayloadBytes, recordTtlMs, waitingTtlMs }, systemClock), config }
}

/**
 * Puts a job on its queue. Arguments are JSON, typed from `perform`. `enqueue.with(options)` gives options for one call.
 * @returns a handle; its `accepted` is false if a `beforeEnqueue` hook refused the job, its `duplicate` true if a unique job
 * of the same key, or a job of the given id, was there already
 * @throws RuntimeError ERR_NOT_JSON, ERR_TOO_LARGE, ERR_SCHEMA, ERR_ARGUMENT (nothing is written), ERR_REDIS
 * @example
 * ```ts
 * const handle = await enqueue(ReminderJob, 'u1', { urgent: true })
 * await enqueue.with({ queue: 'low', retry: 3 })(ReminderJob, 'u2')
 * ```
 */
export const enqueue = Object.assign(
  <J extends JobDefinition>(definition: J & CheckedJob<J>, ...args: ArgsOf<J>): Promise<JobHandle<ResultOf<J>>> =>
    defaultClient().enqueue(definition, args),
  {
    /** The same with options for one call. @throws RuntimeError ERR_ARGUMENT for an option that is none */
    with:
      (options: EnqueueOptions) =>
      <J extends JobDefinition>(definition: J & CheckedJob<J>, ...args: ArgsOf<J>): Promise<JobHandle<ResultOf<J>>> =>
        defaultClient().enqueue(definition, args, options),
  },
)

/**
 * Puts a job on its queue after a delay: `'5 days'`, or milliseconds.
 * @throws RuntimeError ERR_ARGUMENT for a delay that is none, or a moment; and what `enqueue` throws
 * @example
 * ```ts
 * await enqueueIn('5 days', ReminderJob, 'u1')
 * await enqueueIn(minutes(90), ReminderJob, 'u1')
 * ```
 */
export const enqueueIn = Object.assign(
  <J extends JobDefinition, D extends string>(
    delay: DurationOf<D>,
    definition: J & CheckedJob<J>,
    ...args: ArgsOf<J>
  ): Promise<JobHandle<ResultOf<J>>> => defaultClient().enqueueIn(delay, definition, args),
  {
    /** The same with options for one call. @throws RuntimeError ERR_ARGUMENT for an option that is none */
    with:
      (options: EnqueueOptions) =>
      <J extends JobDefinition, D extends string>(
        delay: DurationOf<D>,
        definition: J & CheckedJob<J>,
        ...args: ArgsOf<J>
      ): Promise<JobHandle<ResultOf<J>>> =>
        defaultClient().enqueueIn(delay, definition, args, options),
  },
)

/**
 * Puts a job on its queue at a moment, from 2001 to 100 years from now; one that is past, at once.
 * @throws RuntimeError ERR_ARGUMENT for any other moment, and what `enqueue` throws
 * @example
 * ```ts
 * await enqueueAt(new Date('2027-01-01T08:00Z'), ReminderJob, 'u1')
 * ```
 */
export const enqueueAt = Object.assign(
  <J extends JobDefinition>(
    at: Date | number,
    definition: J & CheckedJob<J>,
    ...args: ArgsOf<J>
  ): Promise<JobHandle<ResultOf<J>>> => defaultClient().enqueueAt(at, definition, args),
  {
    /** The same with options for one call. @throws RuntimeError ERR_ARGUMENT for an option that is none */
    with:
      (options: EnqueueOptions) =>
      <J extends JobDefinition>(
        at: Date | number,
        definition: J & CheckedJob<J>,
        ...args: ArgsOf<J>
      ): Promise<JobHandle<ResultOf<J>>> =>
        defaultClient().enqueueAt(at, definition, args, options),
  },
)

/**
 * Puts many jobs of one class on its queue, 1,000 in a round trip.
 * @returns a handle for each
 * @throws RuntimeError what `enqueue` throws; then none of the jobs that were not sent yet is written
 * @example
 * ```ts
 * const users = ['u1', 'u2', 'u3']
 * const handles = await enqueueBulk(ReminderJob, users.map((user) => [user] as [string]))
 * ```
 */
export function enqueueBulk<J extends JobDefinition>(
  definition: J & CheckedJob<J>,
  list: readonly ArgsOf<J>[],
  options?: JobOptions,
): Promise<JobHandle<ResultOf<J>>[]> {
  return defaultClient().enqueueBulk(definition, list, options)
}

/**
 * Removes waiting jobs with exactly these arguments; without arguments all of the class.
 * @returns how many
 * @throws RuntimeError ERR_ARGUMENT for a class without a queue, ERR_NOT_JSON, ERR_REDIS
 * @example
 * ```ts
 * const removed = await dequeue(ReminderJob, 'u1') // all that wait with exactly these arguments
 * await dequeue(ReminderJob) // all that wait
 * ```
 */
export function dequeue<J extends JobDefinition>(definition: J, ...args: ArgsOf<J> | []): Promise<number> {
  return defaultClient().dequeue(definition, args.length === 0 ? undefined : (args as ArgsOf<J>))
}

/**
 * The handle of a job by its id.
 * @throws RuntimeError ERR_ARGUMENT for an id that is none
 * @example
 * ```ts
 * const { state } = await findJob('0mb2k3x7f4q8').status() // `unknown` if there is no such job
 * ```
 */
export function findJob<R = unknown>(id: string): JobHandle<R> {
  return defaultClient().job<R>(id)
}

/** Names all delayed copies of a job: its class's own queue, and exactly these arguments (none means none, as in Resque). */
function named(definition: JobDefinition, args: readonly unknown[]): DelayedName {
  const className = wireName(definition)
  const { queue } = optionsOn(definition)
  if (queue === undefined)
    throw new RuntimeError(
      'ERR_ARGUMENT',
      `${className}: expected a class with a queue, found none; add \`static queue\``,
    )
  return { className, item: encodeItem(className, args, Infinity), queue }
}

/**
 * Takes every delayed copy of a job back (Resque's `remove_delayed`).
 * @returns how many
 * @throws RuntimeError ERR_ARGUMENT for a class without a queue, ERR_NOT_JSON, ERR_REDIS
 * @example
 * ```ts
 * const removed = await removeDelayed(ReminderJob, 'u1')
 * ```
 */
export async function removeDelayed<J extends JobDefinition>(definition: J, ...args: ArgsOf<J>): Promise<number> {
  return defaultClient().store.delayed.remove(named(definition, args), Date.now(), defaultConfig().limits.recordTtlMs)
}

/**
 * Takes back the delayed jobs that `select` answers true for (Resque's `remove_delayed_selection`); it gets the
 * arguments, and the rest of what is known. With a class, only that class's jobs are asked about.
 * @returns how many
 * @throws what `select` throws; RuntimeError ERR_REDIS
 * @example
 * ```ts
 * await removeDelayedSelection(([user]) => user === 'u1', ReminderJob)
 * ```
 */
export async function removeDelayedSelection(
  select: (args: unknown[], job: DelayedJob) => boolean,
  definition?: JobDefinition,
): Promise<number> {
  const className = definition && wireName(definition)
  const wanted = (job: DelayedJob): boolean =>
    job.className !== undefined &&
    (className === undefined || job.className === className) &&
    select(JSON.parse(job.args) as unknown[], job)
  return defaultClient().store.delayed.removeSelection(wanted, Date.now(), defaultConfig().limits.recordTtlMs)
}

/**
 * When the delayed copies of a job are due, earliest first (Resque's `scheduled_at`).
 * @throws RuntimeError ERR_ARGUMENT for a class without a queue, ERR_NOT_JSON, ERR_REDIS
 * @example
 * ```ts
 * const [first] = await scheduledAt(ReminderJob, 'u1') // a Date, or undefined
 * ```
 */
export async function scheduledAt<J extends JobDefinition>(definition: J, ...args: ArgsOf<J>): Promise<Date[]> {
  const times = await defaultClient().store.delayed.scheduledAt(named(definition, args))
  return times.map((ms) => new Date(ms))
}

/**
 * Queues every delayed copy of a job now (Resque's `enqueue_delayed`).
 * @returns how many
 * @throws RuntimeError ERR_ARGUMENT for a class without a queue, ERR_NOT_JSON, ERR_REDIS
 * @example
 * ```ts
 * await enqueueDelayedNow(ReminderJob, 'u1')
 * ```
 */
export async function enqueueDelayedNow<J extends JobDefinition>(definition: J, ...args: ArgsOf<J>): Promise<number> {
  return defaultClient().store.delayed.enqueueNow(
    named(definition, args),
    Date.now(),
    defaultConfig().limits.waitingTtlMs,
  )
}

/**
 * Puts every delayed copy of a job off until `delay` from now; where there is none, delays one (Resque's
 * `delay_or_enqueue_in`).
 * @returns how many there were
 * @throws RuntimeError ERR_ARGUMENT for a delay that is none or a class without a queue, ERR_NOT_JSON, ERR_REDIS
 * @example
 * ```ts
 * await delayOrEnqueueIn('2h', ReminderJob, 'u1') // two hours from now, however often it is called
 * ```
 */
export async function delayOrEnqueueIn<J extends JobDefinition, D extends string>(
  delay: DurationOf<D>,
  definition: J & CheckedJob<J>,
  ...args: ArgsOf<J>
): Promise<number> {
  const now = Date.now()
  const dueMs = now + duration(delay, `delayOrEnqueueIn ${wireName(definition)}`)
  return defaultClient().store.delayed.delayOrEnqueue(
    named(definition, args),
    dueMs,
    now,
    defaultConfig().limits.waitingTtlMs,
  )
}

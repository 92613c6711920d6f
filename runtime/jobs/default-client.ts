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

/** Lets go of Redis, so that a script can end; the next call opens it again. */
export function close(): void {
  current?.client.store.close()
  current = undefined
}

function open(config: Config): { client: Client; config: Config } {
  const { maxPayloadBytes, recordTtlMs, waitingTtlMs } = config.limits
  return { client: new Client(storeOf(config), { maxPayloadBytes, recordTtlMs, waitingTtlMs }, systemClock), config }
}

/** Puts a job on its queue; see {@link Client.enqueue}. `enqueue.with(options)` gives options for one call. */
export const enqueue = Object.assign(
  <J extends JobDefinition>(definition: J & CheckedJob<J>, ...args: ArgsOf<J>): Promise<JobHandle<ResultOf<J>>> =>
    defaultClient().enqueue(definition, args),
  {
    with:
      (options: EnqueueOptions) =>
      <J extends JobDefinition>(definition: J & CheckedJob<J>, ...args: ArgsOf<J>): Promise<JobHandle<ResultOf<J>>> =>
        defaultClient().enqueue(definition, args, options),
  },
)

/** Puts a job on its queue after a delay; see {@link Client.enqueueIn}. */
export const enqueueIn = Object.assign(
  <J extends JobDefinition, D extends string>(
    delay: DurationOf<D>,
    definition: J & CheckedJob<J>,
    ...args: ArgsOf<J>
  ): Promise<JobHandle<ResultOf<J>>> => defaultClient().enqueueIn(delay, definition, args),
  {
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

/** Puts a job on its queue at a moment; see {@link Client.enqueueAt}. */
export const enqueueAt = Object.assign(
  <J extends JobDefinition>(
    at: Date | number,
    definition: J & CheckedJob<J>,
    ...args: ArgsOf<J>
  ): Promise<JobHandle<ResultOf<J>>> => defaultClient().enqueueAt(at, definition, args),
  {
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

/** Puts many jobs of one class on its queue; see {@link Client.enqueueBulk}. */
export function enqueueBulk<J extends JobDefinition>(
  definition: J & CheckedJob<J>,
  list: readonly ArgsOf<J>[],
  options?: JobOptions,
): Promise<JobHandle<ResultOf<J>>[]> {
  return defaultClient().enqueueBulk(definition, list, options)
}

/** Removes waiting jobs; see {@link Client.dequeue}. Without arguments all of the class. */
export function dequeue<J extends JobDefinition>(definition: J, ...args: ArgsOf<J> | []): Promise<number> {
  return defaultClient().dequeue(definition, args.length === 0 ? undefined : (args as ArgsOf<J>))
}

/** The handle of a job by its id. */
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

/** Takes every delayed copy of a job back (Resque's `remove_delayed`). @returns how many */
export async function removeDelayed<J extends JobDefinition>(definition: J, ...args: ArgsOf<J>): Promise<number> {
  return defaultClient().store.delayed.remove(named(definition, args), Date.now(), defaultConfig().limits.recordTtlMs)
}

/**
 * Takes back the delayed jobs that `select` answers true for (Resque's `remove_delayed_selection`); it gets the
 * arguments, and the rest of what is known. With a class, only that class's jobs are asked about. @returns how many
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

/** When the delayed copies of a job are due, earliest first (Resque's `scheduled_at`). */
export async function scheduledAt<J extends JobDefinition>(definition: J, ...args: ArgsOf<J>): Promise<Date[]> {
  const times = await defaultClient().store.delayed.scheduledAt(named(definition, args))
  return times.map((ms) => new Date(ms))
}

/** Queues every delayed copy of a job now (Resque's `enqueue_delayed`). @returns how many */
export async function enqueueDelayedNow<J extends JobDefinition>(definition: J, ...args: ArgsOf<J>): Promise<number> {
  return defaultClient().store.delayed.enqueueNow(
    named(definition, args),
    Date.now(),
    defaultConfig().limits.waitingTtlMs,
  )
}

/**
 * Puts every delayed copy of a job off until `delay` from now; where there is none, delays one (Resque's
 * `delay_or_enqueue_in`). @returns how many there were
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

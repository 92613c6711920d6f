import { loadConfig, type ConfigFlags } from '../../config/load.ts'
import { redisSettings } from '../../config/redis-settings.ts'
import type { Config } from '../../config/schema.ts'
import { systemClock } from '../core/clock.ts'
import type { DurationOf } from '../core/duration.ts'
import { openStore, type Store } from '../store/store.ts'
import { Client, type EnqueueOptions } from './client.ts'
import type { JobHandle } from './handle.ts'
import type { ArgsOf, JobDefinition, ResultOf } from './job.ts'
import type { SoundJob } from './typed.ts'
import type { JobOptions } from './options.ts'

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
  <J extends JobDefinition>(definition: J & SoundJob<J>, ...args: ArgsOf<J>): Promise<JobHandle<ResultOf<J>>> =>
    defaultClient().enqueue(definition, args),
  {
    with:
      (options: EnqueueOptions) =>
      <J extends JobDefinition>(definition: J & SoundJob<J>, ...args: ArgsOf<J>): Promise<JobHandle<ResultOf<J>>> =>
        defaultClient().enqueue(definition, args, options),
  },
)

/** Puts a job on its queue after a delay; see {@link Client.enqueueIn}. */
export const enqueueIn = Object.assign(
  <J extends JobDefinition, D extends string>(
    delay: DurationOf<D>,
    definition: J & SoundJob<J>,
    ...args: ArgsOf<J>
  ): Promise<JobHandle<ResultOf<J>>> => defaultClient().enqueueIn(delay, definition, args),
  {
    with:
      (options: EnqueueOptions) =>
      <J extends JobDefinition, D extends string>(
        delay: DurationOf<D>,
        definition: J & SoundJob<J>,
        ...args: ArgsOf<J>
      ): Promise<JobHandle<ResultOf<J>>> =>
        defaultClient().enqueueIn(delay, definition, args, options),
  },
)

/** Puts a job on its queue at a moment; see {@link Client.enqueueAt}. */
export const enqueueAt = Object.assign(
  <J extends JobDefinition>(
    at: Date | number,
    definition: J & SoundJob<J>,
    ...args: ArgsOf<J>
  ): Promise<JobHandle<ResultOf<J>>> => defaultClient().enqueueAt(at, definition, args),
  {
    with:
      (options: EnqueueOptions) =>
      <J extends JobDefinition>(
        at: Date | number,
        definition: J & SoundJob<J>,
        ...args: ArgsOf<J>
      ): Promise<JobHandle<ResultOf<J>>> =>
        defaultClient().enqueueAt(at, definition, args, options),
  },
)

/** Puts many jobs of one class on its queue; see {@link Client.enqueueBulk}. */
export function enqueueBulk<J extends JobDefinition>(
  definition: J & SoundJob<J>,
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

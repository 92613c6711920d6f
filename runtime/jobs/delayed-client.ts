import { encodeItem } from '../core/codec.ts'
import { duration, type DurationOf } from '../core/duration.ts'
import { RuntimeError } from '../core/errors.ts'
import type { DelayedJob, DelayedName } from '../store/queues/delayed-pages.ts'
import { defaultClient, defaultConfig } from './default-client.ts'
import { wireName, type ArgsOf, type JobDefinition } from './job.ts'
import { optionsOn } from './options.ts'
import type { SoundJob } from './typed.ts'

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
  definition: J & SoundJob<J>,
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

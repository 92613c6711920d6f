import { toError } from '../../runtime/core/errors.ts'
import { hooksOf, instanceOf, runHooks } from '../../runtime/jobs/hooks.ts'
import type { JobDefinition } from '../../runtime/jobs/job.ts'
import { optionsOn } from '../../runtime/jobs/options.ts'
import { uniqueOf } from '../../runtime/jobs/limits.ts'
import { inputProblems } from '../../runtime/jobs/typed.ts'
import type { UniqueLock } from '../../runtime/store/queues/queues.ts'

/** What a job's class says when an entry is about to enqueue one: the same as when `enqueue` does. */
export interface Admission {
  /** Why it must not be enqueued; absent: it may be. */
  refusal?: string
  /** The lock it takes; absent: none. */
  unique?: UniqueLock
  /** Runs the afterEnqueue hooks. */
  enqueued: () => Promise<void>
}

const free: Admission = { enqueued: () => Promise.resolve() }

/**
 * Asks a class of the application for its unique lock, its schema and its beforeEnqueue hooks. A class of another
 * application has no say here: it is enqueued as resque-scheduler enqueues what it cannot load.
 * @param args JSON text of an array
 * @throws what a hook throws when Redis was not to be reached (ERR_REDIS): the firing is tried again
 */
export async function admit(
  definition: JobDefinition | undefined,
  className: string,
  args: string,
): Promise<Admission> {
  if (!definition) return free
  const list = JSON.parse(args) as unknown[]
  try {
    const unique = uniqueOf(className, optionsOn(definition), list)
    const problems = await inputProblems(definition, list[0])
    if (problems) return { ...free, refusal: `input does not fit its schema: ${problems}` }
    const instance = instanceOf(definition)
    const go = await runHooks(hooksOf(definition, 'beforeEnqueue', instance), ...list)
    return {
      ...(go ? {} : { refusal: 'its beforeEnqueue hook said no' }),
      ...(unique ? { unique } : {}),
      enqueued: async () => void (await runHooks(hooksOf(definition, 'afterEnqueue', instance), ...list)),
    }
  } catch (error) {
    const { message, code } = toError(error) as Error & { code?: string }
    if (code === 'ERR_REDIS') throw error
    return { ...free, refusal: `its class could not be asked: ${message}` }
  }
}

import type { App } from '../../../jobs/app.ts'
import { toError } from '../../../core/errors.ts'
import { errorRecord } from '../../error-record.ts'
import { execute, type Channel } from '../../executor.ts'
import type { Assignment, Outcome } from '../../protocol.ts'

/** What hooks are told of a job. */
const aboutJob = (assignment: Assignment): { id: string; class: string; queue: string } => ({
  id: assignment.jobId,
  class: assignment.className,
  queue: assignment.queue,
})

/**
 * Runs `beforeFork` in the zygote. What it throws is the job's failure, so it is handed to the child. It cannot wait:
 * there is no event loop here.
 */
export function runBeforeFork({ hooks }: App, assignment: Assignment): Error | undefined {
  if (!hooks.beforeFork) return undefined
  try {
    const returned = hooks.beforeFork(aboutJob(assignment))
    if (typeof (returned as PromiseLike<unknown> | undefined)?.then !== 'function') return undefined
    return new Error(
      'beforeFork: expected a plain function, it returned a promise, which nobody can await before a fork; move it to afterFork',
    )
  } catch (thrown) {
    return toError(thrown)
  }
}

/** A job in its child, from afterFork to its outcome. Never rejects. */
export async function runJob(
  app: App,
  assignment: Assignment,
  channel: Channel,
  refused: Error | undefined,
): Promise<Outcome> {
  try {
    if (refused) throw refused
    if (app.hooks.afterFork) await app.hooks.afterFork(aboutJob(assignment))
    return await execute(assignment, app, channel)
  } catch (thrown) {
    return { kind: 'failed', error: errorRecord(toError(thrown)) }
  }
}

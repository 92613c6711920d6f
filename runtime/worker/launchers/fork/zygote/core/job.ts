import type { App } from '../../../../../jobs/app.ts'
import { toError } from '../../../../../core/errors.ts'
import { ConsecutiveJobs, REST_AFTER_MS } from '../../../../child/consecutive-jobs.ts'
import type { Assignment } from '../../../../../messages.ts'
import { title } from '../../../../titles.ts'
import { environmentPointers } from '../child-identity/environment-mark.ts'
import { setLimits } from './job-limits.ts'
import type { JobChannel } from '../wire/job-channel.ts'
import type { NewChild } from './loop.ts'

/** What hooks get about a job. */
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
      'beforeFork: expected a plain function, it returned a promise, which cannot be awaited before a fork; move it to afterFork',
    )
  } catch (thrown) {
    return toError(thrown)
  }
}

/** A child's life, on its own event loop, from the open channel to the code to leave with. Never rejects. */
export async function runJobs(
  app: App,
  channel: JobChannel,
  born: NewChild,
  jobsPerChild = 1,
): Promise<typeof process.exitCode> {
  if (!born.assignment) process.title = title('Waiting for a job')
  const begin = async (assignment: Assignment): Promise<void> => {
    if (born.refused) throw born.refused
    await app.hooks.afterFork?.(aboutJob(assignment))
  }
  const environment = environmentPointers
  const series = new ConsecutiveJobs({
    app,
    channel,
    jobsPerChild,
    tellsUsage: false,
    tellsStarts: false,
    setLimits,
    begin,
    environment,
  })
  let assignment = born.assignment ?? channel.receiveAssignment()
  // Between two jobs the event loop stands still: nothing that a job has left runs.
  while (assignment && (await series.perform(assignment))) {
    if (!channel.isReadable(REST_AFTER_MS)) series.rest()
    assignment = channel.receiveAssignment()
  }
  return process.exitCode
}

import type { App } from '../../../../../jobs/app.ts'
import { toError } from '../../../../../core/errors.ts'
import { execute } from '../../../../child/executor.ts'
import type { Assignment } from '../../../../../wire.ts'
import { jobTitle, title } from '../../../../titles.ts'
import { flushTelemetry } from '../../../../../jobs/telemetry.ts'
import { setLimits } from './after-fork.ts'
import type { JobChannel } from '../wire/job-channel.ts'
import type { Born } from './loop.ts'

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
export async function live(app: App, channel: JobChannel, born: Born): Promise<typeof process.exitCode> {
  if (!born.assignment) process.title = title('Waiting for a job')
  const assignment = born.assignment ?? channel.receiveAssignment()
  if (!assignment) return 0
  process.title = jobTitle(assignment)
  channel.send({ type: 'started', pid: process.pid })
  const startedAt = performance.now()
  setLimits(assignment)
  let loadMs: number | undefined
  const outcome = await execute(assignment, app, channel, async () => {
    if (born.refused) throw born.refused
    await app.hooks.afterFork?.(aboutJob(assignment))
    loadMs = performance.now() - startedAt
  })
  const ranMs = performance.now() - startedAt
  channel.send({ type: 'outcome', outcome, ranMs, ...(loadMs === undefined ? {} : { loadMs }) })
  await flushTelemetry()
  return process.exitCode
}

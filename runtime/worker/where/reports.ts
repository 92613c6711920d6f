import type { Logger } from '../../core/logger.ts'
import type { StackAnswer, StackRequests } from '../../store/workers/stack-requests.ts'
import type { JobRun } from '../run/job-run.ts'
import { whereLines } from '../../store/workers/where.ts'

/** A job that an operator asks for goes on running, so it may take its time to answer. */
const DEADLINE_MS = 2000

/** Writes to the log where each job is, with its stack. */
export async function logStacks(runs: readonly JobRun[], log: Logger): Promise<void> {
  if (runs.length === 0) log.info('no job runs here')
  await Promise.all(
    runs.map(async (run) => {
      const where = await run.locate(DEADLINE_MS)
      log.info(`job ${run.job.id} in process ${run.pid ?? '?'} is ${whereLines(where).join('\n  ')}`)
    }),
  )
}

/** Answers `runtime job stack`. Who asked waits no longer than its own deadline; an answer that gets lost is no fault of the job. */
export async function answerStack(run: JobRun, request: string, stacks: StackRequests, log: Logger): Promise<void> {
  const answer: StackAnswer = { pid: run.pid, where: await run.locate(DEADLINE_MS) }
  await stacks.answer(request, JSON.stringify(answer)).catch((error: Error) => {
    log.warn(`job ${run.job.id}: the answer where it is cannot be sent: ${error.message}`)
  })
}

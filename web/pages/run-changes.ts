import { openRun } from '../../runtime/inspect/runs.ts'
import type { WorkflowRun } from '../../runtime/workflow/run/workflow-run.ts'
import { withinDeadline } from '../deadline.ts'
import { contextOf, type Done, type Query, type PageRequest } from '../request.ts'

async function runNamed(request: PageRequest, form: Query): Promise<WorkflowRun> {
  return withinDeadline(openRun(contextOf(request), form.needed('id')))
}

/** Runs failed steps, and what a stop held back, again. */
export async function continueRun(request: PageRequest, form: Query): Promise<Done> {
  const flow = await runNamed(request, form)
  await flow.continue()
  return { note: `Continued run ${flow.id} of ${flow.record.class}.` }
}

/** Stops a run. */
export async function stopRun(request: PageRequest, form: Query): Promise<Done> {
  const flow = await runNamed(request, form)
  await flow.stop()
  return { note: `Stopped run ${flow.id} of ${flow.record.class}.` }
}

/** Runs a failed step again. */
export async function retryStep(request: PageRequest, form: Query): Promise<Done> {
  const flow = await runNamed(request, form)
  const step = form.whole('step', 0)
  await flow.retry(String(step))
  return { note: `Step ${step} of run ${flow.id} runs again.` }
}

/** Lets what waits for a step go on without it. */
export async function skipStep(request: PageRequest, form: Query): Promise<Done> {
  const flow = await runNamed(request, form)
  const step = form.whole('step', 0)
  await flow.skip(String(step))
  return { note: `Skipped step ${step} of run ${flow.id}.` }
}

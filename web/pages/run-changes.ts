import { openRun } from '../../runtime/inspect/runs.ts'
import type { WorkflowRun } from '../../runtime/workflow/run/workflow-run.ts'
import { within } from '../gather.ts'
import { contextOf, type Done, type Query, type Visit } from '../visit.ts'

async function runNamed(visit: Visit, form: Query): Promise<WorkflowRun> {
  return within(openRun(contextOf(visit), form.needed('id')))
}

/** Runs failed steps, and what a stop held back, again. */
export async function continueRun(visit: Visit, form: Query): Promise<Done> {
  const flow = await runNamed(visit, form)
  await flow.continue()
  return { note: `Continued run ${flow.id} of ${flow.record.class}.` }
}

/** Stops a run. */
export async function stopRun(visit: Visit, form: Query): Promise<Done> {
  const flow = await runNamed(visit, form)
  await flow.stop()
  return { note: `Stopped run ${flow.id} of ${flow.record.class}.` }
}

/** Runs a failed step again. */
export async function retryStep(visit: Visit, form: Query): Promise<Done> {
  const flow = await runNamed(visit, form)
  const step = form.whole('step', 0)
  await flow.retry(String(step))
  return { note: `Step ${step} of run ${flow.id} runs again.` }
}

/** Lets what waits for a step go on without it. */
export async function skipStep(visit: Visit, form: Query): Promise<Done> {
  const flow = await runNamed(visit, form)
  const step = form.whole('step', 0)
  await flow.skip(String(step))
  return { note: `Skipped step ${step} of run ${flow.id}.` }
}

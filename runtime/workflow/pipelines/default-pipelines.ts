import { defaultTarget } from '../frontends/workflow.ts'
import { Pipelines } from './pipelines.ts'

/**
 * Pipelines on this process's own Redis: `await pipelines().run('example_pipeline', { instance: 2, params: { day: 'monday' } })`.
 * The request that comes back says Accepted, with its run, or Rejected, with the reason.
 */
export function pipelines(): Pipelines {
  return new Pipelines(defaultTarget())
}

/**
 * The public API of resque-runtime, and nothing else.
 * @module resque-runtime
 */
export { Job, job } from './jobs/job.ts'
export type { ArgsOf, FunctionJob, JobClass, JobDefinition, ResultOf } from './jobs/job.ts'
export type { EnqueueOptions } from './jobs/client.ts'
export type { JobOptions } from './jobs/options.ts'
export type { RetryOptions } from './jobs/retry.ts'
export type { Infer, StandardSchema } from './jobs/typed.ts'
export type { WorkerHooks } from './jobs/app.ts'
export type { DeadJob, LostWorker } from './messages.ts'
export { JobHandle } from './jobs/handle.ts'
export type { JobStatus } from './jobs/handle.ts'
export {
  close,
  configure,
  dequeue,
  enqueue,
  enqueueAt,
  enqueueBulk,
  enqueueIn,
  findJob,
} from './jobs/default-client.ts'
export {
  delayOrEnqueueIn,
  enqueueDelayedNow,
  removeDelayed,
  removeDelayedSelection,
  scheduledAt,
} from './jobs/default-client.ts'
export type { DelayedJob } from './store/queues/delayed-pages.ts'
export { Workflow } from './workflow/definitions/workflow.ts'
export type { CreateOptions, WorkflowClass } from './workflow/definitions/workflow.ts'
export type { NodeHandle, NodeOptions } from './workflow/graph/graph-builder.ts'
export { chain, group, task, withDelay, workflow } from './workflow/definitions/combinators.ts'
export type { Part, PartOptions } from './workflow/definitions/combinators-types.ts'
export { findRun } from './workflow/definitions/composition.ts'
export type { Composition, CompositionOptions } from './workflow/definitions/composition.ts'
export { memory, RedisMemory } from './workflow/memory/memory.ts'
export type { MemoryOptions } from './workflow/memory/memory.ts'
export type { MemoryBackend } from './jobs/memory-backend.ts'
export { templates } from './workflow/templates/templates.ts'
export type { Template, TemplateOptions } from './workflow/templates/template.ts'
export type { RunJob } from './workflow/run/run-jobs.ts'
export { WorkflowRun } from './workflow/run/workflow-run.ts'
export { pipelines } from './workflow/pipelines/pipelines.ts'
export type { Pipelines, RequestOptions } from './workflow/pipelines/pipelines.ts'
export type { PipelineRunInfo, PipelineStepInfo } from './workflow/pipelines/pipeline-run.ts'
export type { RunRequest } from './store/runs/pipelines.ts'
export {
  disableSchedule,
  enableSchedule,
  getSchedule,
  pauseSchedule,
  removeSchedule,
  resumeSchedule,
  runSchedule,
  setSchedule,
} from '../scheduler/entries/dynamic.ts'
export type { NewSchedule, ScheduleConfig } from '../scheduler/entries/dynamic.ts'
export { days, hours, minutes, seconds } from './core/duration.ts'
export type { Duration, DurationOf } from './core/duration.ts'
export { Discard, DontPerform, Fail, Snooze } from './core/outcome-errors.ts'
export { RuntimeError } from './core/errors.ts'
export type { ErrorCode } from './core/errors.ts'

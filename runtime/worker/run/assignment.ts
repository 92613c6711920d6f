import type { CallOptions } from '../../jobs/options.ts'
import type { Reserved } from '../../store/workers/supervisors.ts'
import type { Assignment, ClassManifest, StepContext } from './protocol.ts'

/** A job that can be launched. `args`: JSON text. */
export interface ReadyJob {
  className: string
  args: string
  context?: StepContext
  options: CallOptions
}

/** A class's options with the call's own over them. */
export type Settings = Omit<ClassManifest, 'retry'> & CallOptions

/** What one job's process is told. */
export function assignmentOf(
  job: Reserved,
  worker: string,
  about: {
    className: string
    /** JSON text. */
    args: string
    settings: Settings
    /** Of the call itself: the class's own policy, which may be a function, is in the process. */
    retry: CallOptions['retry']
    step: StepContext | undefined
    maxResultBytes: number
  },
): Assignment {
  const { className, args, settings, retry, step, maxResultBytes } = about
  const { cpuLimitSeconds, openFilesLimit, niceness, keepResultMs } = settings
  return {
    phase: 'perform',
    jobId: job.id,
    className,
    queue: job.queue,
    args,
    attempt: job.attempt,
    worker,
    maxResultBytes,
    ...(cpuLimitSeconds === undefined ? {} : { cpuLimitSeconds }),
    ...(openFilesLimit === undefined ? {} : { openFilesLimit }),
    ...(niceness === undefined ? {} : { niceness }),
    ...(retry ? { retry } : {}),
    ...(keepResultMs === undefined ? {} : { keepResult: true }),
    ...(step ? { step } : {}),
  }
}

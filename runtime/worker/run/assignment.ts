import { processSettings } from '../../jobs/options.ts'
import type { Reserved } from '../../store/workers/supervisors.ts'
import type { Assignment, ClassManifest, JobSettings, RetryPolicy, StepContext } from '../../wire.ts'

/** A class's options with the call's own over them. */
export type Settings = ClassManifest & JobSettings

/** The assignment of one job's process. */
export function assignmentOf(
  job: Reserved,
  worker: string,
  about: {
    className: string
    /** JSON text. */
    args: string
    settings: Settings
    /** Of the call itself: the class's own policy, which may be a function, is in the process. */
    retry: RetryPolicy | undefined
    step: StepContext | undefined
    maxResultBytes: number
    inspect: boolean
  },
): Assignment {
  const { className, args, settings, retry, step, maxResultBytes, inspect } = about
  return {
    phase: 'perform',
    jobId: job.id,
    className,
    queue: job.queue,
    args,
    attempt: job.attempt,
    worker,
    maxResultBytes,
    ...processSettings(settings),
    ...(retry ? { retry } : {}),
    ...(settings.keepResultMs === undefined ? {} : { keepResult: true }),
    ...(step ? { step } : {}),
    ...(settings.trace ? { trace: settings.trace } : {}),
    ...(inspect ? { inspect } : {}),
  }
}

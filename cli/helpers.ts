import { Archiver } from '../runtime/archive/archiver.ts'
import { systemClock } from '../runtime/core/clock.ts'
import type { Service } from '../runtime/core/service.ts'
import { Reaper } from '../runtime/store/workers/reaper.ts'
import { targetOf } from './commands/workflow-target.ts'
import type { Context } from './context.ts'
import { requestProcessor } from '../runtime/workflow/pipelines/requests.ts'

/** Moves what has ended to the archive; every worker and every scheduler has one, and they take turns. */
export function makeArchiver({ store, config, log }: Context): Archiver {
  return new Archiver({ store, clock: systemClock, log, settings: config.archive, namespace: config.namespace })
}

/** Decides about pipeline run requests that were left pending; every scheduler has one. */
export function makeRequestProcessor(context: Context): Service {
  return requestProcessor(targetOf(context), { clock: systemClock, log: context.log })
}

/** Puts the jobs of dead workers back where no worker is left that would. */
export function makeReaper({ store, log, config }: Context): Reaper {
  const { maxRedeliveries, heartbeatMs, leaseMs } = config.worker
  const { failedMax, recordTtlMs } = config.limits
  const limits = { maxRedeliveries, failedMax, ttlMs: recordTtlMs }
  return new Reaper({ store, clock: systemClock, log, limits, leaseMs, retryMs: heartbeatMs })
}

import { openPipelines } from '../runtime/inspect/pipelines.ts'
import { Archiver } from '../runtime/archive/archiver.ts'
import { RunRequests, type RunRequestsOptions } from '../runtime/archive/run-requests.ts'
import { systemClock } from '../runtime/core/clock.ts'
import { parseLossless } from '../runtime/core/codec.ts'
import type { Service } from '../runtime/core/service.ts'
import { Reaper } from '../runtime/store/workers/reaper.ts'
import { runTarget } from '../runtime/inspect/runs.ts'
import type { Context } from './context.ts'
import { requestProcessor } from '../runtime/workflow/pipelines/requests.ts'

/** Moves what has ended to the archive; every worker and every scheduler has one, and they take turns. */
export function makeArchiver({ store, config, log }: Context): Archiver {
  return new Archiver({ store, clock: systemClock, log, settings: config.archive, namespace: config.namespace })
}

/** Decides about pipeline run requests that were left pending; every scheduler has one. */
export function makeRequestProcessor(context: Context): Service {
  return requestProcessor(runTarget(context), { clock: systemClock, log: context.log })
}

/** Decides pipeline run requests that were written with SQL, while `leads`; without PostgreSQL there are none. */
export function makeRunRequests(context: Context, leads: () => boolean): Service[] {
  const { url } = context.config.archive
  if (url === undefined) return []
  const pipelines = openPipelines(context)
  const { namespace } = context.config
  const decide: RunRequestsOptions['decide'] = ({ pipeline, params, ...row }) =>
    pipelines.run(pipeline, { ...row, params: parseLossless(params) as Record<string, unknown>, by: 'sql' })
  return [new RunRequests({ url, namespace, clock: systemClock, log: context.log, leads, decide })]
}

/** Puts the jobs of dead workers back where no worker is left that would. */
export function makeReaper({ store, log, config }: Context): Reaper {
  const { maxRedeliveries, heartbeatMs, leaseMs } = config.worker
  const { failedMax, recordTtlMs } = config.limits
  const limits = { maxRedeliveries, failedMax, ttlMs: recordTtlMs }
  return new Reaper({ store, clock: systemClock, log, limits, leaseMs, retryMs: heartbeatMs })
}

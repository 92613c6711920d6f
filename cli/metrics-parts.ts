import { overview } from '../runtime/inspect/overview.ts'
import type { ClusterFacts } from '../runtime/metrics/cluster-metrics.ts'
import type { Context } from './context.ts'

/** What a metrics server is made of, in one module, so that commands without one do not load it. */
export { Registry } from 'prom-client'
export { registerCluster } from '../runtime/metrics/cluster-metrics.ts'
export { MetricsServer } from '../runtime/metrics/metrics-server.ts'
export { ProcessMetrics } from '../runtime/metrics/process-metrics.ts'

/** What the metrics of all processes together are made of. @throws RuntimeError ERR_REDIS */
export async function clusterFacts(context: Context): Promise<ClusterFacts> {
  const { store } = context
  const [now, { processed, failed: failures }, registered, runs, archive] = await Promise.all([
    overview(context),
    store.workers.stats(),
    store.workers.list(),
    store.runs.countByStatus(),
    store.archive.state(),
  ])
  const { scheduler, redis, slots, queues, failed, lost, atMs } = now
  return {
    queues,
    failed,
    processed,
    failures,
    workers: registered.length,
    workingWorkers: registered.filter(({ working }) => working !== undefined).length,
    slots,
    lostWorkers: lost.length,
    scheduler: {
      isLed: scheduler.leader !== undefined,
      late: scheduler.late.length,
      latenessMs: Math.max(0, ...scheduler.late.map(({ dueMs }) => atMs - dueMs)),
      missed: scheduler.missed.count,
    },
    overdue: scheduler.overdue.count,
    runs,
    archive: { pending: archive.keep === 'postgres' ? archive.length : 0, dropped: archive.dropped },
    redis: { usedBytes: redis.usedMemoryBytes, maxBytes: redis.maxmemoryBytes },
  }
}

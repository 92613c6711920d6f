import { systemClock } from '../runtime/core/clock.ts'
import { Loop, type Service } from '../runtime/core/service.ts'
import type { ProcessFacts } from '../runtime/metrics/process-metrics.ts'
import { Tally, writeTally } from '../runtime/metrics/tally.ts'
import type { JobEnd } from '../runtime/messages.ts'
import type { Context } from './context.ts'

/** How often the counts of a worker go to Redis; a worker that is killed loses those since. */
const writeMs = 5000

/** What a process that is measured tells of itself. */
export interface Measured {
  kind: 'worker' | 'scheduler' | 'web'
  facts: () => ProcessFacts
  /** Why it is not ready for work, apart from Redis; undefined when it is. */
  notReady: () => string | undefined
  /** It exports the metrics of all processes together, now. */
  isExporter: () => boolean
}

/** Counts the ends of jobs in Redis. */
export function makeTally({ store, log }: Context): { onEnd: (end: JobEnd) => void; service: Service } {
  const tally = new Tally()
  const write = async (): Promise<undefined> => writeTally(tally, store.metrics, Date.now()).then(() => undefined)
  const loop = new Loop({ name: 'metrics', clock: systemClock, log, intervalMs: writeMs, tick: write })
  const stop = async (): Promise<void> => {
    await loop.stop()
    await write().catch(() => undefined)
  }
  return { onEnd: (end) => tally.add(end), service: { name: 'metrics', start: () => loop.start(), stop } }
}

/** `/metrics`, `/healthz` and `/readyz`, where `metrics.port` is set. @returns also what counts this process's own ends */
export async function makeMetricsServer(
  context: Context,
  { kind, facts, notReady, isExporter }: Measured,
): Promise<{ onEnd: (end: JobEnd) => void; services: Service[] }> {
  const { config, store, log } = context
  const { port, host, token } = config.metrics
  if (port === undefined) return { onEnd: () => undefined, services: [] }
  // Loaded by those only who want it.
  const { clusterFacts, MetricsServer, ProcessMetrics, registerCluster, Registry } = await import('./metrics-parts.ts')
  const registry = new Registry()
  const redisMs = async (): Promise<number | undefined> => {
    const startedAt = performance.now()
    return store.connection
      .ask((redis) => redis.ping())
      .then(
        () => performance.now() - startedAt,
        () => undefined,
      )
  }
  const own = new ProcessMetrics(registry, kind, async () => ({ ...facts(), redisMs: await redisMs() }))
  registerCluster(registry, store, async () => (isExporter() ? clusterFacts(context) : undefined))
  const ready = async (): Promise<string | undefined> =>
    notReady() ?? ((await redisMs()) === undefined ? 'Redis gives no answer' : undefined)
  return {
    onEnd: (end) => own.ended(end),
    services: [new MetricsServer({ host, port, token, registry, notReady: ready, log })],
  }
}

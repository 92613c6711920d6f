/** What a metrics server is made of, in one module, so that commands without one do not load it. */
export { Registry } from 'prom-client'
export { registerCluster } from '../runtime/metrics/cluster-metrics.ts'
export { MetricsServer } from '../runtime/metrics/metrics-server.ts'
export { ProcessMetrics } from '../runtime/metrics/process-metrics.ts'
export { clusterFacts } from './cluster-facts.ts'

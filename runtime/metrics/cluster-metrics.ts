import { jsonArray, textIn } from '../core/json-text.ts'
import type { Gauge, Registry } from 'prom-client'
import type { Store } from '../store/store.ts'
import { bucketsMs } from './tally.ts'

/** What belongs to all processes together, as numbers: what a page's overview knows. */
export interface ClusterFacts {
  /** `oldestMs`: the age of the oldest waiting job, undefined when it is not known. */
  queues: { name: string; size: number; oldestMs?: number | undefined; paused: boolean; workers: number }[]
  failed: number
  /** Resque's `stat:processed` and `stat:failed`. */
  processed: number
  failures: number
  /** Registered workers of any runtime (one for each slot), and those that run a job. */
  workers: number
  workingWorkers: number
  slots: { total: number; busy: number }
  /** Workers that died in the last hour. */
  lostWorkers: number
  scheduler: { isLed: boolean; late: number; latenessMs: number; missed: number }
  /** Delayed jobs that are overdue. */
  overdue: number
  /** Workflow runs by status. */
  runs: Record<string, number>
  archive: { pending: number; dropped: number }
  redis: { usedBytes: number; maxBytes: number }
}

interface Sample {
  labels: Record<string, string | number>
  value: number
  metricName?: string
}

/** A cause of each failure, so that alerts find a zero before the first. Names: docs/errors.md. */
const causes = [
  'exception',
  'never settled',
  'timeout',
  'memory',
  'signal',
  'exit code',
  'cancelled',
  'lease lost',
  'worker lost',
  'garbage',
  'unknown class',
]

/**
 * Registers the metrics that belong to all processes together. They are read from Redis at each scrape, so only one process may
 * export them: the leading scheduler, or `runtime web`. `resque_*` names without `runtime` are those of the Resque exporters.
 * @param facts read at each scrape; undefined: this process does not export them now
 */
export function registerCluster(
  registry: Registry,
  store: Store,
  facts: () => Promise<ClusterFacts | undefined>,
): void {
  let now: Promise<ClusterFacts | undefined> | undefined
  // One reading serves all metrics of a scrape.
  const read = (): Promise<ClusterFacts | undefined> => {
    now ??= facts().finally(() => setImmediate(() => (now = undefined)))
    return now
  }
  const add = (type: 'counter' | 'gauge' | 'histogram', name: string, help: string, values: Values): void => {
    const get = async (): Promise<object> => {
      const known = await read().catch(() => undefined)
      return { name, help, type, aggregator: 'sum', values: known ? await values(known) : [] }
    }
    // The registry calls nothing but `get` of a metric, and its types ask for the classes.
    registry.registerMetric({ name, help, type, get } as unknown as Gauge)
  }

  add('gauge', 'resque_jobs_in_queue', 'Jobs that wait in each queue', ({ queues }) =>
    queues.map(({ name, size }) => ({ labels: { queue: name }, value: size })),
  )
  add('gauge', 'resque_jobs_in_failed_queue', 'Entries of the failed list', ({ failed }) => [
    { labels: { queue: 'failed' }, value: failed },
  ])
  add('counter', 'resque_job_executions_total', 'Jobs processed in total (stat:processed)', (f) => one(f.processed))
  add('counter', 'resque_failed_job_executions_total', 'Failures in total (stat:failed)', (f) => one(f.failures))
  add('gauge', 'resque_workers', 'Registered workers, one for each slot', (f) => one(f.workers))
  add('gauge', 'resque_working_workers', 'Workers that run a job', (f) => one(f.workingWorkers))

  registerOwn(add)
  registerTotals(add, store)
}

const one = (value: number): Sample[] => [{ labels: {}, value }]

type Values = (facts: ClusterFacts) => Sample[] | Promise<Sample[]>
type Add = (type: 'counter' | 'gauge' | 'histogram', name: string, help: string, values: Values) => void

/** What the Resque exporters do not know. */
function registerOwn(add: Add): void {
  add('gauge', 'resque_runtime_queue_oldest_seconds', 'Age of the oldest job of each queue, where it is known', (f) =>
    f.queues.flatMap(({ name, oldestMs }) =>
      oldestMs === undefined ? [] : [{ labels: { queue: name }, value: oldestMs / 1000 }],
    ),
  )
  add('gauge', 'resque_runtime_queue_workers', 'Live workers that serve each queue', (f) =>
    f.queues.map(({ name, workers }) => ({ labels: { queue: name }, value: workers })),
  )
  add('gauge', 'resque_runtime_queue_paused', '1 while the queue is paused', (f) =>
    f.queues.map(({ name, paused }) => ({ labels: { queue: name }, value: paused ? 1 : 0 })),
  )
  add('gauge', 'resque_runtime_slots', 'Slots of all live workers', ({ slots: { total, busy } }) => [
    { labels: { state: 'busy' }, value: busy },
    { labels: { state: 'free' }, value: Math.max(0, total - busy) },
  ])
  add('gauge', 'resque_runtime_lost_workers', 'Workers that died in the last hour', (f) => one(f.lostWorkers))
  add('gauge', 'resque_runtime_scheduler_led', '1 while a scheduler leads', (f) => one(f.scheduler.isLed ? 1 : 0))
  add('gauge', 'resque_runtime_schedule_late_entries', 'Schedule entries that are late now', (f) =>
    one(f.scheduler.late),
  )
  add('gauge', 'resque_runtime_schedule_lateness_seconds', 'How late the latest schedule entry is', (f) =>
    one(f.scheduler.latenessMs / 1000),
  )
  add('gauge', 'resque_runtime_schedule_missed', 'Firings missed in the last hour', (f) => one(f.scheduler.missed))
  add('gauge', 'resque_runtime_delayed_overdue', 'Delayed jobs that are overdue', (f) => one(f.overdue))
  add('gauge', 'resque_runtime_workflow_runs', 'Workflow runs by status', ({ runs }) =>
    Object.entries(runs).map(([status, value]) => ({ labels: { status }, value })),
  )
  add('gauge', 'resque_runtime_archive_pending', 'Records that wait for the archive', (f) => one(f.archive.pending))
  add('counter', 'resque_runtime_archive_dropped_total', 'Records that the archive lost', (f) => one(f.archive.dropped))
  add('gauge', 'resque_runtime_redis_memory_bytes', 'Memory of Redis: used, and its limit (0: none)', ({ redis }) => [
    { labels: { kind: 'used' }, value: redis.usedBytes },
    { labels: { kind: 'limit' }, value: redis.maxBytes },
  ])
}

/** The counters of ended jobs (tally.ts). */
function registerTotals(add: Add, store: Store): void {
  const totals = async (name: string): Promise<[labels: string[], value: number][]> =>
    Object.entries(await store.metrics.totals()).flatMap(([field, value]) => {
      const [of, ...labels] = readField(field)
      return of === name ? [[labels, value] as [string[], number]] : []
    })
  add('counter', 'resque_runtime_jobs_total', 'Ended attempts by queue, class, outcome and cause', async () =>
    (await totals('ended')).map(([[queue = '', className = '', outcome = '', cause = ''], value]) => ({
      labels: { queue, class: className, outcome, cause },
      value,
    })),
  )
  add('counter', 'resque_runtime_failures_total', 'Failed attempts by cause, retried ones included', async () => {
    const sums = new Map(causes.map((cause) => [cause, 0]))
    for (const [[, , , cause = ''], value] of await totals('ended'))
      if (cause !== '') sums.set(cause, (sums.get(cause) ?? 0) + value)
    return [...sums].map(([cause, value]) => ({ labels: { cause }, value }))
  })
  const histogram = (name: string, help: string, counter: string, labelNames: readonly string[]): void =>
    add('histogram', name, help, async () => {
      const sums = new Map((await totals(`${counter}_ms`)).map(([labels, ms]) => [JSON.stringify(labels), ms / 1000]))
      const counts = new Map<string, Map<string, number>>()
      for (const [labels, value] of await totals(counter)) {
        const key = JSON.stringify(labels.slice(0, -1))
        counts.set(key, (counts.get(key) ?? new Map<string, number>()).set(labels.at(-1) ?? 'inf', value))
      }
      return [...counts].flatMap(([key, buckets]) =>
        histogramOf(name, labelsOf(labelNames, readField(key)), buckets, sums.get(key) ?? 0),
      )
    })
  histogram('resque_runtime_job_wait_seconds', 'From enqueued or due to reserved', 'wait', ['queue'])
  histogram('resque_runtime_job_fork_seconds', 'Until a process has the job: a fork, or a start of Node', 'fork', [])
  histogram('resque_runtime_job_run_seconds', 'From reserved to ended', 'run', ['queue', 'class'])
}

/** Cumulative buckets, sum and count, as Prometheus has them. */
function histogramOf(
  name: string,
  labels: Record<string, string>,
  buckets: ReadonlyMap<string, number>,
  sum: number,
): Sample[] {
  let count = 0
  const cumulative = bucketsMs.map((bound) => {
    count += buckets.get(String(bound)) ?? 0
    return { metricName: `${name}_bucket`, labels: { ...labels, le: bound / 1000 }, value: count }
  })
  count += buckets.get('inf') ?? 0
  return [
    ...cumulative,
    { metricName: `${name}_bucket`, labels: { ...labels, le: '+Inf' }, value: count },
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: count },
  ]
}

const labelsOf = (names: readonly string[], values: readonly string[]): Record<string, string> =>
  Object.fromEntries(names.map((name, i) => [name, values[i] ?? '']))

/** Name and labels of a counter's field; what is no such field is passed over. */
function readField(field: string): string[] {
  return jsonArray(field).map(textIn)
}

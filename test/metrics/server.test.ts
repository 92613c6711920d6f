// What Prometheus and probes read from one process, and from the exporter of all.
import assert from 'node:assert/strict'
import { after, afterEach, beforeEach, describe, it } from 'node:test'
import { Registry } from 'prom-client'
import { createLogger, silentLogger } from '../../runtime/core/logger.ts'
import { registerCluster, type ClusterFacts } from '../../runtime/metrics/cluster-metrics.ts'
import { MetricsServer } from '../../runtime/metrics/metrics-server.ts'
import { ProcessMetrics } from '../../runtime/metrics/process-metrics.ts'
import { Tally, writeTally } from '../../runtime/metrics/tally.ts'
import type { Store } from '../../runtime/store/store.ts'
import { useRedis } from '../support/redis.ts'
import { testStore } from '../support/store.ts'

const redis = useRedis()
let store: Store
beforeEach(() => (store = testStore(redis)))
afterEach(() => store.close())

const facts: ClusterFacts = {
  queues: [
    { name: 'ma"il', size: 3, oldestMs: 1500, paused: true, workers: 2 },
    { name: 'new', size: 1, oldestMs: undefined, paused: false, workers: 0 },
  ],
  failed: 4,
  processed: 10,
  failures: 5,
  workers: 3,
  workingWorkers: 1,
  slots: { total: 3, busy: 1 },
  lostWorkers: 0,
  scheduler: { isLed: true, late: 1, latenessMs: 12_000, missed: 2 },
  overdue: 7,
  runs: { running: 1, failed: 2 },
  archive: { pending: 9, dropped: 1 },
  redis: { usedBytes: 1000, maxBytes: 0 },
}

const servers: MetricsServer[] = []
after(() => Promise.all(servers.map((server) => server.stop())))
async function serve(registry: Registry, more: { token?: string; notReady?: () => Promise<string | undefined> } = {}) {
  const notReady = more.notReady ?? (() => Promise.resolve(undefined))
  const server = new MetricsServer({ host: '127.0.0.1', port: 0, registry, log: silentLogger, ...more, notReady })
  servers.push(server)
  await server.start()
  return async (path: string, init?: RequestInit): Promise<[status: number, text: string]> => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, init)
    return [response.status, await response.text()]
  }
}

describe('metrics of all processes', () => {
  const registryOf = (read: () => Promise<ClusterFacts | undefined>): Registry => {
    const registry = new Registry()
    registerCluster(registry, store, read)
    return registry
  }

  it('are exported under the names of the Resque exporters, and ours', async () => {
    const tally = new Tally()
    tally.add({ queue: 'mail', className: 'MailJob', outcome: 'failed', cause: 'timeout', waitMs: 40, runMs: 2600 })
    await writeTally(tally, store.metrics, Date.now())
    const [status, text] = await (await serve(registryOf(() => Promise.resolve(facts))))('/metrics')
    assert.equal(status, 200)
    for (const line of [
      '# TYPE resque_job_executions_total counter',
      '# TYPE resque_runtime_job_run_seconds histogram',
      'resque_jobs_in_queue{queue="ma\\"il"} 3',
      'resque_jobs_in_failed_queue{queue="failed"} 4',
      'resque_job_executions_total 10',
      'resque_failed_job_executions_total 5',
      'resque_workers 3',
      'resque_working_workers 1',
      'resque_runtime_queue_oldest_seconds{queue="ma\\"il"} 1.5',
      'resque_runtime_slots{state="free"} 2',
      'resque_runtime_schedule_lateness_seconds 12',
      'resque_runtime_workflow_runs{status="failed"} 2',
      'resque_runtime_jobs_total{queue="mail",class="MailJob",outcome="failed",cause="timeout"} 1',
      'resque_runtime_failures_total{cause="timeout"} 1',
      'resque_runtime_failures_total{cause="memory"} 0',
      'resque_runtime_job_run_seconds_bucket{queue="mail",class="MailJob",le="2.5"} 0',
      'resque_runtime_job_run_seconds_bucket{queue="mail",class="MailJob",le="5"} 1',
      'resque_runtime_job_run_seconds_bucket{queue="mail",class="MailJob",le="+Inf"} 1',
      'resque_runtime_job_run_seconds_sum{queue="mail",class="MailJob"} 2.6',
      'resque_runtime_job_wait_seconds_count{queue="mail"} 1',
    ])
      assert.ok(text.split('\n').includes(line), `${line}\n${text}`)
    assert.doesNotMatch(text, /oldest_seconds\{queue="new"\}/, 'an unknown age is absent, not 0')
  })

  it('are empty in a process that does not export them, or while Redis is away', async () => {
    for (const read of [() => Promise.resolve(undefined), () => Promise.reject(new Error('away'))]) {
      const [status, text] = await (await serve(registryOf(read)))('/metrics')
      assert.equal(status, 200)
      assert.doesNotMatch(text, /^resque/m)
    }
  })
})

describe('metrics of one process', () => {
  it('have its slots, its jobs and whether Redis answers', async () => {
    const registry = new Registry()
    let redisMs: number | undefined = 2
    const own = new ProcessMetrics(registry, 'worker', () => Promise.resolve({ redisMs, total: 4, busy: 1 }))
    own.ended({ queue: 'q', className: 'A', outcome: 'done', cause: '', runMs: 1 })
    const get = await serve(registry)
    const [, text] = await get('/metrics')
    for (const line of [
      'resque_up 1',
      'resque_runtime_redis_round_trip_seconds 0.002',
      'resque_runtime_worker_slots{state="busy"} 1',
      'resque_runtime_worker_slots{state="free"} 3',
      'resque_runtime_worker_fallback 0',
      'resque_runtime_worker_jobs_total{queue="q",class="A",outcome="done",cause=""} 1',
    ])
      assert.ok(text.split('\n').includes(line), `${line}\n${text}`)
    assert.doesNotMatch(text, /scheduler_leads/)
    redisMs = undefined
    assert.match((await get('/metrics'))[1], /^resque_up 0$/m)
  })

  it('have a bounded number of classes', async () => {
    const registry = new Registry()
    const own = new ProcessMetrics(registry, 'worker', () => Promise.resolve({}))
    for (let i = 0; i < 150; i += 1)
      own.ended({ queue: 'q', className: `Job${i}`, outcome: 'done', cause: '', runMs: 1 })
    const [, text] = await (await serve(registry))('/metrics')
    assert.match(text, /class="other",outcome="done",cause=""\} 50$/m)
  })
})

describe('the server', () => {
  it('asks for the token, but not for health', async () => {
    const get = await serve(new Registry(), { token: 'secret' })
    assert.equal((await get('/metrics'))[0], 401)
    assert.equal((await get('/metrics', { headers: { authorization: 'Bearer secre' } }))[0], 401)
    assert.equal((await get('/metrics', { headers: { authorization: 'Bearer secret' } }))[0], 200)
    assert.deepEqual(await get('/healthz'), [200, 'ok\n'])
  })

  it('says why the process is not ready, and what it serves', async () => {
    const get = await serve(new Registry(), { notReady: () => Promise.resolve('Redis gives no answer') })
    assert.deepEqual(await get('/readyz'), [503, 'Redis gives no answer\n'])
    assert.equal((await get('/nothing'))[0], 404)
    assert.equal((await get('/metrics', { method: 'POST' }))[0], 405)
    const ready = await serve(new Registry())
    assert.deepEqual(await ready('/readyz?full'), [200, 'ready\n'])
    assert.deepEqual(await ready('/readyz', { method: 'HEAD' }), [200, ''])
  })

  it('has no port before it starts and after it has stopped, which it may do twice', async () => {
    const log: string[] = []
    const heard = createLogger({ level: 'info', format: 'text', write: (line) => void log.push(line) })
    const options = { host: '::1', port: 0, registry: new Registry(), notReady: () => Promise.resolve(undefined) }
    const server = new MetricsServer({ ...options, log: heard })
    await server.stop()
    assert.equal(server.port, 0)
    await server.start()
    assert.ok(log.join().includes(`metrics at http://[::1]:${server.port}/metrics`))
    await Promise.all([server.stop(), server.stop()])
    assert.equal(server.port, 0)
  })

  it('refuses a port that is taken', async () => {
    await serve(new Registry())
    const { port } = servers.at(-1)!
    const registry = new Registry()
    const twin = new MetricsServer({
      host: '127.0.0.1',
      port,
      registry,
      log: silentLogger,
      notReady: () => Promise.resolve(undefined),
    })
    await assert.rejects(twin.start(), { code: 'ERR_CONFIG', message: /metrics\.port: .*EADDRINUSE/ })
  })
})

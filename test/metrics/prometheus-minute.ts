// Prometheus scrapes a running system for a minute, and answers five questions as what was really done.
//   npm run test:prometheus
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { makeApp, removeApps } from '../support/app.ts'
import { leavesNoProcess, startCli, startProcess, type Running } from '../support/process.ts'
import { useRedis } from '../support/redis.ts'
import { eventually } from '../support/wait.ts'
import { push, startWorker, untilState, useEvidence, useStore } from '../worker/support.ts'

const server = useRedis()
const evidence = useEvidence()
const to = useStore(server)
leavesNoProcess()

const minuteMs = 60_000
/** One job in so many milliseconds. */
const everyMs = 500
const dir = mkdtempSync(join(tmpdir(), 'test-prometheus-'))
let app = ''
before(async () => {
  app = await makeApp({
    'config/runtime.yml': 'jobs: { paths: [src/jobs] }',
    'schedule.yml': 'tick: { every: 2s, class: Fine, queue: never }',
    'src/jobs/all.js': `
      import { Job } from 'resque-runtime'
      export class Fine extends Job { perform() {} }
      export class Throws extends Job { perform() { throw new Error('no') } }
      export class Killed extends Job { perform() { process.kill(process.pid, 'SIGKILL') } }
      export class Slow extends Job { static timeout = 200; perform() { for (;;) {} } }
      export class Waits extends Job { perform() { return new Promise((done) => setTimeout(done, 600_000)) } }`,
  })
})
after(async () => {
  await removeApps()
  rmSync(dir, { recursive: true, force: true })
})

async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const { port } = probe.address() as AddressInfo
  await new Promise((resolve) => probe.close(resolve))
  return port
}

/** Starts Prometheus. @returns asks it for one number by each value of a label ('' without one) */
async function prometheus(targets: string[]): Promise<{
  process: Running
  ask: (query: string, label?: string) => Promise<Record<string, number>>
}> {
  const port = await freePort()
  const config = {
    global: { scrape_interval: '1s' },
    scrape_configs: [{ job_name: 'resque-runtime', static_configs: [{ targets }] }],
  }
  writeFileSync(join(dir, 'prometheus.yml'), JSON.stringify(config))
  const running = startProcess('prometheus', [
    `--config.file=${join(dir, 'prometheus.yml')}`,
    `--storage.tsdb.path=${join(dir, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ])
  await running.waitForLine(/Server is ready to receive web requests/, { timeoutMs: 30_000 })
  const ask = async (query: string, label = ''): Promise<Record<string, number>> => {
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(query)}`)
    const { data } = (await answer.json()) as {
      data: { result: { metric: Record<string, string>; value: [number, string] }[] }
    }
    return Object.fromEntries(data.result.map(({ metric, value }) => [metric[label] ?? '', Number(value[1])]))
  }
  return { process: running, ask }
}

const hostOf = async (running: Running): Promise<string> =>
  (await running.waitForLine(/http:\/\/([\d.:]+)\/metrics/, { timeoutMs: 60_000 }))[1] ?? ''

const near = (value: number | undefined, expected: number, within: number, what: string): void => {
  console.log(`${what}: Prometheus says ${value?.toFixed(2)}, done were ${expected.toFixed(2)}`)
  assert.ok(value !== undefined && Math.abs(value - expected) <= within, `${what}: ${value}, expected ${expected}`)
}

it('five questions after a minute', async () => {
  const env = { RUNTIME_METRICS_PORT: '0', RUNTIME_LOG_FORMAT: 'text', REDIS_URL: server.url }
  const worker = await startWorker(server, evidence, { cwd: app, concurrency: 2, env })
  const scheduler = startCli(['scheduler'], { cwd: app, env: { ...env, RUNTIME_METRICS_PORT: undefined } })
  const web = startCli(['web', '--port', '0'], { cwd: app, env })
  const { process: watcher, ask } = await prometheus([await hostOf(worker), await hostOf(web)])
  await push(to.store, 'Fine', [], { queue: 'unserved' })
  const unservedSinceMs = Date.now()
  const busy = await push(to.store, 'Waits', [])
  await untilState(to.store, busy, 'running')
  await eventually(async () => (await ask('resque_up'))[''] === 1, { timeoutMs: 20_000, what: 'a first scrape' })

  const startedAtMs = Date.now()
  const failures = { Throws: 'exception', Killed: 'signal', Slow: 'timeout' }
  const classes = ['Fine', 'Fine', 'Throws', 'Fine', 'Killed', 'Fine', 'Throws', 'Slow']
  const done: Record<string, number> = {}
  let last = ''
  for (let n = 0; Date.now() < startedAtMs + minuteMs; n += 1) {
    const name = classes[n % classes.length] ?? ''
    last = await push(to.store, name, [])
    done[name] = (done[name] ?? 0) + 1
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, startedAtMs + (n + 1) * everyMs - Date.now())))
  }
  await untilState(to.store, last, 'done', 'failed')
  const jobs = Object.values(done).reduce((sum, count) => sum + count, 0)

  const perMinute = (await ask('max(increase(resque_job_executions_total[1m]))'))['']
  near(perMinute, (jobs * minuteMs) / (Date.now() - startedAtMs), jobs * 0.1, 'jobs per minute')
  const age = (): number => (Date.now() - unservedSinceMs) / 1000
  near((await ask('max(resque_runtime_queue_oldest_seconds{queue="unserved"})'))[''], age(), 3, 'seconds of the oldest')
  const slots = async (): Promise<number | undefined> => (await ask('max(resque_runtime_slots{state="busy"})'))['']
  // A scrape is up to a second old.
  await eventually(async () => (await slots()) === 1, { timeoutMs: 5000, what: 'one busy slot' }).catch(() => undefined)
  near(await slots(), 1, 0, 'busy slots')
  const causes = await eventually(
    async () => {
      const found = await ask('max by (cause) (resque_runtime_failures_total)', 'cause')
      return found['timeout'] === done['Slow'] && found['signal'] === done['Killed'] ? found : undefined
    },
    { timeoutMs: 20_000, what: 'the counts of the worker' },
  )
  for (const [name, cause] of Object.entries(failures)) near(causes[cause], done[name] ?? 0, 0, `failures by ${cause}`)
  assert.equal(
    Object.values(causes).reduce((sum, count) => sum + count, 0),
    jobs - (done['Fine'] ?? 0),
  )

  assert.equal((await ask('max_over_time(resque_runtime_schedule_lateness_seconds[1m])'))[''], 0, 'on time until now')
  scheduler.kill('SIGSTOP')
  const stoppedAtMs = Date.now()
  const late = await eventually(
    async () => {
      const seconds = (await ask('max(resque_runtime_schedule_lateness_seconds)'))[''] ?? 0
      return seconds > 0 ? seconds : undefined
    },
    { timeoutMs: 40_000, intervalMs: 200, what: 'the entry to be late' },
  )
  near(late, (Date.now() - stoppedAtMs) / 1000, 4, 'seconds of lateness')
  scheduler.kill('SIGCONT')

  await watcher.stop('SIGTERM')
  await Promise.all([web.stop('SIGTERM'), scheduler.stop('SIGTERM'), worker.stop('SIGTERM')])
})

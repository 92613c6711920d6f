// A worker and a scheduler as Prometheus and probes see them.
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { main } from '../../cli/main.ts'
import { leavesNoProcess, startCli, type Running } from '../support/process.ts'
import { useRedis } from '../support/redis.ts'
import { eventually } from '../support/wait.ts'
import { push, startWorker, untilState, useEvidence, useStore, workerApp, zygoteOf } from '../worker/support.ts'

const server = useRedis()
const evidence = useEvidence()
const to = useStore(server)
leavesNoProcess()

const env = { RUNTIME_METRICS_PORT: '0', RUNTIME_LOG_FORMAT: 'text' }

/** What a process serves. */
async function urlOf(running: Running): Promise<(path: string) => Promise<[status: number, text: string]>> {
  const [base = ''] = await running.waitForLine(/http:\/\/[\d.:]+(?=\/metrics)/, { timeoutMs: 60_000 })
  return async (path) => {
    const response = await fetch(base + path)
    return [response.status, await response.text()]
  }
}

async function health(...args: string[]): Promise<[code: number, text: string]> {
  let text = ''
  const stream = { write: (chunk: string) => ((text += chunk), true) } as NodeJS.WriteStream
  const words = ['health', '--redis', server.url, ...args]
  return [await main(words, { stdout: stream, stderr: stream }), text]
}

it('a worker and the leading scheduler export what was done, and say when they are ready', async () => {
  const worker = await startWorker(server, evidence, { isolation: 'fork', env })
  const ofWorker = await urlOf(worker)
  const done = await push(to.store, 'Records', ['a', 1])
  const died = await push(to.store, 'Loops', [], { timeout: '300ms' })
  await push(to.store, 'Records', ['b', 1], { queue: 'unserved' })
  await untilState(to.store, done, 'done')
  await untilState(to.store, died, 'failed')
  assert.deepEqual(await ofWorker('/readyz'), [200, 'ready\n'])
  const [, own] = await ofWorker('/metrics')
  assert.match(own, /^resque_up 1$/m)
  assert.match(own, /^resque_runtime_worker_jobs_total\{queue="q",class="Loops",outcome="failed",cause="timeout"\} 1$/m)
  assert.match(own, /^resque_runtime_worker_slots\{state="free"\} 1$/m)
  assert.doesNotMatch(own, /^resque_job_executions_total/m, 'only one process exports what belongs to all')
  const pid = String(worker.pid)
  assert.match((await health('--pid', pid)).join(' '), /^0 worker \S+ is ready; its lease ends in /)
  await worker.stop('SIGQUIT')
  assert.match((await health('--pid', pid)).join(' '), /^1 no worker or scheduler \S+ is registered/)

  const scheduler = startCli(['scheduler'], { cwd: workerApp, env: { REDIS_URL: server.url, ...env } })
  const ofScheduler = await urlOf(scheduler)
  const text = await eventually(
    async () => {
      const [, metrics] = await ofScheduler('/metrics')
      assert.match(metrics, /^resque_runtime_scheduler_leads 1$/m)
      return metrics
    },
    { timeoutMs: 20_000 },
  )
  for (const line of [
    'resque_job_executions_total 2',
    'resque_failed_job_executions_total 1',
    'resque_jobs_in_queue{queue="unserved"} 1',
    'resque_runtime_queue_workers{queue="unserved"} 0',
    'resque_runtime_jobs_total{queue="q",class="Records",outcome="done",cause=""} 1',
    'resque_runtime_failures_total{cause="timeout"} 1',
    'resque_runtime_job_fork_seconds_count 2',
    'resque_runtime_scheduler_led 1',
    'resque_workers 0',
  ])
    assert.ok(text.split('\n').includes(line), `${line}\n${text}`)
  assert.match((await health('--pid', String(scheduler.pid))).join(' '), /^0 scheduler \S+ is ready/)
  await scheduler.stop('SIGTERM')
})

it('zygotes that were replaced and jobs that were put back are counted', async () => {
  const worker = await startWorker(server, evidence, { isolation: 'fork', env })
  const ofWorker = await urlOf(worker)
  process.kill(zygoteOf(worker.pid), 'SIGKILL')
  await eventually(
    async () => /^resque_runtime_worker_zygote_restarts_total 1$/m.test((await ofWorker('/metrics'))[1]),
    { timeoutMs: 20_000 },
  )
  const job = await push(to.store, 'Waits', ['kept'])
  await untilState(to.store, job, 'running')
  worker.kill('SIGSTOP')
  const scheduler = startCli(['scheduler'], { cwd: workerApp, env: { REDIS_URL: server.url, ...env } })
  const ofScheduler = await urlOf(scheduler)
  await eventually(async () => /^resque_runtime_redeliveries_total 1$/m.test((await ofScheduler('/metrics'))[1]), {
    timeoutMs: 30_000,
  })
  worker.kill('SIGCONT')
  await eventually(async () => /^resque_runtime_worker_lease_losses_total 1$/m.test((await ofWorker('/metrics'))[1]), {
    timeoutMs: 20_000,
  })
  await scheduler.stop('SIGTERM')
  await worker.stop('SIGTERM')
})

it('health says what is wrong', async () => {
  assert.deepEqual(await health(), [0, 'Redis answers\n'])
  assert.deepEqual(await health('--pidfile', '/tmp/none.pid'), [
    1,
    '/tmp/none.pid: no worker that wrote this file is running\n',
  ])
  assert.equal((await health('--timeout', '0'))[0], 2)
  assert.equal((await health('--pid', '1', '--pidfile', 'x'))[0], 2)
})

// A worker that forks, through Redis: reloads and deaths in the middle of the work, and what is told of each job.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, it } from 'node:test'
import { leavesNoProcess, startCli, type Running } from '../../support/process.ts'
import { makeApp, removesApps } from '../../support/app.ts'
import { startRedis } from '../../support/redis.ts'
import { eventually } from '../../support/wait.ts'
import { zygoteOf } from '../support.ts'

leavesNoProcess()
removesApps()

const jobs = (version: number): string => `
import { Job } from 'resque-runtime'
import { execSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
export class Works extends Job {
  async perform(): Promise<void> { await sleep(20); console.log('version ${version}') }
}
export class KillsParentByShell extends Job {
  async perform(): Promise<void> { console.log('about to kill'); execSync('kill -9 ' + process.ppid); await sleep(10_000) }
}
export class Leaves extends Job {
  async perform(): Promise<void> { console.log('last words'); process.exit(4) }
}`

const redis = await startRedis()
after(() => redis.stop())

const COUNT = 60
const patience = { timeoutMs: 60_000 }

const startWorker = (cwd: string): Running =>
  startCli(['work', '--queues', 'q', '--concurrency', '3', '--isolation', 'fork', '--redis', redis.url], { cwd })

async function push(className: string, count: number): Promise<void> {
  const client = redis.client()
  await client.sadd('resque:queues', 'q')
  await client.rpush('resque:queue:q', ...Array<string>(count).fill(JSON.stringify({ class: className, args: [] })))
}

const stat = async (name: string): Promise<number> => Number((await redis.client().get(`resque:stat:${name}`)) ?? 0)

it('a worker that is told to load its application anew, again and again, drops no job', async () => {
  await redis.client().flushall()
  const app = await makeApp({ 'src/jobs/works.ts': jobs(1) })
  const worker = startWorker(app)
  for (const version of [2, 3]) {
    await push('Works', COUNT)
    const before = await stat('processed')
    await eventually(async () => (await stat('processed')) > before, patience)
    await writeFile(join(app, 'src/jobs/works.ts'), jobs(version))
    worker.kill('SIGHUP')
    await eventually(() => worker.stderr.split('was reloaded').length >= version, patience)
  }
  await push('Works', 3)
  await eventually(async () => (await stat('processed')) === 2 * COUNT + 3, patience)
  assert.equal(await stat('failed'), 0)
  assert.match(worker.stdout, /version 3\n/)
  assert.equal((await worker.stop('SIGQUIT')).exitCode, 0)
})

it('a worker whose zygote is killed in the middle of it all runs every job, and goes on', async () => {
  await redis.client().flushall()
  const worker = startWorker(await makeApp({ 'src/jobs/works.ts': jobs(1) }))
  await push('Works', COUNT)
  await eventually(async () => (await stat('processed')) > 3, patience)
  const zygote = zygoteOf(worker.pid)
  process.kill(zygote, 'SIGKILL')
  await eventually(async () => (await stat('processed')) === COUNT, patience)
  assert.equal(await stat('failed'), 0)
  assert.notEqual(zygoteOf(worker.pid), zygote)
  assert.equal((await worker.stop('SIGQUIT')).exitCode, 0)
})

it('a job whose zygote dies each time goes back worker.maxRedeliveries times, then fails with that reason', async () => {
  await redis.client().flushall()
  const app = await makeApp({ 'src/jobs/works.ts': jobs(1) })
  const worker = startCli(['work', '--queues', 'q', '--isolation', 'fork', '--redis', redis.url], {
    cwd: app,
    env: { RUNTIME_WORKER_MAX_REDELIVERIES: '1' },
  })
  await push('KillsParentByShell', 1)
  const entry = JSON.parse(await eventually(() => redis.client().lindex('resque:failed', 0), patience)) as {
    error: string
    cause: string
  }
  assert.equal(entry.cause, 'worker lost')
  assert.match(
    entry.error,
    /^the process that forks died \(SIGKILL\) while this job ran in process \d+, for the 2\. time; look for/,
  )
  assert.equal((await worker.stop('SIGQUIT')).exitCode, 0)
  assert.equal(worker.stdout.split('about to kill').length, 3)
})

it('a failed entry carries what the kernel knows: exit code, processor time, memory, last lines', async () => {
  await redis.client().flushall()
  const worker = startWorker(await makeApp({ 'src/jobs/works.ts': jobs(1) }))
  await push('Leaves', 1)
  const text = await eventually(() => redis.client().lindex('resque:failed', 0), patience)
  const evidence = JSON.stringify(JSON.parse(text))
  assert.match(evidence, /exited with code 4/)
  assert.match(evidence, /"exitCode":4/)
  assert.match(evidence, /"cpuUserMs":\d/)
  assert.match(evidence, /"peakRssBytes":\d{7}/)
  assert.match(evidence, /last words/)
  assert.equal((await worker.stop('SIGQUIT')).exitCode, 0)
})

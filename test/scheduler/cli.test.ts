import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, test } from 'node:test'
import type { Redis } from 'ioredis'
import { makeApp, removesApps } from '../support/app.ts'
import { runCommand } from '../support/command.ts'
import { leavesNoProcess, startCli, type Exit } from '../support/process.ts'
import { useRedis } from '../support/redis.ts'
import { eventually } from '../support/wait.ts'
import { countCommands } from './support.ts'

leavesNoProcess()
removesApps()
const server = useRedis()
const jobs = `import { Job, Workflow } from 'resque-runtime'
export class CleanupJob extends Job { static queue = 'low'; perform(what) { return what } }
export class ImportFlow extends Workflow { configure(path) { this.run(CleanupJob, { params: { path } }) } }
`
const schedule = `nightly:
  cron: '30 2 * * * Europe/Berlin'
  class: CleanupJob
  args: [all]
  description: Cleans up
flow:
  every: 1h
  workflow: ImportFlow
  args: [data.csv]
`
let cwd: string
let redis: Redis
beforeEach(async () => {
  cwd = await makeApp({ 'src/jobs/jobs.js': jobs, 'schedule.yml': schedule, 'package.json': '{"type":"module"}' })
  redis = server.client()
})
const run = (...args: string[]): Promise<Exit> =>
  runCommand([...args, '--redis', server.url, '--log-level', 'silent'], { cwd, timeoutMs: 60_000 })
async function runJson<T>(...args: string[]): Promise<T> {
  const { stdout, stderr, exitCode } = await run(...args, '--json')
  assert.equal(exitCode, 0, stderr)
  return JSON.parse(stdout) as T
}

describe('runtime schedule', () => {
  test('check says what is wrong with file, line and entry, and exits with 2', async () => {
    assert.equal((await run('schedule', 'check')).stdout, '2 valid entries\n')
    await writeFile(
      join(cwd, 'bad.yml'),
      'a:\n  every: 0s\n  class: CleanupJob\nb:\n  every: 1m\n  class: CleanpuJob\nc:\n  every: 1m\n  class: CleanupJob\n',
    )
    const { stdout, stderr, exitCode } = await run('schedule', 'check', 'bad.yml')
    assert.equal(exitCode, 2)
    assert.match(stderr, /bad\.yml:2: a: every: .*more than nothing/)
    assert.match(
      stderr,
      /bad\.yml:6: b: class: expected a job of this application, got CleanpuJob; did you mean CleanupJob\?/,
    )
    assert.match(stdout, /1 valid entry, 2 errors/)
    assert.equal((await run('scheduler', '--schedule', 'bad.yml', '--strict')).exitCode, 2)
    const missing = await run('schedule', 'check', 'typo.yml')
    assert.equal(missing.exitCode, 2)
    assert.match(missing.stderr, /expected a file, but .*typo\.yml does not exist/)
  })

  test('list and next show each entry, its zone, and the timing in plain English', async () => {
    const rows = await runJson<{ name: string; reads: string; state: string; zone?: string; next: number }[]>(
      'schedule',
      'list',
    )
    assert.deepEqual(
      rows.map(({ name, reads, state }) => [name, reads, state]),
      [
        ['nightly', 'At 02:30 (Europe/Berlin)', 'on'],
        ['flow', 'Every 1h', 'on'],
      ],
    )
    const next = await runJson<{ name: string; local: string }[]>('schedule', 'next', '3', 'nightly')
    assert.equal(next.length, 3)
    assert.ok(
      next.every(({ name, local }) => name === 'nightly' && /^\d{4}-\d\d-\d\d 0[23]:[03]0:00 CES?T$/.test(local)),
      JSON.stringify(next),
    )
    const ofOne = await runJson<{ name: string }[]>('schedule', 'next', 'flow')
    assert.deepEqual([ofOne.length, new Set(ofOne.map(({ name }) => name))], [10, new Set(['flow'])])
    const misspelt = await run('schedule', 'next', 'nighty', '3')
    assert.match(misspelt.stderr, /schedule nighty: .*did you mean nightly\?/)
    const { stdout } = await run('schedule', 'list')
    assert.equal(stdout.split('\n')[0], 'name\twhen\truns\tqueue\tstate\tlast\tlate\tnext\tmissed\twhy')
  })

  test('run fires one entry now: a job, or a workflow', async () => {
    const { id } = await runJson<{ id: string }>('schedule', 'run', 'nightly')
    assert.deepEqual(await redis.lrange('resque:queue:low', 0, -1), ['{"class":"CleanupJob","args":["all"]}'])
    assert.equal(await redis.hget(`resque:rt:job:${id}`, 'state'), 'waiting')
    const flow = await runJson<{ id: string }>('schedule', 'run', 'flow')
    const shown = await runJson<{ status: string }>('workflow', 'show', flow.id)
    assert.equal(shown.status, 'running')
    const { exitCode, stderr } = await run('schedule', 'run', 'nighty')
    assert.equal(exitCode, 1)
    assert.match(stderr, /schedule nighty: expected an entry of that name, found none; did you mean nightly\?/)
  })

  test('pause, resume, disable and enable are seen in the list', async () => {
    const state = async (): Promise<unknown> =>
      (await runJson<{ name: string; state: string }[]>('schedule', 'list'))[0]?.state
    for (const [verb, expected] of [
      ['pause', 'paused'],
      ['resume', 'on'],
      ['disable', 'disabled'],
      ['enable', 'on'],
    ] as const) {
      assert.equal((await run('schedule', verb, 'nightly')).exitCode, 0)
      assert.equal(await state(), expected)
    }
  })
})

test('runtime delayed lists, removes, and queues at once', async () => {
  for (const arg of ['"a"', '"a"', '"b"']) await run('enqueue', 'CleanupJob', arg, '--in', '1h')
  await run('enqueue', 'CleanupJob', '"a"', '--in', '30s')
  const list = await runJson<{ args: string; queue: string; id?: string }[]>('delayed', 'list')
  assert.deepEqual(
    list.map(({ args }) => args),
    ['["a"]', '["a"]', '["a"]', '["b"]'],
  )
  // Of two copies in one of Resque's lists, which have no IDs, one.
  const [own, copy] = [list[0]?.id ?? '', list[1]?.id ?? '']
  assert.match(copy, /^\d{10}-[0-9a-f]{12}$/)
  assert.equal((await run('delayed', 'remove', '--id', copy)).stdout, 'removed 1\n')
  assert.equal((await run('delayed', 'run', '--id', own)).stdout, 'queued 1\n')
  assert.equal(await redis.lpop('resque:queue:low'), '{"class":"CleanupJob","args":["a"]}')
  for (const [id, code] of [
    [own, 'ERR_NOT_FOUND'],
    ['1-000000000000', 'ERR_NOT_FOUND'],
  ] as const)
    assert.match(
      (await run('delayed', 'remove', '--id', id)).stderr,
      new RegExp(`expected the ID of a delayed job.*${code}`),
    )
  assert.match((await run('delayed', 'run')).stderr, /which jobs\? expected a class/)
  assert.deepEqual(await runJson('delayed', 'remove', 'CleanupJob', '"a"'), { removed: 1 })
  assert.deepEqual(await runJson('delayed', 'run', 'CleanupJob', '--any-args'), { queued: 1 })
  assert.deepEqual(await redis.lrange('resque:queue:low', 0, -1), ['{"class":"CleanupJob","args":["b"]}'])
  assert.equal((await run('delayed', 'remove', 'CleanupJob')).exitCode, 1)
})

test('runtime scheduler fires, reads its file again on HUP, prints on USR1, and leaves on TERM with the lock given up', async () => {
  await writeFile(join(cwd, 'schedule.yml'), 'tick:\n  every: [1s, {first: now}]\n  class: CleanupJob\n')
  const scheduler = startCli(['scheduler', '--redis', server.url], { cwd })
  await scheduler.waitForLine(/scheduler started/)
  await eventually(async () => (await redis.llen('resque:queue:low')) > 0)
  await writeFile(join(cwd, 'schedule.yml'), 'tock:\n  every: 1h\n  class: CleanupJob\nbad:\n  every: never\n')
  scheduler.kill('SIGHUP')
  await scheduler.waitForLine(/schedule read again/)
  await scheduler.waitForLine(/schedule\.yml:5: bad: every/)
  scheduler.kill('SIGUSR1')
  await scheduler.waitForLine(/tock: 1h/)
  assert.equal((await scheduler.stop()).exitCode, 0)
  assert.equal(await redis.exists('resque:resque:resque_scheduler_master_lock'), 0)
})

test('runtime scheduler says that Redis is not there, waits for it, and can be stopped meanwhile', async () => {
  const scheduler = startCli(['scheduler', '--redis', 'unix:///nowhere/redis.sock'], { cwd })
  await scheduler.waitForLine(/is Redis running/)
  assert.equal((await scheduler.stop()).exitCode, 0)
})

test('runtime scheduler, idle, sends Redis fewer than one command a second, and finds a dead worker when its lease ends', async (t) => {
  await writeFile(join(cwd, 'far.yml'), 'far:\n  cron: 0 0 1 1 *\n  class: CleanupJob\n')
  const scheduler = startCli(['scheduler', '--schedule', 'far.yml', '--redis', server.url], { cwd, timeoutMs: 90_000 })
  await scheduler.waitForLine(/scheduler started/, { timeoutMs: 30_000 })
  await eventually(async () => (await redis.hlen('resque:rt:schedules')) === 1)
  const seconds = 15
  const sent = await countCommands(join(server.dir, 'redis.sock'), seconds * 1000)
  t.diagnostic(`${sent} commands in ${seconds} seconds`)
  assert.ok(sent < seconds, `${sent} commands in ${seconds} seconds`)
  await scheduler.stop('SIGTERM')
  const leaseEnd = Date.now() + 3000
  await redis.zadd('resque:rt:supervisors', leaseEnd, 'host:1')
  const next = startCli(['scheduler', '--schedule', 'far.yml', '--redis', server.url], { cwd, timeoutMs: 90_000 })
  await next.waitForLine(/supervisor host:1 is dead/, { timeoutMs: 30_000 })
  const late = Date.now() - leaseEnd
  t.diagnostic(`found ${late} ms after its lease ran out`)
  assert.ok(late < 2000, `${late} ms`)
  await next.stop('SIGTERM')
})

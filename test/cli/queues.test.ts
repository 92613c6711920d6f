// `runtime queues` as a user types it: nothing waits any more for what was cleared, and names that are not there are told.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { it } from 'node:test'
import { runCommand } from '../support/command.ts'
import { leavesNoProcess, ROOT, runCli, startProcess, type Exit } from '../support/process.ts'
import { useRedis } from '../support/redis.ts'
import { push, useStore, workerApp } from '../worker/support.ts'

const server = useRedis()
const to = useStore(server)
leavesNoProcess({ withinMs: 20_000 })

it('cancels the jobs of a queue, whoever wrote them, and gives their unique locks back', async () => {
  const unique = { queue: 'old', uniqueKey: 'one' }
  const first = await push(to.store, 'Records', ['first'], unique)
  for (let n = 0; n < 120; n += 1) await push(to.store, 'Records', [n], { queue: 'old' })
  await server
    .client()
    .rpush('resque:queue:old', '{"class":"Ruby","args":[]}', 'no JSON', '{"class":"ResqueRuntime::Step","args":7}')
  const { stdout } = await runCli(['queues', 'clear', 'old'], { cwd: workerApp, env: { REDIS_URL: server.url } })
  assert.equal(stdout, 'removed 124 jobs\n')
  assert.deepEqual(await to.store.queues.names(), [])
  assert.deepEqual(await server.client().keys('resque:rt:tickets:*'), [])
  const record = await to.store.jobs.find(first)
  assert.equal(record?.state, 'cancelled')
  const again = await push(to.store, 'Records', ['first'], unique)
  assert.notEqual(again, first)
})

const queues = (...args: string[]): Promise<Exit> =>
  runCommand(['queues', ...args], { cwd: workerApp, env: { REDIS_URL: server.url } })

it('says that a queue is not there, and which one was meant', async () => {
  await server.client().sadd('resque:queues', 'reports')
  const clear = await queues('clear', 'report')
  assert.equal(clear.exitCode, 1)
  assert.match(clear.stderr, /queue report: expected one of reports; did you mean reports\?/)
  const pause = await queues('pause', 'report')
  assert.equal(pause.exitCode, 0)
  assert.match(pause.stdout, /paused report; no job was ever enqueued on a queue of this name; did you mean reports\?/)
  const resume = await queues('resume', 'reports')
  assert.equal(resume.exitCode, 1)
  assert.match(resume.stderr, /queue reports: expected a paused queue, it is not; paused are report/)
})

it('pauses and resumes all workers, those of Ruby included', async () => {
  assert.equal((await queues('pause', '--all')).stdout, 'paused all workers\n')
  assert.equal(await server.client().get('resque:pause-all-workers'), 'true')
  assert.equal((await queues('resume', '--all')).stdout, 'resumed all workers\n')
  assert.equal(await server.client().exists('resque:pause-all-workers'), 0)
  const none = await queues('pause')
  assert.equal(none.exitCode, 2)
  assert.match(none.stderr, /which queue\? expected a name, or --all; got nothing/)
  assert.match((await queues('resume', 'low', '--all')).stderr, /got both/)
})

it('takes a reader that leaves early for no error', async () => {
  const command = `"${process.execPath}" "${join(ROOT, 'bin/runtime.js')}" queues | true; echo "\${PIPESTATUS[0]}"`
  const options = { cwd: workerApp, env: { REDIS_URL: server.url } }
  const { stdout, stderr } = await startProcess('bash', ['-c', command], options).exited
  assert.deepEqual([stdout.trim(), stderr], ['0', ''])
})

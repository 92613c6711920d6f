// Ruby as producer, worker and scheduler on the same Redis. `npm run test:interop` runs it: it needs ruby and ruby-redis.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, it } from 'node:test'
import { systemClock } from '../../runtime/core/clock.ts'
import { Job } from '../../runtime/index.ts'
import { Client } from '../../runtime/jobs/client.ts'
import type { Store } from '../../runtime/store/store.ts'
import { makeApp, removesApps } from '../support/app.ts'
import { ROOT, runCli, startCli } from '../support/process.ts'
import { useRedis } from '../support/redis.ts'
import { testStore } from '../support/store.ts'
import { eventually } from '../support/wait.ts'

removesApps()
const hasRuby = spawnSync('ruby', ['-e', 'require "redis"']).status === 0
const skip = hasRuby ? false : 'expected ruby and ruby-redis; run npm run test:interop, which installs them'

class AddJob extends Job {
  static override queue = 'math'
  perform(..._numbers: unknown[]): void {}
}

const source = `
import { appendFileSync } from 'node:fs'
import { Job } from 'resque-runtime'
export class AddJob extends Job {
  static queue = 'math'
  perform(a, b) { appendFileSync('sums', a + b + '\\n') }
}`

const server = useRedis()
let store: Store
let client: Client
beforeEach(() => {
  store = testStore(server)
  client = new Client(store, { maxPayloadBytes: 1000, recordTtlMs: 60_000, waitingTtlMs: 600_000 }, systemClock)
})
afterEach(() => store.close())

function ruby(role: string): string {
  const socket = server.url.replace('unix://', '')
  const { status, stdout, stderr } = spawnSync('ruby', [`${ROOT}test/interop/resque.rb`, socket, role], {
    encoding: 'utf8',
  })
  assert.equal(status, 0, stderr)
  return stdout
}

it('Ruby enqueues and delays jobs that this runtime moves and runs', { skip }, async () => {
  const cwd = await makeApp({ 'src/jobs/add-job.js': source })
  const env = { REDIS_URL: server.url }
  ruby('produce')
  const scheduler = startCli(['scheduler'], { cwd, env, timeoutMs: 60_000 })
  await eventually(async () => (await server.client().llen('resque:queue:math')) === 2, { timeoutMs: 40_000 })
  await scheduler.stop()
  const args = ['work', '--isolation', 'inline', '--queues', 'math', '--drain']
  assert.equal((await runCli(args, { cwd, env, timeoutMs: 60_000 })).exitCode, 0)
  assert.equal(await readFile(join(cwd, 'sums'), 'utf8'), '3\n7\n')
})

it('Ruby moves, dequeues and runs jobs of this runtime, and its failures are read here', { skip }, async () => {
  await client.enqueue(AddJob, [5, 6])
  assert.equal(ruby('dequeue'), '1\n')
  const due = new Date(Date.now() + 120_000)
  await client.enqueueAt(due, AddJob, [7, 8])
  const redis = server.client()
  const [at = ''] = await redis.zrangebyscore('resque:delayed_queue_schedule', 0, Date.now())
  await redis
    .multi()
    .rename(`resque:delayed:${at}`, 'resque:delayed:1')
    .zrem('resque:delayed_queue_schedule', at)
    .zadd('resque:delayed_queue_schedule', '1', '1')
    .exec()
  ruby('schedule')
  await client.enqueue(AddJob, ['a', 1])
  assert.equal(ruby('work'), '15\n')
  const [entry] = await store.failures.list(0, 1)
  assert.match(JSON.stringify(entry), /TypeError/)
  assert.equal(await redis.get('resque:stat:processed'), '2')
})

// `runtime queues clear`: nothing waits any more for what is gone.
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { leavesNoProcess, runCli } from '../support/process.ts'
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

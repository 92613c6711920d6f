import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runExample } from '../composition/example-run.ts'
import { leavesNoProcess } from '../support/process.ts'
import { useRedis } from '../support/redis.ts'

const redis = useRedis()
leavesNoProcess({ withinMs: 20_000 })

for (const isolation of ['spawn', 'fork', 'inline']) {
  test(`examples/memory, jobs by ${isolation}`, async () => {
    const { stdout, stderr, exitCode } = await runExample(redis, 'memory', ['--isolation', isolation])
    assert.equal(exitCode, 0, stderr)
    const [first, second] = stdout.trim().split('\n')
    assert.equal(first, 'finished {"text":"THE TEXT OF DOCUMENT 42","words":5,"counted":1}')
    assert.match(second ?? '', /^Workflow: FetchDoc\.doc_id: required, but nothing provides it\./)
    const [key = ''] = await redis.client().keys('resque:rt:mem:documents:*')
    const left = await redis.client().pttl(key)
    assert.ok(left > 300_000 && left <= 600_000, `extended to ten minutes: ${left}`)
  })
}

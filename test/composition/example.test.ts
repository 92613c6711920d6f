import assert from 'node:assert/strict'
import { test } from 'node:test'
import { leavesNoProcess } from '../support/process.ts'
import { useRedis } from '../support/redis.ts'
import { runExample } from './example-run.ts'

const redis = useRedis()
leavesNoProcess({ withinMs: 20_000 })

test('examples/composition: four tasks, with proof of their order', async () => {
  const { stdout, stderr, exitCode } = await runExample(redis, 'composition')
  assert.equal(exitCode, 0, stderr)
  const lines = stdout.trim().split('\n')
  assert.match(lines[0] ?? '', /^Task1 0 to \d+ ms$/)
  assert.deepEqual(lines.slice(4), [
    'Task2 and Task3 after Task1: true',
    'Task3 at least 200 ms after Task1: true',
    'Task4 after both: true',
    'finished, Task4 got {"doubled":2}',
  ])
})

import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { leavesNoProcess, ROOT, startCli, type Exit } from '../support/process.ts'
import { useRedis } from '../support/redis.ts'

const redis = useRedis()
leavesNoProcess({ withinMs: 20_000 })

for (const isolation of ['spawn', 'fork', 'inline']) {
  test(`a backend that config/preload.ts plugs in is used in the jobs' processes, by ${isolation}`, async () => {
    const dir = mkdtempSync(join(tmpdir(), 'own-memory-'))
    const options = { cwd: `${ROOT}test/fixtures/apps/own-memory`, env: { REDIS_URL: redis.url, OWN_MEMORY: dir } }
    const worker = startCli(['work', '--isolation', isolation], options)
    try {
      const args = ['workflow', 'run', 'TwoSteps', '--wait', '--timeout', '60s']
      const { exitCode, stdout, stderr } = await startCli(args, { ...options, timeoutMs: 90_000 }).exited
      assert.equal(exitCode, 0, `${stdout}${stderr}`)
      const [name = ''] = readdirSync(dir)
      const kept = JSON.parse(readFileSync(join(dir, name), 'utf8')) as unknown
      assert.deepEqual(kept, { text: 'from the first', set: 'from the first', upper: 'FROM THE FIRST' })
      assert.deepEqual(await redis.client().keys('*rt:mem*'), [])
    } finally {
      await worker.stop()
      rmSync(dir, { recursive: true })
    }
  })
}

test('a run that is removed by hand is cleared from the backend, too', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'own-memory-'))
  const env = { REDIS_URL: redis.url, OWN_MEMORY: dir }
  const runtime = (...args: string[]): Promise<Exit> =>
    startCli(['workflow', ...args], { cwd: `${ROOT}test/fixtures/apps/own-memory`, env, timeoutMs: 60_000 }).exited
  try {
    const id = (await runtime('create', 'TwoSteps')).stdout.trim()
    assert.deepEqual(readdirSync(dir), [`${id}.json`])
    const { exitCode, stderr } = await runtime('rm', id)
    assert.equal(exitCode, 0, stderr)
    assert.deepEqual(readdirSync(dir), [])
  } finally {
    rmSync(dir, { recursive: true })
  }
})

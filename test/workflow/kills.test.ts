// Real workers, killed with SIGKILL again and again, themselves or the processes of their jobs: the run ends all the same, and
// what has finished is not begun anew.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { close, configure } from '../../runtime/jobs/default-client.ts'
import { DiamondFlow, GrowFlow } from '../fixtures/apps/flows/src/jobs/flows.ts'
import { leavesNoProcess, markedProcesses, startCli, type Running } from '../support/process.ts'
import { useRedis } from '../support/redis.ts'
import { eventually } from '../support/wait.ts'
import { flowsApp } from './inline-worker.ts'

const redis = useRedis()
leavesNoProcess()
let dir: string
let trace: string

beforeEach(() => {
  configure({ cwd: tmpdir(), redis: { url: redis.url } })
  dir = mkdtempSync(join(tmpdir(), 'kills-'))
  trace = join(dir, 'trace')
  writeFileSync(trace, '')
})
afterEach(() => {
  close()
  rmSync(dir, { recursive: true })
})

const startWorker = (isolation: string): Running =>
  startCli(['work', '--queues', '*', '--isolation', isolation, '--concurrency', '2', '--log-level', 'warn'], {
    cwd: flowsApp.root,
    env: { REDIS_URL: redis.url },
  })

/**
 * Kills a worker or one of its job processes whenever `every` more steps have begun, until `done`; a worker that is gone is
 * replaced. Without kills one worker is enough. @returns kills
 */
async function harass(
  isolation: string,
  done: () => Promise<boolean>,
  { mostKills, every = 1 }: { mostKills: number; every?: number },
): Promise<number> {
  const workers = new Set<Running>()
  const hire = (): void => {
    const worker = startWorker(isolation)
    workers.add(worker)
    // One that is killed, and one whose first child was killed while it loaded the application: both leave.
    void worker.exited.then(() => workers.delete(worker))
  }
  const begun = (): number => readFileSync(trace, 'utf8').split('\n').length
  let kills = 0
  let next = begun() + 1
  const isTimeToKill = (): boolean => kills < mostKills && begun() >= next
  try {
    for (;;) {
      const isDone = await eventually(
        async () => {
          while (workers.size < (mostKills > 0 ? 2 : 1)) hire()
          if (await done()) return 'done'
          return isTimeToKill() && 'not done'
        },
        { timeoutMs: 100_000, intervalMs: 20, what: 'the end of the run' },
      )
      if (isDone === 'done') break
      next = begun() + every
      const all = await markedProcesses()
      const victim = all[(kills * 7) % Math.max(1, all.length)]
      if (!victim) continue
      kills += 1
      try {
        process.kill(victim.pid, 'SIGKILL')
      } catch {
        // It has ended by itself.
      }
    }
  } finally {
    await Promise.all([...workers].map((worker) => worker.stop('SIGTERM').catch(() => undefined)))
  }
  return kills
}

for (const isolation of ['spawn', 'fork']) {
  test(`${isolation}: a run survives the death of anything at any moment`, { timeout: 120_000 }, async () => {
    const rows = isolation === 'spawn' ? 8 : 24
    const flow = await DiamondFlow.create.with<DiamondFlow>({ globals: { trace } })(rows, { sleepMs: 50 })
    await flow.start()
    const kills = await harass(isolation, async () => (await flow.reloadRecord()).status !== 'running', {
      mostKills: 5,
      every: Math.ceil(rows / 8),
    })
    await flow.reload()
    // A job whose own process was killed fails, as any job without retries does: continue finishes what is left.
    for (let again = 0; flow.status === 'failed' && again < 3; again += 1) {
      await flow.continue()
      await harass(isolation, async () => (await flow.reloadRecord()).status !== 'running', { mostKills: 0 })
    }
    assert.equal(flow.status, 'finished')
    assert.deepEqual(flow.record.counts, { finished: rows + 2 })
    assert.deepEqual(
      ((await flow.output(String(rows + 1))) as { rows: number[] }).rows,
      Array.from({ length: rows }, (_, i) => i),
    )
    const lines = readFileSync(trace, 'utf8').trim().split('\n')
    // Begun again only where a death had cut it short: each death ends at most the two jobs of one worker.
    assert.ok(lines.length <= rows + 2 + kills * 2, `${lines.length} steps began after ${kills} kills`)
    assert.ok(kills > 0)
  })
}

test('a step that adds jobs is killed again and again: what it adds joins once', { timeout: 120_000 }, async () => {
  const rows = 8
  const flow = await GrowFlow.create.with<GrowFlow>({ globals: { trace } })(rows)
  await flow.start()
  await harass('spawn', async () => (await flow.reloadRecord()).status !== 'running', { mostKills: 4 })
  await flow.reload()
  for (let again = 0; flow.status === 'failed' && again < 3; again += 1) {
    await flow.continue()
    await harass('spawn', async () => (await flow.reloadRecord()).status !== 'running', { mostKills: 0 })
  }
  await flow.reload()
  assert.equal(flow.status, 'finished')
  assert.equal(flow.record.total, rows + 3)
  assert.deepEqual(flow.record.counts, { finished: rows + 3 })
})

// `runtime failed` as a user types it, on a workflow's step: it is shown as the job it is, and goes back through its run.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { runCommand } from '../support/command.ts'
import { leavesNoProcess, ROOT, type Exit } from '../support/process.ts'
import { useRedis } from '../support/redis.ts'

const redis = useRedis()
leavesNoProcess()
let dir: string

beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), 'failed-'))))
afterEach(() => rmSync(dir, { recursive: true }))

const runtime = (...args: string[]): Promise<Exit> =>
  runCommand([...args, '--log-level', 'error'], {
    cwd: join(ROOT, 'test/fixtures/apps/flows'),
    env: { REDIS_URL: redis.url },
    timeoutMs: 60_000,
  })
const drain = (): Promise<Exit> => runtime('work', '--queues', '*', '--isolation', 'inline', '--drain')

test('retry of a failed step resumes its run, and marks the entry', { timeout: 120_000 }, async () => {
  const needs = join(dir, 'needed')
  const { stdout, stderr } = await runtime('workflow', 'run', 'FlakyFlow', JSON.stringify(needs))
  const id = stdout.trim()
  assert.match(id, /^\w+$/, `${stdout} ${stderr}`)
  await drain()

  const listed = JSON.parse((await runtime('failed', 'list', '--class', 'FlakyStep', '--json')).stdout) as unknown[]
  assert.equal(listed.length, 1)
  const early = await runtime('failed', 'retry', '--class', 'Nobody')
  assert.deepEqual([early.exitCode, early.stdout.trim()], [0, 'retried 0 of 0'])

  writeFileSync(needs, '')
  const retried = await runtime('failed', 'retry', '0')
  assert.deepEqual(
    [retried.exitCode, retried.stdout.trim()],
    [0, `retried 1 of 1\nnow queued as step 1 of run ${id}`],
    retried.stderr,
  )
  await drain()
  const run = JSON.parse((await runtime('workflow', 'show', id, '--json')).stdout) as { status: string }
  assert.equal(run.status, 'finished')

  const again = await runtime('failed', 'retry', '0')
  assert.equal(again.exitCode, 1)
  assert.match(again.stderr, /expected/)
  const [entry] = JSON.parse((await runtime('failed', 'list', '--json')).stdout) as { retried_at?: string }[]
  assert.match(entry?.retried_at ?? '', /^\d{4}\//)
})

test('retry of many goes on behind a step that was mended already, and says so', { timeout: 120_000 }, async () => {
  const mended = join(dir, 'mended')
  const first = (await runtime('workflow', 'run', 'FlakyFlow', JSON.stringify(mended))).stdout.trim()
  await drain()
  const second = (await runtime('workflow', 'run', 'FlakyFlow', JSON.stringify(join(dir, 'broken')))).stdout.trim()
  await drain()
  writeFileSync(mended, '')
  await runtime('workflow', 'continue', first)
  await drain()

  const all = await runtime('failed', 'retry', '--all')
  assert.equal(all.stderr, '')
  assert.match(
    all.stdout,
    new RegExp(
      `^retried 1 of 2\nnow queued as step 1 of run ${second}\nskipped 1 \\(0\\): retry job 1 of run ${first}: .*it is finished \\[ERR_STATE\\]\n$`,
    ),
  )
  assert.equal(all.exitCode, 1)
  const run = JSON.parse((await runtime('workflow', 'show', second, '--json')).stdout) as { status: string }
  assert.equal(run.status, 'running')

  const twice = await runtime('failed', 'retry', '--all')
  assert.match(
    twice.stdout,
    /^retried 0 of 1\npassed over 1 that were retried before; --again includes them\nskipped 1 \(0\): /,
  )
})

test('list shows the newest first, of all and of a class', { timeout: 120_000 }, async () => {
  const entry = (n: number): string =>
    JSON.stringify({
      failed_at: '2026/01/01 00:00:00 UTC',
      payload: { class: 'GoneJob', args: [n] },
      ...{ exception: 'Error', error: `no ${n}`, backtrace: [], worker: 'a:1:low', queue: 'low' },
    })
  await redis.client().rpush('resque:failed', ...Array.from({ length: 60 }, (_, n) => entry(n)))
  const indexes = async (...args: string[]): Promise<number[]> =>
    (JSON.parse((await runtime('failed', 'list', '--json', ...args)).stdout) as { index: number }[]).map((e) => e.index)
  assert.deepEqual(await indexes('--count', '2'), [59, 58])
  assert.deepEqual(await indexes('--count', '2', '--class', 'GoneJob'), [59, 58])
  assert.deepEqual(await indexes('--start', '0', '--count', '2'), [1, 0])
  assert.deepEqual((await indexes()).length, 50)
})

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { makeApp, removesApps } from '../support/app.ts'
import { leavesNoProcess, markedProcesses, runCli, startCli } from '../support/process.ts'
import { eventually } from '../support/wait.ts'

leavesNoProcess({ withinMs: 20_000 })
removesApps()

const timeoutMs = 90_000

describe('runtime demo', () => {
  it('shows every end it promises, whatever the folder and the environment say', async () => {
    const cwd = await makeApp({ 'config/runtime.yml': 'worker: { queues: nothing-of-ours }\nnonsense: 1\n' })
    const env = {
      REDIS_URL: 'redis://127.0.0.1:1',
      QUEUES: 'other',
      RUNTIME_NAMESPACE: 'other',
      RUNTIME_WORKER_CONCURENCY: '1',
    }
    const { exitCode, stdout, stderr } = await runCli(['demo'], { cwd, env, timeoutMs })
    assert.equal(exitCode, 0, stdout + stderr)
    const rows = stdout
      .split('\n')
      .filter((line) => line.includes('\t'))
      .slice(1)
      .map((line) => line.split('\t'))
    assert.equal(rows.length, 20)
    assert.deepEqual(
      rows.filter((row) => row.at(-1) !== 'yes'),
      [],
    )
    const ends = Object.fromEntries(rows.map(([name, , end]) => [name, end]))
    assert.deepEqual(
      [ends['ThrowsJob'], ends['ExitsJob'], ends['LoopsJob'], ends['LeaksJob'], ends['ReminderJob'], ends['TickJob']],
      ['exception', 'exit code', 'timeout', 'memory', 'done', 'done'],
    )
    assert.equal(new Set(rows.map(([, pid]) => pid)).size, 20, 'a process each')
    const page = await readFile(join(cwd, '.runtime/demo/report.html'), 'utf8')
    assert.match(page, /312 time zones in 249 countries and territories/)
    assert.match(page, /<td>United States<td>\d+<td>/)
  })

  it('is refused a second time in the same folder, and ends in order on INT', async () => {
    const cwd = await makeApp()
    const first = startCli(['demo'], { cwd, timeoutMs })
    await first.waitForLine(/^redis-server \d+/, { timeoutMs: 60_000 })
    // It must not be over before the second one has begun.
    first.kill('SIGSTOP')
    const second = await runCli(['demo'], { cwd, timeoutMs })
    first.kill('SIGCONT')
    assert.equal(second.exitCode, 1)
    assert.match(second.stderr, new RegExp(`that of process ${first.pid}`))
    assert.equal((await first.stop('SIGINT')).exitCode, 130)
  })

  it('leaves nothing running when it is killed', async () => {
    const cwd = await makeApp()
    const demo = startCli(['demo', '--isolation', 'spawn'], { cwd, timeoutMs })
    await demo.waitForLine(/^redis-server \d+.*spawn/, { timeoutMs: 60_000 })
    assert.ok((await markedProcesses()).length > 3)
    await demo.stop('SIGKILL')
    await eventually(async () => (await markedProcesses()).length === 0, { timeoutMs: 20_000, what: 'the end of all' })
  })

  it('takes no Redis', async () => {
    const { exitCode, stderr } = await runCli(['demo', '--redis', 'redis://127.0.0.1'], {
      cwd: await makeApp(),
      timeoutMs,
    })
    assert.deepEqual(
      [exitCode, stderr],
      [2, 'runtime: the demo runs on a Redis of its own: leave --redis out [ERR_USAGE]\n'],
    )
  })
})

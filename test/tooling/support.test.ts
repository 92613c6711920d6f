// The helpers that other tests lean on: a helper that sees nothing would make every test pass.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { it } from 'node:test'
import { leavesNoProcess, markedProcesses, startProcess } from '../support/process.ts'
import { startRedis, useRedis } from '../support/redis.ts'
import { isAlive } from '../support/signal.ts'
import { eventually } from '../support/wait.ts'

leavesNoProcess()
const redis = useRedis()

it(
  'a process and its orphaned grandchild are both found',
  { skip: process.platform !== 'linux' && 'needs /proc' },
  async () => {
    const shell = startProcess('/bin/sh', ['-c', 'sleep 61 & echo child $!; exec sleep 62'])
    const [, grandchild] = await shell.waitForLine(/^child (\d+)$/)
    const pids = async () => (await markedProcesses()).map(({ pid }) => pid).sort((a, b) => a - b)
    assert.deepEqual(await pids(), [shell.pid, Number(grandchild)])
    shell.kill('SIGKILL')
    await eventually(async () => (await pids()).length === 1)
    process.kill(Number(grandchild), 'SIGKILL')
    await shell.exited
  },
)

it('output, exit code and signal of a process are kept; a line that never comes is an error with what did', async () => {
  const both = await startProcess('/bin/sh', ['-c', 'cat; echo err >&2; exit 3'], { input: 'in' }).exited
  assert.deepEqual(both, { exitCode: 3, signal: null, stdout: 'in', stderr: 'err\n' })
  const quick = startProcess('/bin/sh', ['-c', 'echo something else'])
  await assert.rejects(
    quick.waitForLine(/never/),
    /expected a line like \/never\/; the process ended without it.*something else/s,
  )
  await assert.rejects(startProcess('sleep', ['60'], { timeoutMs: 50 }).exited, /expected it to end within 50 ms/)
})

it('a server keeps its address and its data over SIGKILL and restart, and leaves nothing', async () => {
  const server = await startRedis({ appendonly: true })
  const client = server.client()
  await client.set('k', 'v')
  const { pid } = server
  await server.kill('SIGKILL')
  assert.equal(isAlive(pid), false)
  await server.restart()
  assert.equal(await client.get('k'), 'v')
  await server.stop()
  assert.equal(existsSync(server.dir), false)
})

for (const round of ['first', 'second']) {
  it(`each test finds an empty server: ${round}`, async () => {
    const client = redis.client()
    assert.equal(await client.dbsize(), 0)
    await client.set('left', 'behind')
  })
}

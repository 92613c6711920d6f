// `runtime top`: one frame for a pipe; on a terminal it draws in the alternate screen, and leaves it as it was.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { it } from 'node:test'
import { leavesNoProcess, ROOT, runCli, startProcess } from '../support/process.ts'
import { useRedis } from '../support/redis.ts'
import { push, useStore, workerApp } from '../worker/support.ts'

const server = useRedis()
const to = useStore(server)
leavesNoProcess({ withinMs: 20_000 })

it('prints one frame into a pipe: the verdict, queues, jobs and failures', async () => {
  await push(to.store, 'Records', ['x'], { queue: 'nobody' })
  const failure = { class: 'Records', args: ['\u001b[2J'] }
  await server.client().rpush('resque:failed', JSON.stringify({ payload: failure, exception: 'E', error: 'no\u001b[2J', cause: 'timeout' })) // prettier-ignore
  const { stdout, exitCode } = await runCli(['top'], { cwd: workerApp, env: { REDIS_URL: server.url } })
  assert.equal(exitCode, 0)
  assert.match(stdout, /^! nobody waits .*: no worker serves it$/m)
  assert.match(stdout, /^nobody +1 +\d+ms|^nobody +1 +[\d.]+s/m)
  assert.match(stdout, /^Records +1 +timeout +E: no/m)
  assert.ok(!stdout.includes('\u001b'))
})

it('draws on a terminal, and restores it when it is ended by a signal', async () => {
  const inner = `${process.execPath} ${join(ROOT, 'bin/runtime.js')} top`
  const top = startProcess('script', ['-qefc', `stty rows 24 cols 80; echo pid $$; exec ${inner}`, '/dev/null'], {
    cwd: workerApp,
    env: { REDIS_URL: server.url, TERM: 'xterm' },
  })
  await top.waitForLine(/\[q\] quit|QUEUE/, { timeoutMs: 30_000 })
  const pid = Number(/pid (\d+)/.exec(top.stdout)?.[1])
  process.kill(pid, 'SIGTERM')
  const { stdout, exitCode } = await top.exited
  assert.ok(stdout.includes('\u001b[?1049h'))
  assert.ok(stdout.trimEnd().endsWith('\u001b[?25h\u001b[?1049l'))
  assert.equal(exitCode, 143)
})

// `runtime top`: one frame for a pipe; on a terminal it draws in the alternate screen, and leaves it as it was.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { it } from 'node:test'
import { leavesNoProcess, ROOT, runCli, startProcess } from '../support/process.ts'
import { loadConfig } from '../../config/load.ts'
import { overview } from '../../runtime/inspect/overview.ts'
import { handleKey, type TopKeys, type TopView } from '../../cli/top-screen.ts'
import { useRedis } from '../support/redis.ts'
import { push, useStore, workerApp } from '../worker/support.ts'

const server = useRedis()
const to = useStore(server)
leavesNoProcess({ withinMs: 20_000 })

it('prints one frame into a pipe: the verdict, queues, jobs and failures', async () => {
  await push(to.store, 'Records', ['x'], { queue: 'unserved' })
  const failure = { class: 'Records', args: ['\u001b[2J'] }
  await server.client().rpush('resque:failed', JSON.stringify({ payload: failure, exception: 'E', error: 'no\u001b[2J', cause: 'timeout' })) // prettier-ignore
  const { stdout, exitCode } = await runCli(['top'], { cwd: workerApp, env: { REDIS_URL: server.url } })
  assert.equal(exitCode, 0)
  assert.match(stdout, /^! unserved waits .*: no worker serves it$/m)
  assert.match(stdout, /^unserved +1 +\d+ms|^unserved +1 +[\d.]+s/m)
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

it('keys select a row, ask, and pause a queue, retry a group and quit', async () => {
  await server.client().flushdb()
  await push(to.store, 'Records', ['x'], { queue: 'unserved' })
  const failure = { payload: { class: 'Records', args: ['again'] }, exception: 'E', error: 'no', queue: 'other' }
  await server.client().rpush('resque:failed', JSON.stringify(failure))
  const inner = `${process.execPath} ${join(ROOT, 'bin/runtime.js')} top`
  const top = startProcess('script', ['-qefc', `stty rows 24 cols 100; exec ${inner}`, '/dev/null'], {
    cwd: workerApp,
    env: { REDIS_URL: server.url, TERM: 'xterm' },
    input: 'pnpy\t\tjkryq',
  })
  const { stdout, exitCode } = await top.exited
  assert.equal(exitCode, 0)
  assert.match(stdout, /pause queue unserved\? \[y\/n\]/)
  for (const text of [
    'nothing was changed',
    'paused unserved',
    'retry all failed Records with E (1 seen)?',
    'retried 1',
  ])
    assert.ok(stdout.includes(text), text)
  assert.ok(stdout.trimEnd().endsWith('\u001b[?25h\u001b[?1049l'))
  assert.deepEqual(await to.store.queues.paused(), ['unserved'])
  assert.equal((await to.store.queues.sizes()).get('other'), 1)
})

it('keys cancel a job and show its stack, and say which section they need', async () => {
  const id = await push(to.store, 'Records', ['x'])
  const place = { store: to.store, client: to.client, config: loadConfig({ cwd: workerApp }) }
  const jobs = [{ id, class: 'Records' }]
  const view = { seen: await overview(place), supervisors: [{ jobs }], failures: [] }
  let keys: TopKeys = { section: 'queues', row: 0 }
  const type = async (key: string): Promise<TopKeys> =>
    (keys = await handleKey(key, keys, view as unknown as TopView, place, 23))
  assert.match((await type('c')).note ?? '', /works on a row of the jobs/)
  await type('\t')
  assert.equal((await type('c')).question?.text, `cancel Records ${id}?`)
  assert.equal((await type('y')).note, `${id} is cancelled`)
  assert.equal((await to.store.jobs.find(id))?.state, 'cancelled')
  assert.match((await type('s')).page?.join(' ') ?? '', new RegExp(`Records ${id} .*any key returns`))
  await type('\t')
  assert.equal((await type('r')).note, 'there are no failures to select')
})

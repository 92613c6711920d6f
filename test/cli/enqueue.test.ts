// `runtime enqueue`: what is refused has written nothing.
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { makeApp, removesApps } from '../support/app.ts'
import { runCommand } from '../support/command.ts'
import { type Exit, leavesNoProcess, runCli } from '../support/process.ts'
import { useRedis } from '../support/redis.ts'
import { eventually } from '../support/wait.ts'
import { useStore, workerApp } from '../worker/support.ts'

const server = useRedis()
const to = useStore(server)
leavesNoProcess()
removesApps()

it('refuses a --timeout that is none before the job is on its queue', async () => {
  const args = ['enqueue', 'Records', '"a"', '--queue', 'q', '--wait', '--timeout', 'banana']
  const { exitCode, stderr } = await runCli(args, { cwd: workerApp, env: { REDIS_URL: server.url } })
  assert.equal(exitCode, 2)
  assert.match(stderr, /^runtime: --timeout: expected .*, got "banana".* \[ERR_ARGUMENT\]\n$/)
  assert.deepEqual(await to.store.queues.names(), [])
})

it('with --id the same command again enqueues nothing', async () => {
  const args = ['enqueue', 'Records', '"a"', '--queue', 'held', '--id', 'order-17', '--json']
  const env = { REDIS_URL: server.url }
  const [first, again] = [await runCli(args, { cwd: workerApp, env }), await runCli(args, { cwd: workerApp, env })]
  assert.deepEqual(
    [JSON.parse(first.stdout), JSON.parse(again.stdout)],
    [
      { id: 'order-17', duplicate: false },
      { id: 'order-17', duplicate: true },
    ],
  )
  assert.equal((await to.store.queues.sizes()).get('held'), 1)
})

it('ends, as an inline worker does, although a module of the application has something open', async () => {
  const open = "import { Job } from 'resque-runtime'\nsetInterval(() => undefined, 1000)\n"
  const cwd = await makeApp({ 'src/jobs/a-job.ts': `${open}export class AJob extends Job { perform() {} }` })
  const env = { REDIS_URL: server.url }
  const enqueued = await runCli(['enqueue', 'AJob', '--queue', 'q'], { cwd, env })
  assert.equal(enqueued.exitCode, 0, enqueued.stderr)
  const worked = await runCli(['work', '--queues', 'q', '--isolation', 'inline', '--drain'], { cwd, env })
  assert.equal(worked.exitCode, 0, worked.stderr)
  assert.equal((await to.store.jobs.find(enqueued.stdout.trim()))?.state, 'done')
})

it('--wait says once on standard error why nothing runs the job', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const args = ['--wait', '--timeout', '1s']
  const options = { cwd: workerApp, env: { REDIS_URL: server.url } }
  const said = async (words: string[]): Promise<string> => {
    let ended: Exit | undefined
    void runCommand([...words, ...args], options).then((exit) => (ended = exit))
    const { exitCode, stderr } = await eventually(() => (t.mock.timers.tick(3000), ended))
    assert.equal(exitCode, 1)
    return stderr
  }
  assert.match(
    await said(['enqueue', 'Records', '"a"', '--queue', 'unserved']),
    /^runtime: still waiting: no worker takes from queue unserved \(runtime work --queues unserved\)\n.*ERR_TIMEOUT\]\n$/,
  )
  assert.match(
    await said(['enqueue', 'Records', '"b"', '--queue', 'unserved', '--in', '1h']),
    /^runtime: still waiting: no scheduler leads, and only a scheduler moves this job .* \(runtime scheduler\)\n.*ERR_TIMEOUT/,
  )
})

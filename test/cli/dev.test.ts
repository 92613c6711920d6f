import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { makeApp, removesApps } from '../support/app.ts'
import { leavesNoProcess, markedProcesses, ROOT, runCli, startCli, startProcess } from '../support/process.ts'
import { useRedis } from '../support/redis.ts'
import { eventually } from '../support/wait.ts'

leavesNoProcess({ withinMs: 20_000 })
removesApps()
const server = useRedis()

const timeoutMs = 90_000
const soon = { timeoutMs: 60_000 }

const job = (greeting: string): string => `
import { Job } from 'resque-runtime'
export class HelloJob extends Job {
  static queue = 'default'
  static keepResult = '1h'
  perform(name: string) { return '${greeting} ' + name }
}`

/** The same without types: it needs no build. */
const untyped = (greeting: string): string => job(greeting).replace('name: string', 'name')

const enqueues = `
import { close, enqueue, Job } from 'resque-runtime'
class HelloJob extends Job { static queue = 'default'; static keepResult = '1h'; perform() {} }
console.log(await (await enqueue(HelloJob, 'program')).result())
close()`

async function hello(cwd: string): Promise<string> {
  const { stdout, stderr } = await runCli(['enqueue', 'HelloJob', '"you"', '--wait', '--timeout', '30s'], {
    cwd,
    timeoutMs,
  })
  return stdout + stderr
}

describe('runtime dev', () => {
  it('works on a Redis of its own, follows the code, and leaves nothing behind', async () => {
    const cwd = await makeApp({ 'src/jobs/hello-job.ts': job('hello') })
    const dev = startCli(['dev'], { cwd, timeoutMs })
    await dev.waitForLine(/^dev {7}\| a private Redis \(\d+\): unix:/, soon)
    await dev.waitForLine(/^work {6}\| .*working on/, soon)
    await dev.waitForLine(/^scheduler \| .*scheduler started/, soon)
    assert.equal(await hello(cwd), '"hello you"\n')
    // A program of the application, without any setting, enqueues where the worker works.
    const program = startProcess(process.execPath, ['--input-type=module', '-e', enqueues], { cwd, timeoutMs })
    assert.deepEqual(await program.exited.then(({ stdout, stderr }) => [stdout, stderr]), ['hello program\n', ''])
    await writeFile(join(cwd, 'src/jobs/hello-job.ts'), job('good day'))
    await dev.waitForLine(/work {6}\| .*was reloaded/, soon)
    assert.equal(await hello(cwd), '"good day you"\n')
    await writeFile(join(cwd, 'schedule.yml'), "noon: { cron: '0 12 * * *', class: HelloJob, args: [noon] }\n")
    await dev.waitForLine(/^dev {7}\| schedule changed/, soon)
    // A class that was not there when it started: the scheduler knows it, too.
    await writeFile(join(cwd, 'src/jobs/late-job.ts'), job('late').replace('HelloJob', 'LateJob'))
    await writeFile(join(cwd, 'schedule.yml'), 'late: { every: [1s, { first: now }], class: LateJob, args: [you] }\n')
    await dev.waitForLine(/^scheduler \| .*late: fired/, soon)
    assert.equal((await dev.stop('SIGINT')).exitCode, 0)
  })

  it('starts the worker when the first job file is written', async () => {
    const cwd = await makeApp()
    const dev = startCli(['dev', '--isolation', 'inline'], { cwd, timeoutMs })
    await dev.waitForLine(/^work {6}\| ended \(exit code 2\); starts again/, soon)
    await mkdir(join(cwd, 'src/jobs'), { recursive: true })
    await writeFile(join(cwd, 'src/jobs/hello-job.js'), untyped('hello'))
    await dev.waitForLine(/^work {6}\| .*working on/, soon)
    assert.equal((await dev.stop('SIGTERM')).exitCode, 0)
  })

  it('starts the worker when a broken job file is mended', async () => {
    const cwd = await makeApp({ 'src/jobs/hello-job.js': 'export class {' })
    const dev = startCli(['dev', '--isolation', 'inline'], { cwd, timeoutMs })
    await dev.waitForLine(/^work {6}\| runtime: .*src\/jobs\/hello-job\.js:1/, soon)
    await dev.waitForLine(/^work {6}\| ended \(exit code 2\); starts again/, soon)
    await writeFile(join(cwd, 'src/jobs/hello-job.js'), untyped('hello'))
    await dev.waitForLine(/^work {6}\| .*working on/, soon)
    assert.equal((await dev.stop('SIGTERM')).exitCode, 0)
  })

  it('uses the Redis that the settings name, and another port where that of the dashboard is taken; ends with npm, however npm ends', async () => {
    const cwd = await makeApp({ 'src/jobs/hello-job.js': untyped('hello') })
    const url = `${server.url}`
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    const env = { RUNTIME_WEB_PORT: String(port), npm_command: 'exec' }
    const command = `"${process.execPath}" "${ROOT}bin/runtime.js" dev --redis "${url}" --isolation inline`
    const dev = startProcess('sh', ['-c', `${command} & wait`], { cwd, env, timeoutMs })
    await dev.waitForLine(/^dev {7}\| Redis as configured: unix:/, soon)
    await dev.waitForLine(new RegExp(`^dev {7}\\| another program listens on 127\\.0\\.0\\.1:${port}`), soon)
    await dev.waitForLine(/^web {7}\| .*dashboard: http:\/\/127\.0\.0\.1:\d+\//, soon)
    other.close()
    await dev.waitForLine(/^work {6}\| .*working on .* with inline/, soon)
    assert.equal((await server.client().smembers('resque:workers')).length, 1)
    const { stdout } = await dev.stop('SIGKILL')
    assert.match(stdout, /^dev {7}\| npm has ended; runtime dev ends, too$/m)
    assert.deepEqual(await server.client().smembers('resque:workers'), [])
  })

  it('leaves nothing running when it is killed', async () => {
    const cwd = await makeApp({ 'src/jobs/hello-job.js': untyped('hello') })
    const dev = startCli(['dev'], { cwd, timeoutMs })
    await dev.waitForLine(/^work {6}\| .*working on/, soon)
    await dev.stop('SIGKILL')
    await eventually(async () => (await markedProcesses()).length === 0, { timeoutMs: 20_000, what: 'the end of all' })
  })
})

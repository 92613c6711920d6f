// A Redis that is not there, refuses, or dies: producers are told soon, workers wait, nothing in flight is dropped.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { makeApp, removesApps } from '../support/app.ts'
import { runCommand } from '../support/command.ts'
import { leavesNoProcess, startCli } from '../support/process.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { eventually } from '../support/wait.ts'

leavesNoProcess()
removesApps()

const timeoutMs = 90_000
const soon = { timeoutMs: 60_000 }
/** Says that it runs, then waits for a file. */
const patient = `
import { existsSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { Job } from 'resque-runtime'
export class PatientJob extends Job {
  static queue = 'low'
  async perform(file) {
    console.log('begun')
    while (!existsSync(file)) await setTimeout(20)
    console.log('finished')
  }
}`
const files = { 'src/jobs/patient-job.js': patient }
const nowhere = 'redis://:secret@127.0.0.1:1'
/** For what it says of Redis, which is the same by any launcher. */
const work = ['work', '--isolation', 'inline']

describe('a Redis that is not there', () => {
  it('is an error of a producer within seconds, without the password', async () => {
    const cwd = await makeApp(files)
    for (const args of [['enqueue', 'PatientJob', '"x"'], ['queues'], ['stats'], ['failed', 'list']]) {
      const startedAt = performance.now()
      const { exitCode, stderr } = await runCommand([...args, '--redis', nowhere], { cwd, timeoutMs })
      assert.match(
        stderr,
        /^runtime: Redis.*127\.0\.0\.1:1.*cannot be reached \(connect ECONNREFUSED 127\.0\.0\.1:1\); is Redis running, and is --redis right\? \[ERR_REDIS\]\n$/,
        args.join(' '),
      )
      assert.doesNotMatch(stderr, /secret/)
      assert.equal(exitCode, 1)
      assert.ok(performance.now() - startedAt < 20_000)
    }
  })

  it('is named by what named it', async () => {
    const cwd = await makeApp({ ...files, 'config/runtime.yml': `redis:\n  url: ${nowhere}\n` })
    for (const [env, source] of [
      [{}, 'config/runtime.yml:2'],
      [{ REDIS_URL: nowhere }, 'REDIS_URL'],
    ] as const) {
      const { stderr } = await runCommand(['queues'], { cwd, env, timeoutMs })
      assert.ok(stderr.includes(`and is ${source} right?`), stderr)
    }
  })

  it('is waited for by a worker, which can be stopped meanwhile', async () => {
    const worker = startCli([...work, '--redis', nowhere], { cwd: await makeApp(files), timeoutMs })
    await worker.waitForLine(/waiting for Redis: .*cannot be reached/, soon)
    await worker.waitForLine(/waiting for Redis: .*cannot be reached/, soon)
    const { signal, exitCode, stderr } = await worker.stop('SIGTERM')
    assert.deepEqual([signal, exitCode], [null, 0], stderr)
    assert.doesNotMatch(stderr, /secret/)
  })
})

describe('a Redis that wants a password', () => {
  let server: TestRedis
  before(async () => (server = await startRedis({ args: ['--requirepass', 'open sesame'] })))
  after(() => server.stop())

  it('stops producer and worker, and says what to check', async () => {
    const cwd = await makeApp(files)
    for (const args of [['queues'], ['enqueue', 'PatientJob', '"x"'], work, ['scheduler']]) {
      for (const password of [undefined, 'wrong']) {
        const { exitCode, stderr } = await runCommand([...args, '--redis', server.url], {
          cwd,
          env: { RUNTIME_REDIS_PASSWORD: password },
          timeoutMs,
        })
        assert.match(stderr, /runtime: Redis.*(NOAUTH|WRONGPASS).*check the user and password/, args.join(' '))
        assert.equal(exitCode, 1)
      }
    }
  })

  it('is used with it', async () => {
    const cwd = await makeApp(files)
    const { exitCode } = await runCommand(['queues', '--redis', server.url], {
      cwd,
      env: { RUNTIME_REDIS_PASSWORD: 'open sesame' },
      timeoutMs,
    })
    assert.equal(exitCode, 0)
  })
})

describe('a Redis that refuses', () => {
  let server: TestRedis
  before(async () => (server = await startRedis()))
  after(() => server.stop())
  const refused = async (args: string[], env: Record<string, string>, expected: RegExp): Promise<void> => {
    const { exitCode, stderr } = await runCommand([...args, '--redis', server.url], {
      cwd: await makeApp(files),
      env,
      timeoutMs,
    })
    assert.match(stderr, expected, args.join(' '))
    assert.equal(exitCode, 1, args.join(' '))
  }

  it('the database: every command ends with that, and nothing lands in database 0', async () => {
    const redis = server.client()
    await redis.call('ACL', 'SETUSER', 'noselect', 'on', '>secret', '&*', '~*', '+@all', '-select')
    const user = { RUNTIME_REDIS_USERNAME: 'noselect', RUNTIME_REDIS_PASSWORD: 'secret', RUNTIME_REDIS_DB: '7' }
    for (const args of [['enqueue', 'PatientJob', '"x"'], work, ['doctor']]) {
      await refused(args, { RUNTIME_REDIS_DB: '99' }, /DB index is out of range; redis.db/)
      await refused(args, user, /NOPERM.*select.*ACL SETUSER <name> \+select/)
    }
    assert.deepEqual(await redis.keys('*'), [])
  })

  it('transactions: a worker says so and ends', async () => {
    await server.client().call('ACL', 'SETUSER', 'nomulti', 'on', '>secret', '&*', '~*', '+@all', '-multi')
    const env = { RUNTIME_REDIS_USERNAME: 'nomulti', RUNTIME_REDIS_PASSWORD: 'secret' }
    await refused(work, env, /may not use transactions: `ACL SETUSER <name> \+@transaction`/)
  })

  it('INFO and SCAN: the others work, and doctor says what it cannot see', async () => {
    await server.client().call('ACL', 'SETUSER', 'noinfo', 'on', '>secret', '&*', '~*', '+@all', '-info', '-scan')
    const env = { RUNTIME_REDIS_USERNAME: 'noinfo', RUNTIME_REDIS_PASSWORD: 'secret' }
    const { stdout, stderr } = await runCommand(['doctor', '--redis', server.url], {
      cwd: await makeApp(files),
      env,
      timeoutMs,
    })
    assert.match(stdout, /cannot be seen: .*NOPERM.*info[^]*no worker runs[^]*cannot be seen: .*NOPERM.*scan/i)
    assert.equal(stderr, '')
  })
})

describe('a Redis that dies while a job runs', () => {
  let server: TestRedis
  before(async () => (server = await startRedis({ appendonly: true })))
  after(() => server.stop())

  it('loses nothing: the job ends once, its end is recorded when Redis is back, and what waited runs', async () => {
    const cwd = await makeApp(files)
    const [first, second] = [join(cwd, 'first'), join(cwd, 'second')]
    const worker = startCli(['work', '--redis', server.url], { cwd, timeoutMs })
    for (const file of [first, second]) {
      assert.equal(
        (await runCommand(['enqueue', 'PatientJob', JSON.stringify(file), '--redis', server.url], { cwd, timeoutMs }))
          .exitCode,
        0,
      )
    }
    await worker.waitForLine(/^begun$/, soon)
    await server.kill('SIGKILL')
    await writeFile(first, '')
    await worker.waitForLine(/^finished$/, soon)
    await worker.waitForLine(/its end cannot be recorded yet/, soon)
    await server.restart()
    await writeFile(second, '')
    const redis = server.client()
    await eventually(async () => (await redis.get('resque:stat:processed')) === '2', {
      timeoutMs: 60_000,
      what: 'both jobs',
    })
    const { stdout, stderr } = await worker.stop('SIGQUIT')
    assert.deepEqual(stdout.match(/begun|finished/g), ['begun', 'finished', 'begun', 'finished'], stderr)
    assert.deepEqual(
      [await redis.get('resque:stat:failed'), await redis.llen('resque:failed'), await redis.llen('resque:queue:low')],
      [null, 0, 0],
    )
  })
})

describe('a Redis that takes no more connections', () => {
  let server: TestRedis
  before(async () => (server = await startRedis({ args: ['--maxclients', '1'] })))
  after(() => server.stop())

  it('is said to do so, with what to do', async () => {
    const cwd = await makeApp(files)
    await server.client().ping()
    const { exitCode, stderr } = await runCommand(['queues', '--redis', server.url], { cwd, timeoutMs })
    assert.match(
      stderr,
      /refuses the connection \(ERR max number of clients reached\); .* raise maxclients \[ERR_REDIS\]\n$/,
    )
    assert.equal(exitCode, 1)
  })
})

describe('a Redis without TLS', () => {
  it('does not answer the handshake of rediss://, which is said', async (t) => {
    // What Redis does with the first bytes of a handshake: it waits for the end of a line.
    const silent = createServer(() => undefined).listen(0, '127.0.0.1')
    t.after(() => silent.close())
    await once(silent, 'listening')
    const { port } = silent.address() as AddressInfo
    const { exitCode, stderr } = await runCommand(['queues', '--redis', `rediss://127.0.0.1:${port}`], {
      cwd: await makeApp(files),
      env: { RUNTIME_REDIS_COMMAND_TIMEOUT_MS: '500' },
      timeoutMs,
    })
    assert.match(
      stderr,
      /cannot be reached \(no answer to the TLS handshake\); .* write redis:\/\/ in place of rediss:\/\/ in --redis/,
    )
    assert.equal(exitCode, 1)
    // Without TLS nothing is sent before it has answered: no write can have been made.
    const plain = await runCommand(['queues', '--redis', `redis://127.0.0.1:${port}`], {
      cwd: await makeApp(files),
      env: { RUNTIME_REDIS_COMMAND_TIMEOUT_MS: '500' },
      timeoutMs,
    })
    assert.match(plain.stderr, /cannot be reached \(no connection in time\); is Redis running, and is --redis right\?/)
  })
})

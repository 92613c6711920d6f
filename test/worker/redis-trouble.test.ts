// Promise 6: whatever becomes of Redis, producers hear of it in time, workers carry on by themselves, nothing is dropped.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { openStore } from '../../runtime/store/store.ts'
import { leavesNoProcess, startCli, startProcess, type Running } from '../support/process.ts'
import { startRedisProxy } from '../support/redis-proxy.ts'
import { freePort, startRedis, useRedis } from '../support/redis.ts'
import { redisSettings, testStore } from '../support/store.ts'
import { eventually } from '../support/wait.ts'
import { launchWorker, push, startWorker, untilState, useEvidence, useStore, workerApp } from './support.ts'

const server = useRedis({ appendonly: true })
const evidence = useEvidence()
const to = useStore(server)
leavesNoProcess({ withinMs: 20_000 })

const begun = (tag: string, times = 1): Promise<unknown> =>
  eventually(() => evidence.lines('begin', tag).length >= times, { timeoutMs: 60_000, what: `${tag} to begin` })
const patient = { RUNTIME_WORKER_LEASE_MS: '20000' }

it('a user without channels: the worker says so, and finds its jobs by polling', async () => {
  await server.client().call('ACL', 'SETUSER', 'quiet', 'on', '>secret', 'resetchannels', '~resque:*', '+@all')
  const env = { RUNTIME_REDIS_USERNAME: 'quiet', RUNTIME_REDIS_PASSWORD: 'secret' }
  const worker = launchWorker(server, evidence, { isolation: 'inline', env })
  await worker.waitForLine(/cannot listen to resque:rt:wake:worker:.*&resque:\*/, { timeoutMs: 60_000 })
  await worker.waitForLine(/working on/, { timeoutMs: 60_000 })
  await untilState(to.store, await push(to.store, 'Records', ['quiet']), 'done')
  await worker.stop('SIGQUIT')
})

describe('Redis away', () => {
  it('at the start: the worker waits for it, and the producer is told within its time', async () => {
    await server.kill('SIGKILL')
    const worker = launchWorker(server, evidence, { isolation: 'inline' })
    await worker.waitForLine(/waiting for Redis/, { timeoutMs: 60_000 })
    const producer = openStore({ ...redisSettings(server), commandTimeoutMs: 1000 }, 'resque')
    const from = performance.now()
    await assert.rejects(push(producer, 'Records', ['x']), { code: 'ERR_REDIS' })
    assert.ok(performance.now() - from < 4000)
    producer.close()
    await server.restart()
    await worker.waitForLine(/working on/, { timeoutMs: 60_000 })
    await untilState(to.store, await push(to.store, 'Records', ['y']), 'done')
    await worker.stop('SIGQUIT')
  })

  it('in the middle of a job, for less than the lease: the job goes on, and its end is recorded later', async () => {
    const worker = await startWorker(server, evidence, { env: patient })
    const id = await push(to.store, 'Records', ['m', 1000])
    await begun('m')
    await server.kill('SIGKILL')
    await eventually(() => evidence.lines('end', 'm').length === 1)
    await server.restart()
    const record = await untilState(to.store, id, 'done')
    assert.equal(record.redeliveries ?? '0', '0')
    assert.equal(evidence.lines('begin', 'm').length, 1)
    await worker.stop('SIGQUIT')
  })

  it('and back without its data: the worker registers anew and takes what comes', async () => {
    const worker = await startWorker(server, evidence)
    await push(to.store, 'Waits', ['gone'])
    await begun('gone')
    await server.client().flushall()
    await eventually(async () => (await to.store.supervisors.list()).length === 1, { timeoutMs: 30_000 })
    await untilState(to.store, await push(to.store, 'Records', ['new']), 'done')
    assert.equal((await to.store.workers.list()).length, 1)
    await worker.stop('SIGQUIT')
  })
})

describe('Redis in a bad state', () => {
  it('with its scripts flushed loads them again', async () => {
    const worker = await startWorker(server, evidence, { isolation: 'inline' })
    for (let i = 0; i < 5; i += 1) {
      await server.client().script('FLUSH')
      await untilState(to.store, await push(to.store, 'Records', [`f${i}`]), 'done')
    }
    await worker.stop('SIGQUIT')
  })

  it('slow, for less than the lease: nothing is lost or run twice', async () => {
    const worker = await startWorker(server, evidence, { isolation: 'inline', env: patient })
    const ids = [await push(to.store, 'Records', ['s1', 200]), await push(to.store, 'Records', ['s2', 200])]
    await begun('s1')
    await server.kill('SIGSTOP')
    const from = performance.now()
    await eventually(() => performance.now() - from > 1500, { intervalMs: 100 })
    await server.kill('SIGCONT')
    for (const id of ids) assert.equal((await untilState(to.store, id, 'done')).redeliveries ?? '0', '0')
    assert.equal(evidence.lines('begin').length, 2)
    await worker.stop('SIGQUIT')
  })

  it('out of memory refuses new jobs with what to do, and lets workers end those they have', async () => {
    const worker = await startWorker(server, evidence, { isolation: 'inline' })
    const redis = server.client()
    const id = await push(to.store, 'Records', ['o', 700])
    const next = await push(to.store, 'Records', ['o2'])
    await begun('o')
    await redis.config('SET', 'maxmemory-policy', 'noeviction')
    await redis.config('SET', 'maxmemory', '1mb')
    await assert.rejects(push(to.store, 'Records', ['no'], { queue: 'another' }), /out of memory.*runtime doctor/)
    assert.equal(await redis.exists('resque:queue:another'), 0)
    await untilState(to.store, id, 'done')
    await untilState(to.store, next, 'done')
    assert.equal((await to.store.supervisors.list()).length, 1, 'the lease is renewed all the same')
    await redis.config('SET', 'maxmemory', '0')
    await untilState(to.store, await push(to.store, 'Records', ['yes']), 'done')
    await worker.stop('SIGQUIT')
  })

  it('read-only is told as such', async () => {
    const replica = await startRedis()
    try {
      const port = await freePort()
      await server.client().config('SET', 'port', String(port))
      await replica.client().replicaof('127.0.0.1', port)
      const store = testStore(replica)
      await assert.rejects(push(store, 'Records', ['r']), /read-only replica.*master/)
      store.close()
    } finally {
      await server.client().config('SET', 'port', '0')
      await replica.stop()
    }
  })
})

it('connections that go silent are given up: worker, scheduler and producer open new ones', async () => {
  const proxy = await startRedisProxy(server)
  const address = { ...redisSettings(server).address, path: proxy.url.replace('unix://', '') }
  const store = openStore({ ...redisSettings(server), address, commandTimeoutMs: 500 }, 'resque')
  const env = { REDIS_URL: proxy.url, RUNTIME_REDIS_COMMAND_TIMEOUT_MS: '500' }
  const worker = await startWorker(server, evidence, { isolation: 'inline', env: { ...env, ...patient } })
  const scheduler = startCli(['scheduler'], { cwd: workerApp, env: { ...env, RUNTIME_SCHEDULER_LOCK_TTL_MS: '3000' } })
  try {
    await eventually(() => to.store.health.leader(''), { timeoutMs: 30_000 })
    let heard = ''
    await store.connection.listen('resque:test', (message) => (heard = message))
    await untilState(to.store, await push(store, 'Records', ['before']), 'done')
    proxy.silence()
    await assert.rejects(push(store, 'Records', ['unknown']), {
      code: 'ERR_REDIS',
      message: /no answer.*may have been made.*\{ id \}/,
    })
    const id = await eventually(() => push(store, 'Records', ['after']), { timeoutMs: 10_000 })
    await untilState(to.store, id, 'done')
    await eventually(async () => {
      await server.client().publish('resque:test', 'again')
      return heard === 'again'
    })
    await eventually(async () => ((await to.store.health.leader(''))?.ttlMs ?? 0) > 2500, { timeoutMs: 30_000 })
  } finally {
    store.close()
    await scheduler.stop('SIGQUIT')
    await worker.stop('SIGQUIT')
    await proxy.stop()
  }
})

describe('Sentinel', () => {
  for (const signal of ['SIGKILL', 'SIGSTOP'] as const)
    it(`finds the new master when the old one gets ${signal}; a job in the middle is recorded there`, async () => {
      const [masterPort, replicaPort, sentinelPort] = [await freePort(), await freePort(), await freePort()]
      const master = await startRedis({ port: masterPort })
      const replica = await startRedis({ port: replicaPort, args: ['--replicaof', '127.0.0.1', String(masterPort)] })
      const dir = mkdtempSync(join(tmpdir(), 'test-sentinel-'))
      const schedulers: Running[] = []
      let sentinel: Running | undefined
      const settings = {
        ...redisSettings(master),
        commandTimeoutMs: 1000,
        sentinel: { name: 'mine', nodes: [{ host: '127.0.0.1', port: sentinelPort }] },
      }
      const store = openStore(settings, 'resque')
      try {
        await eventually(async () => /master_link_status:up/.test(await replica.client().info('replication')))
        const file = join(dir, 'sentinel.conf')
        writeFileSync(
          file,
          `port ${sentinelPort}\nbind 127.0.0.1\ndir ${dir}\nsentinel monitor mine 127.0.0.1 ${masterPort} 1\nsentinel down-after-milliseconds mine 800\nsentinel failover-timeout mine 5000\n`,
        )
        sentinel = startProcess('redis-server', [file, '--sentinel'])
        await sentinel.waitForLine(/\+monitor master mine|\+slave/)
        // Sentinel asks its master for replicas now and then; a failover needs one.
        await sentinel.waitForLine(/\+slave/, { timeoutMs: 30_000 })
        const env = {
          ...patient,
          REDIS_URL: undefined,
          RUNTIME_REDIS_COMMAND_TIMEOUT_MS: '1000',
          RUNTIME_REDIS_SENTINEL_NAME: 'mine',
          RUNTIME_REDIS_SENTINEL_NODES: `127.0.0.1:${sentinelPort}`,
        }
        const worker = await startWorker(master, evidence, { isolation: 'inline', env })
        schedulers.push(...[0, 1].map(() => startCli(['scheduler'], { cwd: workerApp, env })))
        await eventually(async () => (await master.client().pubsub('NUMSUB', 'resque:rt:wake:delayed'))[1] === 3, {
          timeoutMs: 30_000,
        })
        const id = await push(store, 'Records', ['fo', 4000])
        await begun('fo')
        await eventually(async () => {
          const [a, b] = await Promise.all([master.client().dbsize(), replica.client().dbsize()])
          return a === b
        })
        await master.kill(signal)
        await sentinel.waitForLine(/\+switch-master/, { timeoutMs: 60_000 })
        const record = await eventually(
          async () => {
            const found = await store.jobs.find(id)
            return found?.state === 'done' ? found : undefined
          },
          { timeoutMs: 60_000, intervalMs: 200 },
        )
        assert.equal(record.redeliveries ?? '0', '0')
        const after = await eventually(() => push(store, 'Records', ['after']), { timeoutMs: 30_000 })
        await untilState(store, after, 'done')
        await eventually(async () => (await replica.client().pubsub('NUMSUB', 'resque:rt:wake:delayed'))[1] === 3, {
          timeoutMs: 60_000,
        })
        await eventually(() => store.health.leader(''), { timeoutMs: 30_000 })
        await worker.stop('SIGQUIT')
      } finally {
        for (const scheduler of schedulers) await scheduler.stop('SIGQUIT')
        store.close()
        await sentinel?.stop('SIGKILL')
        await replica.stop()
        await master.stop()
        rmSync(dir, { recursive: true, force: true })
      }
    })
})

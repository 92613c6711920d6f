// Promises 1 to 3: what a dead, frozen or cut off worker held is run by others, and recorded by one alone.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { leavesNoProcess } from '../support/process.ts'
import { useRedis } from '../support/redis.ts'
import { isAlive } from '../support/signal.ts'
import { eventually } from '../support/wait.ts'
import { systemClock } from '../../runtime/core/clock.ts'
import { newId } from '../../runtime/core/ids.ts'
import { Lease } from '../../runtime/worker/lease/lease.ts'
import { keepingLogger } from '../scheduler/support.ts'
import { reserveOne } from '../support/reserve.ts'
import { push, startWorker, untilState, useEvidence, useStore } from './support.ts'

const server = useRedis({ appendonly: true })
const evidence = useEvidence()
const to = useStore(server)
leavesNoProcess()

const begun = (tag: string, times = 1): Promise<unknown> =>
  eventually(() => evidence.lines('begin', tag).length >= times, { timeoutMs: 60_000, what: `${tag} to begin` })
const inFlight = async (): Promise<string[]> => {
  const keys = await server.client().keys('resque:rt:inflight:*')
  return keys
}

describe('a dead worker', () => {
  it('has its job run by another that was there already, within seconds', async () => {
    const [first, second] = [await startWorker(server, evidence), await startWorker(server, evidence)]
    const id = await push(to.store, 'Records', ['a', 1500])
    await begun('a')
    const { worker } = await untilState(to.store, id, 'running')
    const [dead, other] = worker?.includes(`:${first.pid}:`) ? [first, second] : [second, first]
    dead.kill('SIGKILL')
    const killedAt = performance.now()
    await begun('a', 2)
    const tookMs = performance.now() - killedAt
    const record = await untilState(to.store, id, 'done')
    assert.ok(tookMs < 10_000, `it took ${tookMs} ms; the lease is 2000 ms`)
    assert.equal(record.attempt, '1', 'a lost worker is no failed attempt')
    assert.equal(record.redeliveries, '1')
    const child = Number(evidence.lines('begin', 'a')[0]?.[2])
    await eventually(() => !isAlive(child), { what: "the dead worker's child to be gone" })
    assert.equal((await other.stop('SIGQUIT')).exitCode, 0)
    assert.deepEqual(await inFlight(), [])
    assert.deepEqual(await to.store.workers.list(), [], 'the dead worker is no longer registered')
  })

  it('goes to the failed list when it takes its worker down again and again', async () => {
    const id = await push(to.store, 'TakesWorkerDown', ['t'])
    const env = { RUNTIME_WORKER_MAX_REDELIVERIES: '1' }
    for (let i = 0; i < 2; i += 1) await (await startWorker(server, evidence, { env })).exited
    const last = await startWorker(server, evidence, { env, isolation: 'inline' })
    const record = await untilState(to.store, id, 'failed')
    assert.equal(record.cause, 'worker lost')
    assert.equal(evidence.lines('begin', 't').length, 2)
    const [entry] = await to.store.failures.list()
    assert.equal(entry?.exception, 'Resque::PruneDeadWorkerDirtyExit')
    assert.equal(entry?.cause, 'worker lost')
    assert.equal(entry?.payload, '{"class":"TakesWorkerDown","args":["t"]}')
    await last.stop('SIGQUIT')
  })

  it('fails an at-most-once job rather than to run it twice', async () => {
    const first = await startWorker(server, evidence)
    const id = await push(to.store, 'WaitsOnce', ['o'])
    await begun('o')
    first.kill('SIGKILL')
    const second = await startWorker(server, evidence, { isolation: 'inline' })
    assert.equal((await untilState(to.store, id, 'failed')).cause, 'worker lost')
    assert.equal(evidence.lines('begin', 'o').length, 1)
    await second.stop('SIGQUIT')
  })

  it('is cleared of what its jobs had started, before they run again', async () => {
    const first = await startWorker(server, evidence)
    await push(to.store, 'LeavesProcesses', ['g'])
    await begun('g')
    const grandchild = Number(evidence.lines('begin', 'g')[0]?.[3])
    first.kill('SIGKILL')
    await first.exited
    assert.ok(isAlive(grandchild), 'the kernel does not end it: it left its group')
    const second = await startWorker(server, evidence)
    await eventually(() => !isAlive(grandchild), { what: 'the grandchild to be swept' })
    await begun('g', 2)
    await second.stop('SIGTERM')
  })
})

describe('a worker frozen past its lease', () => {
  it('can record nothing, and kills the child that it still runs', async () => {
    const first = await startWorker(server, evidence)
    const id = await push(to.store, 'Polite', ['f'])
    await begun('f')
    const child = Number(evidence.lines('begin', 'f')[0]?.[2])
    first.kill('SIGSTOP')
    const second = await startWorker(server, evidence)
    await begun('f', 2)
    assert.ok(isAlive(child), 'nobody has told it yet')
    first.kill('SIGCONT')
    await eventually(() => !isAlive(child), { what: 'the stale child to be killed' })
    const record = await to.store.jobs.find(id)
    assert.equal(record?.state, 'running')
    assert.ok(record?.worker?.includes(`:${second.pid}:`))
    assert.ok(await to.client.job(id).cancel())
    await untilState(to.store, id, 'cancelled')
    const next = await push(to.store, 'Records', ['after'])
    await second.stop('SIGQUIT')
    await untilState(to.store, next, 'done')
    const isListed = async () => (await to.store.workers.list()).some((worker) => worker.pid === String(first.pid))
    await eventually(isListed, { what: 'it to be registered again' })
    assert.equal((await first.stop('SIGQUIT')).exitCode, 0)
  })
})

describe('a worker cut off from Redis', () => {
  it('kills its children before its lease runs out, and goes on by itself', async () => {
    const worker = await startWorker(server, evidence)
    const id = await push(to.store, 'Records', ['c', 60_000])
    await begun('c')
    const child = Number(evidence.lines('begin', 'c')[0]?.[2])
    const leaseEndsAt = (await to.store.supervisors.list())[0]?.leaseEndsAtMs ?? 0
    await server.kill('SIGSTOP')
    await eventually(() => !isAlive(child), { what: 'the child to be killed', intervalMs: 5 })
    // The last beat may have come after the lease was read: then it ends later still.
    assert.ok(Date.now() < leaseEndsAt + 200, `killed ${Date.now() - leaseEndsAt} ms after the lease`)
    await server.kill('SIGCONT')
    await begun('c', 2)
    assert.equal((await untilState(to.store, id, 'running')).redeliveries, '1')
    worker.kill('SIGTERM')
    await worker.exited
    assert.equal((await to.store.jobs.find(id))?.state, 'waiting', 'put back by the shutdown')
    assert.deepEqual(await inFlight(), [])
  })
})

describe('a lease', () => {
  function lease(running: ReadonlySet<string> = new Set()): { made: Lease; lines: string[] } {
    const { log, lines } = keepingLogger()
    const made = new Lease({
      ...{ store: to.store, clock: systemClock, log, slots: ['h:1:q'], about: {}, heartbeatMs: 30, leaseMs: 5000 },
      limits: { maxRedeliveries: 2, failedMax: 10, ttlMs: 60_000 },
      running: () => running,
      keepsUp: () => false,
      onLost: () => undefined,
      onCancelled: () => undefined,
      onBeat: async () => undefined,
    })
    return { made, lines }
  }
  const reserve = async (made: Lease): Promise<string> => {
    const found = await reserveOne(to.store, made.id ?? '', 'h:1:q', ['lost'], newId(Date.now()), Date.now())
    return found.kind === 'job' ? found.job.id : assert.fail(found.kind)
  }

  it('requeues a job that was reserved though the reply never arrived, once, and none that runs', async () => {
    const running = new Set<string>()
    const { made, lines } = lease(running)
    await made.start()
    for (const args of [['runs'], ['lost']]) await push(to.store, 'A', args, { queue: 'lost' })
    running.add(await reserve(made))
    const lost = await reserve(made)
    await eventually(async () => (await server.client().llen('resque:queue:lost')) === 1)
    assert.deepEqual(await server.client().lrange('resque:queue:lost', 0, -1), ['{"class":"A","args":["lost"]}'])
    assert.deepEqual([...(await to.store.supervisors.inflight(made.id ?? '')).keys()], [...running])
    const said = lines.filter((line) => line.includes('the reply was lost'))
    assert.ok(said.length === 1 && said[0]?.includes(`job ${lost} was reserved but the reply was lost: requeued`))
    await made.stop()
  })

  it('that is stopped while it starts leaves no supervisor', async () => {
    const { made } = lease()
    const starting = made.start()
    await made.stop()
    await starting
    assert.deepEqual([made.id, await server.client().keys('resque:rt:supervisor:*')], [undefined, []])
  })
})

// Jobs that are taken before a slot is free, where processes run several jobs: each begins within a moment, or is given back.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { systemClock } from '../../runtime/core/clock.ts'
import { newId } from '../../runtime/core/ids.ts'
import { silentLogger } from '../../runtime/core/logger.ts'
import { Fetcher } from '../../runtime/worker/reserve/fetcher.ts'
import { HeldJobs } from '../../runtime/worker/reserve/held-jobs.ts'
import { leavesNoProcess, type Running } from '../support/process.ts'
import { useRedis } from '../support/redis.ts'
import { eventually } from '../support/wait.ts'
import { closeAfterEach, IdleWorker, newStore } from './idle-worker.ts'
import { push, startWorker, untilState, useEvidence, useStore } from './support.ts'

const server = useRedis()
const evidence = useEvidence()
const to = useStore(server)
leavesNoProcess({ withinMs: 20_000 })
closeAfterEach()

const reuse = ['--jobs-per-child', '100']

/** Jobs with these first arguments, in this order. */
async function pushAll(jobs: readonly (readonly [className: string, ...args: unknown[]])[]): Promise<string[]> {
  const ids: string[] = []
  for (const [className, ...args] of jobs) ids.push(await push(to.store, className, args))
  return ids
}

const many = (count: number, tag: string): [string, string][] =>
  Array.from({ length: count }, (_, n) => ['Records', `${tag}${n}`])

/** Whether a job was given back before it began: it was taken once, and no attempt is counted. */
async function wasGivenBack(id: string): Promise<boolean> {
  const { state, delivery, attempt } = { ...(await to.store.jobs.find(id)) }
  return state === 'waiting' && delivery === '1' && attempt === '0'
}

/** A fetcher with one slot that is not free, and jobs that it holds. */
async function holding(
  heldMs: number,
  ranMs = 0.1,
): Promise<{ fetcher: Fetcher; held: HeldJobs; ids: string[]; supervisor: string }> {
  const store = newStore(server)
  const id = newId()
  const worker = `vm:${id}:q`
  const common = { store, clock: systemClock, log: silentLogger, supervisorId: () => id }
  const held = new HeldJobs({ ...common, workers: [worker], recordTtlMs: 60_000, heldMs })
  const fetcher = new Fetcher({
    ...common,
    ...{ queues: ['q'], slots: 1, weights: {}, pollMs: 60_000, held },
    onFenced: () => assert.fail('fenced'),
    onEmpty: () => undefined,
  })
  await store.supervisors.register(id, [worker], {}, 60_000)
  await fetcher.start()
  for (let job = 0; job < 16; job += 1) held.measure(ranMs)
  const ids = await pushAll(many(20, 'held'))
  for (const expected of ids.slice(0, 2)) assert.equal((await fetcher.next(worker))?.id, expected)
  await eventually(() => held.ids.length > 0 || ranMs > 20)
  return { fetcher, held, ids: ids.slice(2), supervisor: id }
}

describe('jobs that are held', () => {
  it('go back to the head of their queue, in their order, when no slot is free soon; another worker runs them', async () => {
    const { fetcher, held, ids } = await holding(50)
    assert.deepEqual(held.ids, ids.slice(0, held.ids.length))
    await eventually(() => held.ids.length === 0)
    await held.close()
    const other = await new IdleWorker(server, ['q']).start()
    await eventually(() => other.taken.length === ids.length)
    assert.deepEqual(
      other.taken.map(({ id, attempt }) => [id, attempt]),
      ids.map((id) => [id, 1]),
    )
    fetcher.stop()
    await fetcher.close()
  })

  for (const what of ['pause', 'stop'] as const)
    it(`go back at once: ${what}`, async () => {
      const { fetcher, held, ids } = await holding(60_000)
      fetcher[what]()
      assert.deepEqual(held.ids, [])
      await held.close()
      assert.equal((await to.store.queues.sizes()).get('q'), ids.length)
      assert.ok(await wasGivenBack(ids[0] ?? ''))
      fetcher.stop()
      await fetcher.close()
    })

  it('go back when their supervisor ends, though nothing stopped before', async () => {
    const { fetcher, held, ids } = await holding(60_000)
    await held.close()
    assert.equal((await to.store.queues.sizes()).get('q'), ids.length)
    fetcher.stop()
    await fetcher.close()
  })

  it('are asked for when at least half of them are missing', async () => {
    const { fetcher, held } = await holding(60_000)
    const job = held.take() ?? assert.fail()
    held.drop()
    const missing = (count: number): number => {
      for (let n = 0; n < count; n += 1) held.add(job, '')
      return held.wanted().length
    }
    assert.deepEqual([missing(0), missing(4), missing(1), missing(3)], [8, 4, 0, 0])
    held.drop()
    fetcher.stop()
    await fetcher.close()
  })

  it('go back when their worker was killed, and cost no attempt', async () => {
    const { fetcher, held, ids, supervisor } = await holding(60_000)
    held.drop()
    const redis = server.client()
    await redis.zadd('resque:rt:supervisors', 1, supervisor)
    redis.disconnect()
    const limits = { maxRedeliveries: 3, failedMax: 10, ttlMs: 60_000 }
    const { back } = await to.store.supervisors.reclaim(supervisor, limits, Date.now())
    assert.ok(back.length > 2 && back.includes(ids[0] ?? ''))
    assert.ok(await wasGivenBack(ids[0] ?? ''))
    fetcher.stop()
    await fetcher.close()
  })

  it('go back beside a job that went down with its worker before: it is taken with no more jobs than run', async () => {
    const { fetcher, held, ids } = await holding(60_000)
    const suspect = ids[held.ids.length] ?? ''
    const redis = server.client()
    await redis.hset(to.store.connection.keys.job(suspect), { delivery: '1', redeliveries: '1' })
    const taken = held.ids.slice(0, 5)
    for (const expected of taken) assert.equal((await fetcher.next('vm'))?.id, expected)
    await eventually(() => held.ids.length === 0)
    await held.close()
    const left = ids.slice(taken.length)
    assert.equal((await to.store.queues.sizes()).get('q'), left.length)
    for (const expected of left) assert.equal((await fetcher.next('vm'))?.id, expected)
    assert.deepEqual(held.ids, [])
    redis.disconnect()
    fetcher.stop()
    await fetcher.close()
  })

  it('are none where jobs run for long', async () => {
    const { fetcher, held, ids } = await holding(60_000, 21)
    assert.deepEqual(held.ids, [])
    assert.equal((await to.store.queues.sizes()).get('q'), ids.length)
    fetcher.stop()
    await fetcher.close()
  })
})

for (const isolation of ['fork', 'inline'] as const)
  describe(`a worker that holds jobs, ${isolation}`, () => {
    const start = (): Promise<Running> =>
      startWorker(server, evidence, isolation === 'fork' ? { args: reuse } : { isolation })
    /** Short jobs, so that it takes more ahead; then one that runs for long; then some that it holds. @returns ids of the latter */
    async function long(className: string, ...args: unknown[]): Promise<[string, ...string[]]> {
      await pushAll(many(40, 'before'))
      const [id = '', ...after] = await pushAll([[className, ...args], ...many(10, 'after')])
      await eventually(() => evidence.lines('begin', String(args[0])).length > 0, { timeoutMs: 30_000 })
      return [id, ...after]
    }

    // On a machine that is too busy for short jobs it holds none: the tests above do not depend on that.
    it('that is killed loses and doubles none of them, and they cost no attempt', async (t) => {
      const worker = await start()
      const [, ...after] = await long('Waits', 'stays')
      await worker.stop('SIGKILL')
      const deliveries = await Promise.all(after.map(async (id) => (await to.store.jobs.find(id))?.delivery))
      t.diagnostic(`taken ahead: ${deliveries.filter((delivery) => delivery === '1').length}`)
      const next = await startWorker(server, evidence, { isolation: 'inline', concurrency: 2 })
      for (const id of after) assert.equal((await untilState(to.store, id, 'done')).attempt, '1')
      for (let n = 0; n < after.length; n += 1) assert.equal(evidence.lines('begin', `after${n}`).length, 1)
      await next.stop('SIGKILL')
    })

    it('gives them back when it leaves, and their time begins when they begin', async () => {
      const worker = await start()
      if (isolation === 'fork') {
        const [timed] = await long('Loops', 'loops')
        const record = await untilState(to.store, timed, 'failed')
        const { wallMs } = JSON.parse(record.evidence ?? '{}') as { wallMs: number }
        assert.ok(wallMs >= 299, `${wallMs}`)
      }
      const [, ...after] = await long('Records', 'leaves', 300)
      assert.equal((await worker.stop('SIGQUIT')).exitCode, 0)
      for (const id of after) assert.equal((await to.store.jobs.find(id))?.state, 'waiting')
      assert.deepEqual(await to.store.workers.list(), [])
    })
  })

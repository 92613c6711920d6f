// Flow control across workers: concurrency, rates, unique locks, paused queues, weights.
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { describe, it } from 'node:test'
import { leavesNoProcess } from '../support/process.ts'
import { useRedis } from '../support/redis.ts'
import { eventually } from '../support/wait.ts'
import { push, startWorker, untilState, useEvidence, useStore } from './support.ts'

const server = useRedis()
const evidence = useEvidence()
const to = useStore(server)
leavesNoProcess({ withinMs: 20_000 })

/** The most jobs of one key that were between begin and end at once. */
function mostAtOnce(prefix: string): number {
  let [now, most] = [0, 0]
  for (const [word, tag] of evidence.lines()) {
    if (!tag?.startsWith(prefix)) continue
    now += word === 'begin' ? 1 : -1
    most = Math.max(most, now)
  }
  return most
}

describe('concurrency', () => {
  it('holds for all workers together, and jobs keep their turn', async () => {
    const workers = [
      await startWorker(server, evidence, { isolation: 'inline', concurrency: 3 }),
      await startWorker(server, evidence, { isolation: 'inline', concurrency: 3 }),
    ]
    const ids = []
    for (let i = 0; i < 12; i += 1) ids.push(await push(to.store, 'OneAtATime', [`one-${i}`, 30]))
    for (const id of ids) await untilState(to.store, id, 'done')
    assert.equal(mostAtOnce('one-'), 1)
    const order = evidence.lines('begin').map((words) => Number(words[1]?.split('-')[1]))
    // The six that were taken at once ask for the permit in any order; whoever comes after them finds a line.
    const later = order.filter((number) => number >= 6)
    assert.deepEqual([later, order.slice(6)], [[6, 7, 8, 9, 10, 11], later], 'first come, first served')
    for (const id of ids) assert.equal((await to.store.jobs.find(id))?.attempt, '1', 'waiting is no attempt')
    assert.deepEqual(await server.client().keys('resque:rt:held:*'), [])
    assert.deepEqual(await server.client().keys('resque:rt:limit:*'), [])
    for (const worker of workers) await worker.stop('SIGQUIT')
  })

  it('that Redis cannot tell fails the job that asks, and its slot goes on', async () => {
    const redis = server.client()
    for (const key of ['OneAtATime', 'TwoByKey:a']) await redis.set(`resque:rt:held:${key}`, 'no line')
    const worker = await startWorker(server, evidence, { isolation: 'inline' })
    const ids = [await push(to.store, 'OneAtATime', ['one']), await push(to.store, 'TwoByKey', ['a-1'])]
    for (const id of ids) {
      const { cause, error } = await untilState(to.store, id, 'failed')
      assert.equal(cause, 'exception')
      assert.match(error ?? '', /WRONGTYPE.*docs\/redis-keys\.md/)
    }
    await untilState(to.store, await push(to.store, 'Records', ['next']), 'done')
    assert.deepEqual(await redis.keys('resque:rt:inflight:*'), [])
    await worker.stop('SIGQUIT')
  })

  it('is counted by key where the class says how, in processes of their own', async () => {
    const worker = await startWorker(server, evidence, { concurrency: 4 })
    const ids = []
    for (let i = 0; i < 5; i += 1) {
      ids.push(await push(to.store, 'TwoByKey', [`a-${i}`, 100]), await push(to.store, 'TwoByKey', [`b-${i}`, 100]))
    }
    for (const id of ids) await untilState(to.store, id, 'done')
    assert.ok(mostAtOnce('a-') <= 2 && mostAtOnce('b-') <= 2)
    await worker.stop('SIGQUIT')
  })

  it('lets a worker take other jobs while one waits for its turn, without a busy loop', async () => {
    const worker = await startWorker(server, evidence, { isolation: 'inline', concurrency: 2 })
    const holder = await push(to.store, 'Waits', ['holder'], { concurrency: { limit: 1, by: () => 'k' } })
    await eventually(() => evidence.lines('begin', 'holder').length === 1)
    const key = 'Waits:k'
    const held = await push(to.store, 'Waits', ['held'], { concurrency: { limit: 1, by: () => 'k' } })
    await untilState(to.store, held, 'held')
    await untilState(to.store, await push(to.store, 'Records', ['other']), 'done')
    assert.equal(await to.store.limits.place(key, held), 1)
    const redis = server.client()
    const commands = async (): Promise<number> =>
      Number(/total_commands_processed:(\d+)/.exec(await redis.info('stats'))?.[1])
    const before = await commands()
    await eventually(async () => (await to.store.supervisors.list()).length === 1)
    const waitedFrom = performance.now()
    await eventually(() => performance.now() - waitedFrom > 1000, { intervalMs: 100 })
    const rate = (await commands()) - before
    assert.ok(rate < 400, `${rate} commands in a second that only waits`)
    assert.ok(await to.client.job(held).cancel())
    assert.equal((await to.client.job(held).status()).state, 'cancelled')
    assert.equal(await to.store.limits.place(key, held), undefined)
    await to.client.job(holder).cancel()
    await worker.stop('SIGTERM')
  })

  it('frees the slot of a dead worker, and that of a job whose item is gone', async () => {
    const first = await startWorker(server, evidence, { isolation: 'inline' })
    const waits = await push(to.store, 'Waits', ['dead'], { concurrency: { limit: 1, by: () => 'x' } })
    await eventually(() => evidence.lines('begin', 'dead').length === 1)
    first.kill('SIGKILL')
    const second = await startWorker(server, evidence, { isolation: 'inline', concurrency: 2 })
    await eventually(() => evidence.lines('begin', 'dead').length === 2, { timeoutMs: 30_000 })
    await to.client.job(waits).cancel()
    await untilState(to.store, waits, 'cancelled')
    assert.deepEqual(await server.client().zrange('resque:rt:limit:Waits:x', '0', '-1'), [])
    // A slot held by a job whose item is gone (Ruby took it): found by the supervisors, without another acquire.
    const redis = server.client()
    await redis.zadd('resque:rt:limit:Records:k', '1', 'gone')
    const id = await push(to.store, 'Records', ['after'], { concurrency: { limit: 1, by: () => 'k' } })
    await untilState(to.store, id, 'done')
    await second.stop('SIGQUIT')
  })
})

describe('rate limits', () => {
  it('never start more within any window, in order, and lose no time', async (t) => {
    const worker = await startWorker(server, evidence, { isolation: 'inline', concurrency: 4 })
    // ioredis's own monitor() takes lines that come with Redis's OK for replies.
    const monitor = connect(server.url.replace('unix://', ''))
    t.after(() => monitor.destroy())
    monitor.setEncoding('latin1').write('MONITOR\r\n')
    let seen = ''
    monitor.on('data', (text: string) => (seen += text))
    await eventually(() => seen.startsWith('+OK'))
    const ids: string[] = []
    for (let i = 0; i < 10; i += 1) ids.push(await push(to.store, 'ThreePerSecond', [`r-${i}`]))
    for (const id of ids) await untilState(to.store, id, 'done')
    const starts = evidence
      .lines('begin')
      .map((words) => ({ n: Number(words[1]?.split('-')[1]), at: Number(words[2]) }))
    // What a limit bounds is the time at which Redis grants a start; on a busy machine a job notes itself any time later.
    const granted = /"ZADD" "resque:rt:rate:ThreePerSecond" "(\d+)" "([^":]+):\d+"/gi
    await eventually(() => [...seen.matchAll(granted)].length === 10)
    const grants = [...seen.matchAll(granted)].map(([, at]) => Number(at))
    // Starts are granted in order; those of one window in whatever order the slots get to run.
    assert.deepEqual(
      [...seen.matchAll(granted)].map(([, , id = '']) => Math.floor(ids.indexOf(id) / 3)),
      ids.map((_, i) => Math.floor(i / 3)),
    )
    assert.deepEqual(starts.map(({ n }) => n).sort(), [...ids.keys()], 'each ran once')
    for (let i = 3; i < grants.length; i += 1) {
      const gap = (grants[i] ?? 0) - (grants[i - 3] ?? 0)
      assert.ok(gap >= 1000, `starts ${i - 3} and ${i} were granted within ${gap} ms`)
    }
    const tookMs = (starts.at(-1)?.at ?? 0) - (starts[0]?.at ?? 0)
    assert.ok(tookMs < 60_000, `ten jobs at three a second took ${tookMs} ms`)
    await worker.stop('SIGQUIT')
  })

  it('are counted by key, in processes of their own', async () => {
    const worker = await startWorker(server, evidence, { concurrency: 3 })
    const ids = []
    for (const tag of ['a-1', 'b-1', 'a-2', 'b-2']) ids.push(await push(to.store, 'RateByKey', [tag]))
    for (const id of ids) await untilState(to.store, id, 'done')
    for (const key of ['a', 'b']) {
      const [first = 0, second = 0] = evidence
        .lines('begin')
        .filter((words) => words[1]?.startsWith(key))
        .map((words) => Number(words[2]))
      assert.ok(second - first > 250, `${key}: ${second - first} ms apart`)
    }
    await worker.stop('SIGQUIT')
  })
})

describe('unique', () => {
  const lock = 'resque:rt:unique:u'

  it('refuses a second job until the first has ended, and then lets go', async () => {
    const first = await push(to.store, 'Records', ['u', 200], { uniqueKey: 'u' })
    assert.equal(await push(to.store, 'Records', ['u', 200], { uniqueKey: 'u' }), first)
    const worker = await startWorker(server, evidence, { isolation: 'inline' })
    await untilState(to.store, first, 'done')
    assert.equal(await server.client().get(lock), null)
    assert.notEqual(await push(to.store, 'Records', ['u'], { uniqueKey: 'u' }), first)
    await worker.stop('SIGQUIT')
  })

  it('is let go by cancelling, discarding and burial, and never outlives the record of its job', async () => {
    const cancelled = await push(to.store, 'Records', ['c'], { uniqueKey: 'u' })
    assert.ok((await server.client().pttl(lock)) <= 86_400_000)
    await to.client.job(cancelled).cancel()
    assert.equal(await server.client().get(lock), null)
    const env = { RUNTIME_WORKER_MAX_REDELIVERIES: '0' }
    const worker = await startWorker(server, evidence, { env, isolation: 'inline' })
    const discarded = await push(to.store, 'Verbs', ['d', 'discard'], { uniqueKey: 'u' })
    await untilState(to.store, discarded, 'discarded')
    assert.equal(await server.client().get(lock), null)
    const failed = await push(to.store, 'Waits', ['b'], { uniqueKey: 'u' })
    await eventually(() => evidence.lines('begin', 'b').length === 1)
    worker.kill('SIGKILL')
    const second = await startWorker(server, evidence, { env, isolation: 'inline' })
    await untilState(to.store, failed, 'failed')
    assert.equal(await server.client().get(lock), null)
    await second.stop('SIGQUIT')
  })
})

describe('pausing', () => {
  it('holds back one queue, or all', async () => {
    await to.store.queues.setPaused('q', true)
    const worker = await startWorker(server, evidence, { queues: 'q,r', isolation: 'inline' })
    const paused = await push(to.store, 'Records', ['p'])
    await untilState(to.store, await push(to.store, 'Records', ['r'], { queue: 'r' }), 'done')
    assert.equal((await to.store.jobs.find(paused))?.state, 'waiting')
    await to.store.queues.setPaused('q', false)
    await untilState(to.store, paused, 'done')
    const redis = server.client()
    // Resque trims and lowers it; 1 does not pause.
    await redis.set('resque:pause-all-workers', ' TRUE ')
    const all = await push(to.store, 'Records', ['all'])
    const from = performance.now()
    await eventually(() => performance.now() - from > 500, { intervalMs: 100 })
    assert.equal((await to.store.jobs.find(all))?.state, 'waiting')
    await redis.set('resque:pause-all-workers', '1')
    await untilState(to.store, all, 'done')
    await worker.stop('SIGQUIT')
  })
})

describe('priorities', () => {
  const orderWith = async (args: string[], queues: string): Promise<string[]> => {
    for (let i = 0; i < 40; i += 1)
      for (const queue of ['low', 'high']) await push(to.store, 'quick', [queue], { queue })
    const worker = await startWorker(server, evidence, { queues, isolation: 'inline', args })
    await eventually(() => evidence.lines('begin').length === 80, { timeoutMs: 60_000 })
    await worker.stop('SIGQUIT')
    return evidence.lines('begin').map((words) => words[1] ?? '')
  }

  it('are the order of the queues', async () => {
    const order = await orderWith([], 'high,low')
    assert.deepEqual([...new Set(order.slice(0, 40))], ['high'])
  })

  it('are drawn by weight where weights are given: nothing starves', async () => {
    const order = await orderWith(['--weights', 'high=4,low=1'], 'high,low')
    const high = order.slice(0, 30).filter((queue) => queue === 'high').length
    assert.ok(high >= 15 && high < 30, `${high} of the first 30 were high`)
  })
})

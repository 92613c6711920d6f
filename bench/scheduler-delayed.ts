// Delayed jobs, ours and BullMQ's: what they weigh, how fast they move, how late they are.
import { setTimeout as sleep } from 'node:timers/promises'
import { Queue, Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import { eventually } from '../test/support/wait.ts'
import {
  addBull,
  addOurs,
  bullJob,
  connection,
  due,
  job,
  longMs,
  note,
  onceEach,
  rate,
  redis,
  seconds,
  server,
  startScheduler,
  store,
  ttlMs,
  usedMemory,
  waiting,
} from './scheduler-kit.ts'
import { quantile } from './support.ts'

/** Many wait: memory per job, and what one more costs. */
export async function measureWaiting(): Promise<void> {
  const cases: [what: string, add: (count: number) => Promise<unknown>, one: (i: number) => Promise<unknown>][] = [
    [
      "ours, in Resque's buckets (one hour)",
      (n) => addOurs(n, (i) => Date.now() + longMs + ((i * 7919) % 3_600_000)),
      (i) => store.delayed.add([job(i, Date.now() + longMs)], Date.now(), ttlMs),
    ],
    [
      'ours, in the millisecond set',
      (n) => addOurs(n, (i) => Date.now() + 40_000 + (i % 19_000)),
      (i) => store.delayed.add([job(i, Date.now() + 50_000)], Date.now(), ttlMs),
    ],
  ]
  const queue = new Queue('bench', { connection })
  await queue.waitUntilReady()
  cases.push([
    'BullMQ',
    (n) => addBull(queue, n, (i) => longMs + ((i * 7919) % 3_600_000)),
    (i) => queue.addBulk([bullJob(i, longMs)]),
  ])
  for (const [what, add, one] of cases) {
    await redis.flushall()
    const before = await usedMemory()
    const started = performance.now()
    await add(waiting)
    note('waiting', `${what}: jobs delayed per second, in bulk`, waiting / ((performance.now() - started) / 1000), '/s')
    note('waiting', `${what}: memory per job of ${waiting}`, ((await usedMemory()) - before) / waiting, 'bytes')
    note('waiting', `${what}: one more enqueueIn`, await onceEach(1000, one), 'µs')
  }
  await queue.close()
  await redis.flushall()
}

/** The longest script call of what ran since the log was reset. */
async function longestCall(): Promise<{ ms: number; over: number }> {
  const log = (await redis.slowlog('GET', 10_000)) as [number, number, number, string[]][]
  const calls = log.filter(([, , , args]) => args[0]?.toLowerCase() === 'evalsha').map(([, , us]) => us / 1000)
  return { ms: Math.max(0, ...calls), over: calls.filter((ms) => ms > 5).length }
}
async function watchCalls(): Promise<void> {
  await redis.config('SET', 'slowlog-log-slower-than', '1000')
  await redis.config('SET', 'slowlog-max-len', '10000')
  await redis.slowlog('RESET')
}

/** Many are due at once: how fast are they moved, and does a script call stop Redis? */
export async function measureDue(): Promise<void> {
  const sets: [what: string, prepare: () => Promise<unknown>, left: () => Promise<number>][] = [
    ['ours, millisecond set', () => addOurs(due, () => Date.now() + 58_000), () => redis.zcard('resque:rt:delayed')],
    [
      "ours, Resque's buckets",
      () => addOurs(due, () => Date.now() + 61_000),
      () => redis.zcard('resque:delayed_queue_schedule'),
    ],
  ]
  for (const [what, prepare, left] of sets) {
    await redis.flushall()
    await prepare()
    await watchCalls()
    const started = performance.now()
    // All is due by its clock, which is two minutes ahead.
    const clock = {
      now: () => Date.now() + 120_000,
      sleep: (ms: number, signal?: AbortSignal) => sleep(ms, undefined, { signal }).catch(() => undefined),
    }
    const scheduler = await startScheduler('', { clock })
    await eventually(async () => (await left()) === 0, { timeoutMs: 120_000 })
    note('due', `${what}: ${due} due at once, moved per second`, due / ((performance.now() - started) / 1000), '/s')
    const { ms, over } = await longestCall()
    note('due', `${what}: longest script call (${over} over 5 ms)`, ms, 'ms')
    await scheduler.stop()
  }
  await redis.flushall()
  const queue = new Queue('due', { connection })
  await addBull(queue, due, () => 1)
  await sleep(50)
  await watchCalls()
  const started = performance.now()
  const worker = new Worker('due', () => Promise.resolve(), { connection, concurrency: 1 })
  await eventually(async () => (await queue.getDelayedCount()) === 0, { timeoutMs: 120_000 })
  note(
    'due',
    `BullMQ: ${due} due at once, moved per second (with a worker)`,
    due / ((performance.now() - started) / 1000),
    '/s',
  )
  const { ms, over } = await longestCall()
  note('due', `BullMQ: longest script call (${over} over 5 ms)`, ms, 'ms')
  await worker.close(true)
  await queue.close()
}

/** A steady stream of short delays: how long after it is due is a job there to be taken? */
export async function measureLate(): Promise<void> {
  const stream = async (add: (dueMs: number) => Promise<unknown>): Promise<void> => {
    const started = performance.now()
    for (let i = 0; i < rate * seconds; i += 1) {
      const waitMs = started + (i * 1000) / rate - performance.now()
      if (waitMs > 1) await sleep(waitMs)
      void add(Date.now() + 50 + ((i * 7919) % 2000))
    }
  }
  const tell = (what: string, late: number[]): void => {
    note('late', `${what}: p50 of ${late.length} at ${rate}/s`, quantile(late, 0.5), 'ms')
    note('late', `${what}: p99`, quantile(late, 0.99), 'ms')
    note('late', `${what}: earliest`, Math.min(...late), 'ms')
  }
  const total = rate * seconds
  await redis.flushall()
  const scheduler = await startScheduler()
  const taker: Redis = server.client()
  const late: number[] = []
  const taking = (async () => {
    while (late.length < total) {
      const first = await taker.blpop('resque:queue:q', 10)
      // Whatever else is there was queued by now: one taker must not be what is measured.
      const more = first ? ((await taker.lpop('resque:queue:q', 1000)) ?? []) : []
      const now = Date.now()
      for (const item of first ? [first[1], ...more] : [])
        late.push(now - Number((JSON.parse(item) as { args: number[] }).args[0]))
    }
  })()
  await stream((dueMs) => store.delayed.add([job(dueMs, dueMs)], Date.now(), ttlMs))
  await taking
  tell('ours: queued minus due', late)
  await scheduler.stop()
  await redis.flushall()
  const queue = new Queue('late', { connection })
  const bullLate: number[] = []
  const worker = new Worker('late', async (each: { data: number }) => void bullLate.push(Date.now() - each.data), {
    connection,
    concurrency: 8,
  })
  await worker.waitUntilReady()
  await stream((dueMs) => queue.add('late', dueMs, { delay: dueMs - Date.now(), removeOnComplete: true }))
  await eventually(() => bullLate.length >= total, { timeoutMs: 60_000 })
  tell('BullMQ: started minus due', bullLate)
  await worker.close()
  await queue.close()
}

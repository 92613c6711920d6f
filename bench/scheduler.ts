// Delayed jobs and recurring entries; BullMQ's delayed jobs on the same Redis in the same run.
//   node --conditions=source --import tsx bench/scheduler.ts [--waiting 100000] [--due 20000] [--rate 500] [--seconds 8]
//        [--entries 10000] [--parts waiting,due,late,cron,idle] [--json FILE]
// The figures of docs/scheduler.md: --waiting 1000000 --due 100000 --seconds 30.
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Queue, Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import { newId } from '../runtime/core/ids.ts'
import type { NewDelayedJob } from '../runtime/store/delayed-forms.ts'
import { Cron } from '../scheduler/cron.ts'
import type { Scheduler } from '../scheduler/scheduler.ts'
import { startRedis } from '../test/support/redis.ts'
import { testStore } from '../test/support/store.ts'
import { eventually } from '../test/support/wait.ts'
import { testScheduler } from '../test/scheduler/support.ts'
import { quantile } from './support.ts'

const { values } = parseArgs({
  options: {
    waiting: { type: 'string', default: '100000' },
    due: { type: 'string', default: '20000' },
    rate: { type: 'string', default: '500' },
    seconds: { type: 'string', default: '8' },
    entries: { type: 'string', default: '10000' },
    parts: { type: 'string', default: 'waiting,due,late,cron,idle' },
    json: { type: 'string' },
  },
})
const [waiting, due, rate, seconds, entries] = [
  values.waiting,
  values.due,
  values.rate,
  values.seconds,
  values.entries,
].map(Number) as [number, number, number, number, number]
const ttlMs = 86_400_000
const longMs = 30_000 + 86_400_000

const server = await startRedis()
const connection = { path: server.url.replace('unix://', ''), maxRetriesPerRequest: null }
const store = testStore(server)
const redis = server.client()
const measured: { part: string; what: string; figure: string; value: number }[] = []
const round = (value: number): number => Number(value.toPrecision(4))
function note(part: string, what: string, value: number, unit: string): void {
  measured.push({ part, what, figure: `${round(value)} ${unit}`, value })
  console.log(`${part.padEnd(8)} ${what.padEnd(58)} ${round(value)} ${unit}`)
}

const job = (i: number, dueMs: number): NewDelayedJob => ({
  id: newId(),
  className: 'ReminderJob',
  item: `{"class":"ReminderJob","args":[${i},"user-${i}"]}`,
  queue: 'q',
  dueMs,
})
const bullJob = (i: number, delay: number) => ({
  name: 'ReminderJob',
  data: [i, `user-${i}`],
  opts: { delay, removeOnComplete: true },
})
const usedMemory = async (): Promise<number> => Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1])
async function startScheduler(yaml = '', more: Parameters<typeof testScheduler>[2] = {}): Promise<Scheduler> {
  const scheduler = testScheduler(store, yaml, { turnMs: undefined, ...more })
  await scheduler.start()
  await eventually(() => scheduler.leads)
  return scheduler
}
async function addOurs(count: number, dueOf: (i: number) => number): Promise<void> {
  for (let at = 0; at < count; at += 5000) {
    const now = Date.now()
    await store.delayed.add(
      Array.from({ length: Math.min(5000, count - at) }, (_, i) => job(at + i, dueOf(at + i))),
      now,
      ttlMs,
    )
  }
}
async function addBull(queue: Queue, count: number, delayOf: (i: number) => number): Promise<void> {
  for (let at = 0; at < count; at += 2000) {
    await queue.addBulk(Array.from({ length: Math.min(2000, count - at) }, (_, i) => bullJob(at + i, delayOf(at + i))))
  }
}
async function onceEach(count: number, add: (i: number) => Promise<unknown>): Promise<number> {
  const started = performance.now()
  for (let i = 0; i < count; i += 1) await add(i)
  return ((performance.now() - started) / count) * 1000
}

/** Many wait: memory per job, and what one more costs. */
async function measureWaiting(): Promise<void> {
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
async function measureDue(): Promise<void> {
  const sets: [what: string, prepare: () => Promise<unknown>, left: () => Promise<number>][] = [
    ['ours, millisecond set', () => addOurs(due, () => Date.now() + 59_000), () => redis.zcard('resque:rt:delayed')],
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
async function measureLate(): Promise<void> {
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
      const item = await taker.blpop('resque:queue:q', 10)
      if (item) late.push(Date.now() - Number((JSON.parse(item[1]) as { args: number[] }).args[0]))
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

/** Thousands of cron entries: time to boot, and what they cost while nothing fires. */
async function measureCron(): Promise<void> {
  const lineOf = (i: number): string => `${i % 60} ${i % 24} ${1 + (i % 28)} * *`
  const yaml = Array.from(
    { length: entries },
    (_, i) => `entry_${i}:\n  cron: '${lineOf(i)} Europe/Berlin'\n  class: A\n  queue: q\n`,
  ).join('')
  await redis.flushall()
  for (const boot of ['first boot', 'later boot']) {
    const started = performance.now()
    const scheduler = await startScheduler(yaml)
    await eventually(
      () => scheduler.entries.length === entries && scheduler.entries.every(({ nextMs }) => nextMs !== undefined),
      { timeoutMs: 60_000 },
    )
    note('cron', `${boot} of ${entries} entries, file and all`, performance.now() - started, 'ms')
    await sleep(1000)
    const cpu = process.cpuUsage()
    await sleep(5000)
    const { user, system } = process.cpuUsage(cpu)
    if (boot === 'later boot') note('cron', 'processor while idle', (user + system) / 50_000, '%')
    await scheduler.stop()
  }
  const require = createRequire(createRequire(import.meta.url).resolve('node-schedule'))
  const { parseExpression } = require('cron-parser') as {
    parseExpression: (text: string, options: object) => { next(): unknown }
  }
  const perLine = (compute: (line: string) => unknown): number => {
    const started = performance.now()
    for (let i = 0; i < 500; i += 1) compute(lineOf(i))
    return ((performance.now() - started) / 500) * 1000
  }
  note(
    'cron',
    'ours: read a line and find its next time',
    perLine((line) => Cron.parse(line, 'Europe/Berlin').next(Date.now())),
    'µs',
  )
  note(
    'cron',
    "node-schedule's own cron-parser: the same",
    perLine((line) => parseExpression(line, { tz: 'Europe/Berlin' }).next()),
    'µs',
  )
}

/** What an idle scheduler asks of Redis. */
async function measureIdle(): Promise<void> {
  await redis.flushall()
  const scheduler = await startScheduler('far:\n  cron: 0 0 1 1 *\n  class: A\n  queue: q\n')
  await sleep(1000)
  const monitor = await redis.monitor()
  let sent = 0
  monitor.on('monitor', (_time: string, _args: string[], source: string) => (sent += source === 'lua' ? 0 : 1))
  await sleep(10_000)
  monitor.disconnect()
  note('idle', 'commands sent to Redis', sent / 10, '/s')
  await scheduler.stop()
}

const parts: Record<string, () => Promise<void>> = {
  waiting: measureWaiting,
  due: measureDue,
  late: measureLate,
  cron: measureCron,
  idle: measureIdle,
}
for (const part of values.parts.split(',')) await parts[part]?.()
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(measured, null, 1)}\n`)
store.close()
await server.stop()
process.exit(0)

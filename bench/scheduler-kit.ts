// What the parts of bench/scheduler.ts share: the command line, a Redis, and ways to delay many jobs.
import { parseArgs } from 'node:util'
import type { Queue } from 'bullmq'
import { newId } from '../runtime/core/ids.ts'
import type { NewDelayedJob } from '../runtime/store/queues/delayed-pages.ts'
import type { Scheduler } from '../scheduler/scheduler.ts'
import { startRedis } from '../test/support/redis.ts'
import { testStore } from '../test/support/store.ts'
import { eventually } from '../test/support/wait.ts'
import { testScheduler } from '../test/scheduler/support.ts'

export const { values } = parseArgs({
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
export const [waiting, due, rate, seconds, entries] = [
  values.waiting,
  values.due,
  values.rate,
  values.seconds,
  values.entries,
].map(Number) as [number, number, number, number, number]
export const ttlMs = 86_400_000
export const longMs = 30_000 + 86_400_000

export const server = await startRedis()
export const connection = { path: server.url.replace('unix://', ''), maxRetriesPerRequest: null }
export const store = testStore(server)
export const redis = server.client()
export const measured: { part: string; what: string; figure: string; value: number }[] = []
const round = (value: number): number => Number(value.toPrecision(4))
export function note(part: string, what: string, value: number, unit: string): void {
  measured.push({ part, what, figure: `${round(value)} ${unit}`, value })
  console.log(`${part.padEnd(8)} ${what.padEnd(58)} ${round(value)} ${unit}`)
}

export const job = (i: number, dueMs: number): NewDelayedJob => ({
  id: newId(),
  className: 'ReminderJob',
  item: `{"class":"ReminderJob","args":[${i},"user-${i}"]}`,
  queue: 'q',
  dueMs,
})
export const bullJob = (i: number, delay: number) => ({
  name: 'ReminderJob',
  data: [i, `user-${i}`],
  opts: { delay, removeOnComplete: true },
})
export const usedMemory = async (): Promise<number> => Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1])
export async function startScheduler(yaml = '', more: Parameters<typeof testScheduler>[2] = {}): Promise<Scheduler> {
  const scheduler = testScheduler(store, yaml, { renewMs: undefined, ...more })
  await scheduler.start()
  await eventually(() => scheduler.leads)
  return scheduler
}
export async function addOurs(count: number, dueOf: (i: number) => number): Promise<void> {
  for (let at = 0; at < count; at += 5000) {
    const now = Date.now()
    await store.delayed.add(
      Array.from({ length: Math.min(5000, count - at) }, (_, i) => job(at + i, dueOf(at + i))),
      now,
      ttlMs,
    )
  }
}
export async function addBull(queue: Queue, count: number, delayOf: (i: number) => number): Promise<void> {
  for (let at = 0; at < count; at += 2000) {
    await queue.addBulk(Array.from({ length: Math.min(2000, count - at) }, (_, i) => bullJob(at + i, delayOf(at + i))))
  }
}
export async function onceEach(count: number, add: (i: number) => Promise<unknown>): Promise<number> {
  const started = performance.now()
  for (let i = 0; i < count; i += 1) await add(i)
  return ((performance.now() - started) / count) * 1000
}

/**
 * Empty jobs in processes that run many of them, beside BullMQ's sandbox. Each worker is warm when its jobs come; rounds are interleaved.
 * Prints jobs a second, and the processor time that one job takes in the supervisor, in its other processes and in Redis, which depends less
 * on what else the machine does. Needs a build.
 *
 *   node --import tsx bench/reused.ts [--jobs 10000] [--rounds 3] [--slots 1,2]
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Queue } from 'bullmq'
import { parseArgs } from 'node:util'
import { end, until } from './contestants.ts'
import { redisCpuUs } from './redis-probes.ts'
import { item, median, push, runtime, startRedis } from './support.ts'

const { values } = parseArgs({
  options: {
    jobs: { type: 'string', default: '10000' },
    rounds: { type: 'string', default: '3' },
    slots: { type: 'string', default: '1,2' },
    only: { type: 'string' },
  },
})
const jobs = Number(values.jobs)
const warmUp = 1000
const redis = await startRedis()

/** What one job took. */
interface Cost {
  perSecond: number
  supervisorUs: number
  childrenUs: number
  redisUs: number
}

interface Contestant {
  start: (slots: number) => ChildProcess
  fill: (count: number) => Promise<void>
  ended: () => Promise<number>
}

const contestants: Record<string, Contestant> = {
  'this runtime, fork, 100 jobs a process': {
    start: (slots) =>
      runtime(
        ['work', '--queues', 'bench', '--concurrency', String(slots), '--isolation', 'fork', '--jobs-per-child', '100'],
        redis.url,
      ),
    fill: (count) => push(redis.client, 'bench', Array<string>(count).fill(item('Empty'))),
    ended: async () => Number((await redis.client.get('resque:stat:processed')) ?? 0),
  },
  "BullMQ's sandbox": {
    start: (slots) =>
      spawn(
        process.execPath,
        [fileURLToPath(new URL('./programs/bullmq-sandbox.mjs', import.meta.url)), redis.url, String(slots)],
        { stdio: ['ignore', 'pipe', 'pipe'] },
      ),
    async fill(count) {
      const queue = new Queue('bench', { connection: { url: redis.url } })
      const bulk = Array.from({ length: count }, () => ({ name: 'empty', data: {} }))
      for (let from = 0; from < count; from += 1000) await queue.addBulk(bulk.slice(from, from + 1000))
      await queue.close()
    },
    ended: () => redis.client.zcard('bull:bench:completed'),
  },
}

/** Of a process, and of all that have ended below it and were waited for, in µs. One that has ended now is counted by its parent. */
function cpuUs(pid: number): { own: number; ended: number } {
  const text = read(`/proc/${pid}/stat`)
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number)
  const ticks = (at: number): number => ((fields[at] ?? 0) + (fields[at + 1] ?? 0)) * 10_000
  return { own: ticks(11), ended: ticks(13) }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`)
  } catch {
    return []
  }
}

/** Of all processes below one. */
function belowUs(pid: number): number {
  const children = threadsOf(pid).flatMap((thread) =>
    read(`/proc/${pid}/task/${thread}/children`).trim().split(' ').filter(Boolean).map(Number),
  )
  return children.reduce((sum, child) => sum + cpuUs(child).own + cpuUs(child).ended + belowUs(child), 0)
}

async function round({ start, fill, ended }: Contestant, slots: number): Promise<Cost> {
  await redis.client.flushall()
  const worker = start(slots)
  const pid = worker.pid ?? 0
  try {
    await fill(warmUp + jobs)
    await until(async () => (await ended()) >= warmUp)
    const cpu = async (): Promise<[number, number, number, number, number]> => [
      performance.now(),
      await ended(),
      cpuUs(pid).own,
      belowUs(pid),
      await redisCpuUs(redis.client),
    ]
    const before = await cpu()
    await until(async () => (await ended()) >= warmUp + jobs - 100)
    const after = await cpu()
    const [ms, count, supervisor, children, server] = after.map(
      (value, at) => value - (before[at] ?? 0),
    ) as typeof after
    return {
      perSecond: count / (ms / 1000),
      supervisorUs: supervisor / count,
      childrenUs: children / count,
      redisUs: server / count,
    }
  } finally {
    await end(worker)
  }
}

for (const slots of values.slots.split(',').map(Number)) {
  const costs = new Map<string, Cost[]>()
  for (let n = 0; n < Number(values.rounds); n += 1)
    for (const [name, contestant] of Object.entries(contestants))
      if (values.only === undefined || name.includes(values.only))
        costs.set(name, [...(costs.get(name) ?? []), await round(contestant, slots)])
  console.log(`${slots} at a time, medians of ${values.rounds} rounds, node ${process.version}`)
  const us = (all: Cost[], of: keyof Cost): number => Math.round(median(all.map((cost) => cost[of])))
  console.table(
    [...costs].map(([worker, all]) => ({
      worker,
      'jobs a second': us(all, 'perSecond'),
      'supervisor, µs a job': us(all, 'supervisorUs'),
      'processes, µs a job': us(all, 'childrenUs'),
      'Redis, µs a job': us(all, 'redisUs'),
      'jobs a second, all rounds': all.map((cost) => Math.round(cost.perSecond)).join(' '),
    })),
  )
}
await redis.stop()

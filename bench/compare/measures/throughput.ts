// Jobs a second: a backlog is enqueued, then the worker is started, and its jobs are counted over a time that begins when it is warm.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Bench, Measure } from '../measure.ts'
import type { Mode, Peer } from '../peer.ts'
import { nowMs, Session } from '../session.ts'
import { mostAtATime } from './latency.ts'

/** More jobs than run in the time. */
function backlog(peer: Peer, mode: Mode, concurrency: number, ms: number): number {
  const most = { fresh: 1000, spawn: 40, reused: 5000, inline: peer.inlineRate * (concurrency === 1 ? 0.5 : 1) }
  return Math.ceil((most[mode] * ms) / 1000)
}

async function throughput({ servers, sizes }: Bench, peer: Peer, mode: Mode, concurrency: number): Promise<number> {
  const warmUpMs = peer.warmUpMs ?? sizes.warmUpMs
  const count = backlog(peer, mode, concurrency, sizes.warmUpMs + sizes.windowMs)
  return Session.use({ servers, peer }, async (session) => {
    await session.order(peer.can.bulk ? 'bulk' : 'one', { count })
    session.startWorker(mode, concurrency)
    const [first] = await session.waitFor(1)
    const from = (first?.atMs ?? 0) + warmUpMs
    const to = from + sizes.windowMs
    while (nowMs() < to && session.ends.count < count) await sleep(10)
    return rate(
      session.ends.read().map(({ atMs }) => atMs),
      from,
      to,
      count,
    )
  })
}

/** From the call that enqueues to the last job's end, on a warm worker. */
async function largePayloads({ servers, sizes }: Bench, peer: Peer): Promise<number> {
  const count = sizes.large
  return Session.use({ servers, peer }, async (session) => {
    await session.startWarmWorker('inline', mostAtATime(peer))
    const { startedMs } = await session.order(peer.can.bulk ? 'bulk' : 'one', { count, bytes: 100_000 })
    const times = (await session.waitFor(1 + count, 1)).map(({ atMs }) => atMs)
    return (count * 1000) / (Math.max(...times) - startedMs)
  })
}

/** Jobs a second between two times; if there were too few jobs for that, from the end of the first third of them to their end. */
function rate(times: readonly number[], from: number, to: number, all: number): number {
  if (times.length < all) return (times.filter((time) => time > from && time <= to).length * 1000) / (to - from)
  const sorted = times.toSorted((a, b) => a - b)
  const skipped = Math.ceil(all / 3)
  return ((all - skipped) * 1000) / ((sorted.at(-1) ?? NaN) - (sorted[skipped - 1] ?? NaN))
}

const rowTitles: [mode: Mode, concurrency: number, title: string][] = [
  ['fresh', 1, 'a forked process for each job, one at a time'],
  ['fresh', 2, 'a forked process for each job, two at a time'],
  ['spawn', 2, 'a started process for each job, two at a time'],
  ['reused', 2, 'processes that run many jobs, two at a time'],
  ['inline', 1, "the worker's own process, one at a time"],
  ['inline', 10, "the worker's own process, ten at a time"],
  ['inline', 50, "the worker's own process, fifty at a time"],
]

const measureOf = (mode: Mode, concurrency: number, title: string): Measure => {
  const id = `${mode}-${concurrency}`
  return {
    id,
    group: 'throughput',
    rows: [{ id, title, unit: 'jobs/s', quantile: 0.5 }],
    has: (peer) => peer.worker(mode, concurrency) !== undefined,
    run: async (bench, peer) => ({ [id]: [await throughput(bench, peer, mode, concurrency)] }),
  }
}

export const throughputs: readonly Measure[] = [
  ...rowTitles.map(([mode, concurrency, title]) => measureOf(mode, concurrency, title)),
  {
    id: 'payload-100kB',
    group: 'throughput',
    rows: [
      {
        id: 'payload-100kB',
        title: "payloads of 100 kB, enqueued and run in the worker's own process",
        unit: 'jobs/s',
        quantile: 0.5,
      },
    ],
    has: (peer) => peer.worker('inline', 1) !== undefined,
    run: async (bench, peer) => ({ 'payload-100kB': [await largePayloads(bench, peer)] }),
  },
]

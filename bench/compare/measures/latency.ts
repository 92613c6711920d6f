// From the call that enqueues to the job's first line, on an idle worker; and how late a delayed job runs.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Bench, Measure } from '../measure.ts'
import type { Mode, Peer } from '../peer.ts'
import { nowMs, Session } from '../session.ts'

const WARM_UP = 3

async function wakes({ servers, sizes }: Bench, peer: Peer, mode: Mode, concurrency: number): Promise<number[]> {
  return Session.use({ servers, peer }, async (session) => {
    await session.startWarmWorker(mode, concurrency)
    const until = nowMs() + sizes.wakesMs
    for (let n = 0; n < WARM_UP + sizes.wakes && (n <= WARM_UP || nowMs() < until); n += 1) {
      // At any moment between two looks of a worker that polls.
      await sleep(5 + Math.random() * 100)
      await session.order('wake')
      await session.waitFor(n + 2)
    }
    return session.ends.read(1 + WARM_UP).map(({ mark, atMs }) => atMs - Number(mark) / 1e6)
  })
}

async function lateness({ servers, sizes }: Bench, peer: Peer): Promise<number[]> {
  return Session.use({ servers, peer }, async (session) => {
    await session.startWarmWorker('inline', mostAtATime(peer))
    await sleep(peer.delayedAfterMs ?? 0)
    await session.order('delay', { count: sizes.delayed, fromMs: 500, toMs: 2000 })
    const ends = await session.waitFor(1 + sizes.delayed, 1)
    return ends.map(({ mark, atMs }) => atMs - Number(mark) / 1e6)
  })
}

/** Ten; one for a peer that cannot run more in one process. */
export const mostAtATime = (peer: Peer): number => (peer.worker('inline', 10) ? 10 : 1)

const rows = (id: string, title: string): Measure['rows'] => [
  { id, title: `${title}: p50`, unit: 'ms', quantile: 0.5 },
  { id: `${id}-p99`, title: `${title}: p99`, unit: 'ms', quantile: 0.99 },
]

const wake = (mode: Mode, concurrencyOf: (peer: Peer) => number, title: string): Measure => {
  const id = `wake-${mode}`
  return {
    id,
    group: 'latency',
    rounds: 2,
    rows: rows(id, `from enqueue to start on an idle worker, ${title}`),
    has: (peer) => peer.worker(mode, concurrencyOf(peer)) !== undefined,
    async run(bench, peer) {
      const values = await wakes(bench, peer, mode, concurrencyOf(peer))
      return { [id]: values, [`${id}-p99`]: values }
    },
  }
}

export const latencies: readonly Measure[] = [
  wake('fresh', () => 2, 'a forked process for each job'),
  wake('spawn', () => 2, 'a started process for each job'),
  wake('reused', () => 2, 'processes that run many jobs'),
  wake('inline', mostAtATime, "the worker's own process"),
  {
    id: 'delayed',
    group: 'latency',
    rounds: 2,
    rows: rows('delayed', 'a delayed job starts after it is due'),
    has: (peer) => peer.can.delay,
    async run(bench, peer) {
      const values = await lateness(bench, peer)
      return { delayed: values, 'delayed-p99': values }
    },
  },
]

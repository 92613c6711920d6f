// What a worker takes: memory while it is idle and while ten jobs run, and what it asks its server while there is nothing to do.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Measure } from '../measure.ts'
import type { Mode } from '../peer.ts'
import { Session } from '../session.ts'

const JOBS = 10

const memory = (mode: Mode, title: string): Measure => ({
  id: `memory-${mode}`,
  group: 'worker',
  rows: [
    { id: `memory-${mode}-idle`, title: `${title}: idle`, unit: 'MB', quantile: 0.5 },
    { id: `memory-${mode}-busy`, title: `${title}: while ten jobs run`, unit: 'MB', quantile: 0.5 },
    { id: `memory-${mode}-job`, title: `${title}: each running job`, unit: 'MB', quantile: 0.5 },
  ],
  rounds: 1,
  has: (peer) => peer.worker(mode, JOBS) !== undefined,
  run: ({ servers }, peer) =>
    Session.use({ servers, peer }, async (session) => {
      const worker = await session.startWarmWorker(mode, JOBS)
      // Several workers do not start at the same moment, nor does a process that waits for the next job.
      await sleep(1500)
      const idle = worker.megabytes()
      await session.order(peer.can.bulk ? 'bulk' : 'one', { count: JOBS, kind: 'stay' })
      await session.waitFor(1 + JOBS)
      await sleep(200)
      const busy = worker.megabytes()
      return {
        [`memory-${mode}-idle`]: [idle],
        [`memory-${mode}-busy`]: [busy],
        [`memory-${mode}-job`]: [(busy - idle) / JOBS],
      }
    }),
})

export const workerCosts: readonly Measure[] = [
  memory('fresh', 'memory of a worker that forks'),
  memory('reused', 'memory of a worker with processes that run many jobs'),
  memory('inline', 'memory of a worker that runs jobs in its own process'),
  {
    id: 'idle',
    group: 'worker',
    rows: [
      { id: 'idle', title: 'commands or transactions that an idle worker sends', unit: '/s', quantile: 0.5 },
      { id: 'idle-all', title: 'the commands of an idle worker, with those in its scripts', unit: '/s', quantile: 0.5 },
    ],
    rounds: 1,
    together: true,
    has: (peer) => peer.worker('inline', 1) !== undefined,
    run: ({ servers, sizes: { idleMs } }, peer) =>
      Session.use({ servers, peer, alone: true, withinMs: idleMs + 30_000 }, async (session) => {
        await session.startWarmWorker('inline', 1)
        await sleep(5000)
        const { sent, inScripts } = await session.operations(idleMs)
        const perSecond = (count: number): number[] => [count / (idleMs / 1000)]
        return { idle: perSecond(sent), 'idle-all': perSecond(sent + inScripts) }
      }),
  },
]

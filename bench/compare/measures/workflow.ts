// What a workflow costs: many steps at once and one after all of them, from the call that makes it to the last step's start.
import type { Bench, Measure } from '../measure.ts'
import type { Mode, Peer } from '../peer.ts'
import { Session } from '../session.ts'
import { mostAtATime } from './latency.ts'

async function msPerStep({ servers, sizes: { steps } }: Bench, peer: Peer, mode: Mode): Promise<number> {
  return Session.use({ servers, peer }, async (session) => {
    await session.startWarmWorker(mode, mode === 'inline' ? mostAtATime(peer) : 2)
    await session.order('flow', { steps })
    await session.waitFor(1 + (steps + 1))
    const { startedMs } = await session.order('flow', { steps })
    const ends = await session.waitFor(1 + 2 * (steps + 1), 1 + (steps + 1))
    const last = ends.find(({ mark }) => mark === 'last')
    return ((last?.atMs ?? NaN) - startedMs) / (steps + 1)
  })
}

const workflow = (mode: Mode, title: string): Measure => ({
  id: `workflow-${mode}`,
  group: 'workflow',
  rows: [{ id: `workflow-${mode}`, title, unit: 'ms', quantile: 0.5 }],
  has: (peer) => peer.can.flow && peer.worker(mode, 2) !== undefined,
  run: async (bench, peer) => ({ [`workflow-${mode}`]: [await msPerStep(bench, peer, mode)] }),
})

export const workflows: readonly Measure[] = [
  workflow('inline', "a step, in the worker's own process, ten at a time"),
  workflow('fresh', 'a step, in a forked process, two at a time'),
]

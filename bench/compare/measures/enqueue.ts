// Jobs enqueued a second by one producer, while no worker runs.
import type { Measure, Values } from '../measure.ts'
import { Session } from '../session.ts'

export const enqueue: Measure = {
  id: 'enqueue',
  group: 'enqueue',
  rows: [
    { id: 'enqueue-one', title: 'one after another', unit: 'jobs/s', quantile: 0.5 },
    { id: 'enqueue-bulk', title: 'in bulk, a thousand a call', unit: 'jobs/s', quantile: 0.5 },
    { id: 'enqueue-100kB', title: 'one after another, payloads of 100 kB', unit: 'jobs/s', quantile: 0.5 },
  ],
  has: () => true,
  run: ({ servers, sizes: { enqueued } }, peer) =>
    Session.use({ servers, peer }, async (session) => {
      const rate = async (what: string, count: number, bytes = 0): Promise<number[]> => {
        // The first calls compile the code.
        await session.order(what, { count: Math.ceil(count / 5), bytes })
        return [count / ((await session.order(what, { count, bytes })).ms / 1000)]
      }
      const values: Record<string, number[]> = { 'enqueue-one': await rate('one', enqueued) }
      if (peer.can.bulk) values['enqueue-bulk'] = await rate('bulk', enqueued * 10)
      values['enqueue-100kB'] = await rate('one', Math.ceil(enqueued / 5), 100_000)
      return values satisfies Values
    }),
}

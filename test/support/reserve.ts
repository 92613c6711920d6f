import { after, before, beforeEach } from 'node:test'
import type { Redis } from 'ioredis'
import type { Idle, Reserved } from '../../runtime/store/workers/supervisors.ts'
import type { Store } from '../../runtime/store/store.ts'
import { startRedis, type TestRedis } from './redis.ts'
import { testStore } from './store.ts'

/** How long the supervisor's lease and the records of {@link useSupervisor} last. */
export const ttlMs = 600_000

export const itemOf = (id: string): string => `{"class":"OkJob","args":["${id}"]}`

/** An empty Redis before each test, in which the supervisor `s` is registered with two slots. Call it at the top of the file. */
export function useSupervisor(): { readonly store: Store; readonly redis: Redis } {
  let server: TestRedis
  const made = {} as { store: Store; redis: Redis }
  before(async () => {
    server = await startRedis()
    Object.assign(made, { store: testStore(server), redis: server.client() })
  })
  after(async () => {
    made.store.close()
    await server.stop()
  })
  beforeEach(async () => {
    await made.redis.flushall()
    await made.store.supervisors.register('s', ['host:1:q', 'host:1+1:q'], {}, ttlMs)
  })
  return made
}

/** What one slot finds. */
export type OneReserved =
  { kind: 'job'; job: Reserved } | { kind: 'empty'; queueCount: number } | { kind: 'paused' | 'fenced' }

/** Takes one job for one slot, and has Resque's record of its worker written, as for a job that has run for a moment. */
export async function reserveOne(
  { supervisors }: Pick<Store, 'supervisors'>,
  id: string,
  worker: string,
  queues: readonly string[],
  newId: string,
  nowMs: number,
  idle?: Idle,
): Promise<OneReserved> {
  const reply = await supervisors.reserve(id, { workers: [worker], newId }, queues, nowMs, idle)
  if (reply.kind === 'paused' || reply.kind === 'fenced') return reply
  const [job] = reply.jobs
  if (!job) return { kind: 'empty', queueCount: reply.kind === 'empty' ? reply.queueCount : 0 }
  const running = { worker, id: job.id, delivery: job.delivery, runAtMs: nowMs, bytes: job.item.length }
  await supervisors.show(id, [running])
  return { kind: 'job', job }
}

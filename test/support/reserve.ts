import type { Idle, Reserved } from '../../runtime/store/workers/supervisors.ts'
import type { Store } from '../../runtime/store/store.ts'

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
  const reply = await supervisors.reserve(id, [{ worker, newId }], queues, nowMs, idle)
  if (reply.kind === 'paused' || reply.kind === 'fenced') return reply
  const [job] = reply.jobs
  if (!job) return { kind: 'empty', queueCount: reply.kind === 'empty' ? reply.queueCount : 0 }
  const running = { worker, id: job.id, delivery: job.delivery, runAtMs: nowMs, bytes: job.item.length }
  await supervisors.show(id, [running])
  return { kind: 'job', job }
}

import { decodeItem } from '../../core/codec.ts'
import { lockFields, type NewJob } from './queues.ts'

/** A job that is to wait. */
export interface NewDelayedJob extends NewJob {
  queue: string
  /** When it is due, milliseconds since 1970. In the past or now: it goes to its queue at once, as in Resque. */
  dueMs: number
}

/** Names every delayed copy of a job, as Resque's `remove_delayed` does: class, exact arguments, queue. */
export interface DelayedName {
  className: string
  /** The queue item's bytes, as `encodeItem` made them. */
  item: string
  queue: string
}

/** A delayed job as the lists show it. */
export interface DelayedJob {
  dueMs: number
  queue: string | undefined
  className: string | undefined
  /** JSON text of its arguments. */
  args: string
  /** Its id, where it lies in the millisecond set. */
  id?: string
  /** The bytes as they lie in Redis. */
  bytes: string
}

/** Delays of a minute and more lie where Ruby sees them: also a moment that was a minute away when the caller read the clock. */
const bucketFromMs = 59_000

/** The second of a bucket, rounded up so that no job runs early; 0 for what belongs in the millisecond set. */
export function secondOf(dueMs: number, nowMs: number): number {
  return dueMs - nowMs >= bucketFromMs ? Math.ceil(dueMs / 1000) : 0
}

/** Resque's delayed form of a queue item, in its own order: class, args, queue. */
export function bucketItem(item: string, queue: string): string {
  return `${item.slice(0, -1)},"queue":${JSON.stringify(queue)}}`
}

/** The forms in which this job may lie in a bucket: Resque's order, and node-resque's (class, queue, args). */
export function formsOf({ className, item, queue }: DelayedName): string[] {
  const head = `{"class":${JSON.stringify(className)},`
  return [bucketItem(item, queue), `${head}"queue":${JSON.stringify(queue)},${item.slice(head.length)}`]
}

/** The script `delay`'s eleven fields of one job. */
export function fields(job: NewDelayedJob, nowMs: number): (string | number)[] {
  const second = secondOf(job.dueMs, nowMs)
  const where = [job.queue, job.dueMs, second, second === 0 ? '' : bucketItem(job.item, job.queue)]
  return [job.id, job.className, job.item, job.options ?? '', ...lockFields(job.unique), ...where]
}

/** What a list shows of an item; garbage is shown as it is. */
export function readBytes(bytes: string): Omit<DelayedJob, 'dueMs'> {
  const item = decodeItem(bytes)
  if ('garbage' in item) return { queue: undefined, className: undefined, args: '', bytes }
  const queue = (JSON.parse(bytes) as { queue?: unknown }).queue
  return { queue: typeof queue === 'string' ? queue : undefined, className: item.className, args: item.args, bytes }
}

import { digestOf } from '../../core/codec.ts'
import { scriptJson } from '../connection/connection.ts'

/** A unique lock that a job takes when it is enqueued. */
export interface UniqueLock {
  key: string
  /** How long the lock lasts where it cannot be checked that its job still waits: in a queue of more than 50,000. */
  forMs: number
  /** Absent: until the job has ended. */
  until?: 'start'
}

/** A job on its way into a queue. */
export interface NewJob {
  id: string
  className: string
  /** The queue item's bytes, as `encodeItem` made them. */
  item: string
  /** Per-call options, JSON text; absent when the class's own apply. */
  options?: string
  unique?: UniqueLock
}

/** From this length on this process takes the digest of an item, not Redis. */
const largeItem = 4096

/** A job as `enqueue.lua` takes it. */
export function newJobArguments({ id, className, item, options, unique }: NewJob): string[] {
  const isLarge = item.length > largeItem
  if (options === undefined && !unique && !isLarge) return [id, className, item, '']
  const more = {
    options,
    unique: unique && lockFields(unique).map(String),
    // Redis takes 1.3 ms for a megabyte, for as long as which it does nothing else.
    digest: isLarge ? payloadField(item) : undefined,
  }
  return [id, className, item, scriptJson(more)]
}

/** As payload_field of lua/include/ids-by-payload.lua. */
const payloadField = (item: string): string => digestOf(item).slice(0, 24)

/** Key, `for` in ms and `until` of a lock, as scripts take them; a blank key for none. */
export function lockFields(lock: UniqueLock | undefined): [key: string, forMs: number, until: string] {
  return [lock?.key ?? '', lock?.forMs ?? 0, lock?.until ?? '']
}

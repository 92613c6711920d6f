/** A job that a supervisor has just taken. */
export interface Reserved {
  queue: string
  id: string
  item: string
  /** The fencing token: how often this job was taken off a queue. */
  delivery: string
  attempt: number
  redeliveries: number
  /** JSON of per-call options, or ''. */
  options: string
  enqueuedAtMs: number | undefined
  /** JSON of the limits it asked for when it was reserved before, or ''. */
  limits: string
  /** `start` where its unique lock is given up when it starts; else blank. */
  uniqueUntil: string
}

/** Names a delivery in every call that ends it. */
export interface Delivery {
  worker: string
  id: string
  delivery: string
}

/** A delivery whose job runs. */
export interface RunningJob extends Delivery {
  runAtMs: number
  /** Size of its item. */
  bytes: number
}

/**
 * What {@link Supervisors.reserve} found: `empty` when it took all that there was. Jobs stand in the order of the slots.
 */
export type ReserveReply =
  | { kind: 'taken'; jobs: Reserved[] }
  | { kind: 'empty'; jobs: Reserved[]; queueCount: number }
  | { kind: 'paused' }
  | { kind: 'fenced' }

/** Slots that wait for a job. */
export interface FreeSlots {
  /** Their Resque worker ids. */
  workers: readonly string[]
  /** The id of a job whose item has none yet; it begins those of further ones. */
  newId: string
}

/** How many jobs one call takes, shows, or records the ends of (promise 13). */
export const jobsAtOnce = 50
/** How many bytes one call reads or writes, unless one job alone has more. */
export const bytesAtOnce = 262_144

/** The archive has only the size of what is larger: `ARGS_MAX` of lua/include/archive.lua. */
export const itemBytesArchived = 8192

/** How a worker that finds no job waits for one: then a push to one of its queues wakes it. */
export interface Idle {
  /** Names its list of queues; workers with the same list have the same name. */
  list: string
  /** Of its own channel, `rt:wake:worker:<listener>`. */
  listener: string
  /** Until it looks again by itself. */
  forMs: number
  /** False where it is known not to be registered now; default true. */
  listed?: boolean
  /** True when it was not woken for this look: jobs that it finds are of a client that wakes no worker. */
  polled: boolean
}

/** How a job ended for good. */
export interface Settlement {
  state: 'done' | 'failed' | 'discarded' | 'refused' | 'cancelled'
  /** JSON for the failed list, where it failed. */
  entry?: string
  /** Further fields of the record. */
  fields?: Record<string, string>
  /** Of a workflow step: its output's JSON text, and what else its run must know (lua/include/run-step.lua). */
  step?: { output?: string; extra?: string } | undefined
  ttlMs: number
  /** False where it is known to have no log. */
  mayHaveLog?: boolean | undefined
  /** True where its item is known to be too large for the archive, {@link itemBytesArchived}. */
  isLarge?: boolean
}

/** One supervisor as others see it. */
export interface SupervisorInfo {
  id: string
  leaseEndsAtMs: number
  slots: string[]
  /** What it wrote of itself: host, pid, launcher, fallback, started_at … */
  about: Record<string, string>
}

/** @param job of the reply of reserve.lua */
export function reservedOf(job: readonly string[]): Reserved {
  const [queue = '', id = '', item = '', delivery, attempt, enqueuedAt, options = ''] = job
  const [redeliveries, limits = '', uniqueUntil = ''] = job.length > 7 ? job.slice(7) : []
  return {
    queue,
    id,
    item,
    delivery: String(delivery),
    attempt: Number(attempt),
    redeliveries: redeliveries ? Number(redeliveries) : 0,
    options,
    limits,
    uniqueUntil,
    enqueuedAtMs: enqueuedAt ? Number(enqueuedAt) : undefined,
  }
}

/** @param value of the in-flight record: `<delivery> <worker id>` */
export function parseInFlight(value: string): { delivery: string; worker: string } {
  const space = value.indexOf(' ')
  return { delivery: value.slice(0, space), worker: value.slice(space + 1) }
}

/** Cuts a list into parts for one call each. @param sizeOf bytes of an element */
export function toBatches<T>(list: readonly T[], sizeOf: (element: T) => number): T[][] {
  const parts: T[][] = []
  let part: T[] = []
  let bytes = Infinity
  for (const element of list) {
    const size = sizeOf(element)
    if (bytes + size > bytesAtOnce || part.length >= jobsAtOnce) {
      parts.push((part = []))
      bytes = 0
    }
    part.push(element)
    bytes += size
  }
  return parts
}

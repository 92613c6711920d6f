import { clip } from '../../config/clip.ts'
import { decodeItem, digestOf } from '../core/codec.ts'
import { selectQueues } from '../store/queues/queue-list.ts'
import type { QueueHead } from '../store/queues/queues.ts'
import type { SupervisorInfo } from '../store/workers/supervisors.ts'
import { liveWorkers, type WorkerInfo } from '../store/workers/workers.ts'
import { RuntimeError } from '../core/errors.ts'
import { redisClock, type InspectContext } from './context.ts'

/** One queue as a list shows it. */
export interface QueueRow {
  name: string
  size: number
  /** How long the job at its head has waited, in ms; undefined when it is not known, or nothing waits. */
  oldestMs: number | undefined
  paused: boolean
  /** Live workers that take jobs from it, of any runtime. */
  workers: number
}

/** All queues with their sizes and ages. `pausedAll`: `pause-all-workers` holds for every queue. */
export interface Queues {
  queues: QueueRow[]
  pausedAll: boolean
}

/** One waiting job, as a page shows it. */
export interface WaitingJob {
  /** Place in the queue, from 0. */
  at: number
  /** Undefined where the payload names no class. */
  className: string | undefined
  /** JSON text of the arguments, or the payload itself where it is none; cut at {@link shownLength}. */
  args: string
  isCut: boolean
  /** SHA-1 of the payload: names the job when it is removed. */
  digest: string
}

/** Texts of jobs are cut at this length in lists; the whole is read on demand. */
export const shownLength = 10_000
/** A page ends early when its jobs have so many characters: each may have a megabyte. */
const mostRead = 4 * 1024 ** 2
/** Jobs read in one round trip. */
const readAtOnce = 25

/** Every queue: its size, the age of its oldest job, whether it is paused, and how many live workers serve it. */
export async function queueRows({ store }: Pick<InspectContext, 'store'>): Promise<Queues> {
  const [{ nowMs }, names, paused, pausedAll, workers, supervisors] = await Promise.all([
    redisClock({ store }),
    store.queues.names(),
    store.queues.paused(),
    store.health.pausedAll(),
    store.workers.list(),
    store.supervisors.list(),
  ])
  const all = [...new Set([...names, ...paused])]
  const heads = await store.queues.heads(all)
  const served = servingWorkers(workers, supervisors, all, nowMs)
  return { queues: heads.map((head) => rowOf(head, paused, served, nowMs)), pausedAll }
}

function rowOf(
  { name, size, waitingSinceMs }: QueueHead,
  paused: readonly string[],
  served: ReadonlyMap<string, number>,
  nowMs: number,
): QueueRow {
  const oldestMs = waitingSinceMs === undefined ? undefined : Math.max(0, nowMs - waitingSinceMs)
  return { name, size: Math.max(0, size), oldestMs, paused: paused.includes(name), workers: served.get(name) ?? 0 }
}

/** How many living workers take from each queue. */
export function servingWorkers(
  workers: readonly WorkerInfo[],
  supervisors: readonly SupervisorInfo[],
  queues: readonly string[],
  nowMs: number,
): Map<string, number> {
  const served = new Map<string, number>()
  for (const worker of liveWorkers(workers, supervisors, nowMs))
    for (const queue of selectQueues(worker.queues, queues)) served.set(queue, (served.get(queue) ?? 0) + 1)
  return served
}

/** A page of a queue: its jobs from `start` on, head first; `next` is where the next page starts, undefined at the end. */
export interface QueuePage {
  total: number
  jobs: WaitingJob[]
  next: number | undefined
}

/** Jobs of a queue from `start`, at most `count`; fewer where they are very large. */
export async function queuePage(
  { store }: Pick<InspectContext, 'store'>,
  queue: string,
  start = 0,
  count = 50,
): Promise<QueuePage> {
  const [head] = await store.queues.heads([queue])
  const total = Math.max(0, head?.size ?? 0)
  const jobs: WaitingJob[] = []
  for (let at = start, read = 0; at < Math.min(start + count, total) && read < mostRead; at += readAtOnce) {
    const items = await store.queues.peek(queue, at, Math.min(readAtOnce, start + count - at))
    for (const item of items) {
      read += item.length
      jobs.push(waitingJob(item, start + jobs.length))
    }
    if (items.length === 0) break
  }
  const next = start + jobs.length
  return { total, jobs, next: next < total && jobs.length > 0 ? next : undefined }
}

function waitingJob(item: string, at: number): WaitingJob {
  const read = decodeItem(item)
  const [className, text] = 'reason' in read ? [undefined, item] : [read.className, read.args]
  return { at, className, args: clip(text, shownLength), isCut: text.length > shownLength, digest: digestOf(item) }
}

/** The payload of a waiting job, whole. @throws RuntimeError ERR_NOT_FOUND when another job, or none, is there now */
export async function waitingPayload(
  { store }: Pick<InspectContext, 'store'>,
  queue: string,
  { at, digest }: Pick<WaitingJob, 'at' | 'digest'>,
): Promise<string> {
  // Jobs before it may have been reserved meanwhile, so that it has moved towards the head.
  const from = Math.max(0, at - movedMost)
  const items = await store.queues.peek(queue, from, at - from + 1)
  const found = items.reverse().find((item) => digestOf(item) === digest)
  if (found !== undefined) return found
  throw new RuntimeError('ERR_NOT_FOUND', noLongerWaits(queue))
}

/** What is said of a job that was shown, and that a worker has taken since. */
export const noLongerWaits = (queue: string): string =>
  `queue ${queue}: expected a waiting job, but it no longer waits: a worker has taken it, or it was removed; read the list again`

/** Places that a job may have moved towards the head since it was shown. */
const movedMost = 1000

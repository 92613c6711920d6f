import type { ArchiveState } from '../store/archive.ts'
import type { ServerHealth } from '../store/connection/health.ts'
import type { FailureRates } from './history.ts'
import { lockPrefixOf, redisClock, type Count, type InspectContext } from './context.ts'
import { overdueJobs } from '../store/queues/delayed-pages.ts'
import { queueRows, type Queues } from './queues.ts'
import { shownStore } from '../store/store.ts'

/** A supervisor (`runtime work`), as the overview shows it. */
export interface WorkerRow {
  id: string
  host: string
  pid: string
  queues: string
  slots: number
  busy: number
  /** Until its lease expires, by Redis's clock; negative when it has. */
  leaseLeftMs: number
}

/** The scheduler, and what is late. */
export interface SchedulerState {
  /** `host:pid`; undefined when none leads. */
  leader: string | undefined
  /** Entries that are switched on. */
  entries: number
  /** Entries that were due more than {@link lateMs} ago and have not fired, the latest first. */
  late: { name: string; dueMs: number }[]
  /** Firings missed in the last hour, and the entries that missed them. */
  missed: { count: number; entries: string[] }
  /** Delayed jobs that were due more than {@link lateMs} ago. */
  overdue: Count & { sinceMs: number | undefined }
}

/** What goes on, as a whole, in plain data. */
export interface Overview extends Queues {
  /** Redis's clock when it was read. */
  atMs: number
  latencyMs: number
  workers: WorkerRow[]
  /** Registered workers of other runtimes, such as Ruby's. */
  otherWorkers: number
  /** Supervisors that died in the last hour, newest first. */
  lost: { id: string; atMs: number }[]
  slots: { total: number; busy: number }
  failed: number
  scheduler: SchedulerState
  redis: Pick<ServerHealth, 'usedMemoryBytes' | 'maxmemoryBytes' | 'maxmemoryPolicy' | 'role'>
  archive: ArchiveState
  /** Keys that hold another type than theirs, in a sentence each: what belongs there is shown as empty. */
  unread: string[]
  /** How attempts end, where it was read: see {@link failureRates}. */
  failures?: FailureRates
}

/** What is due for so long is late: a leader looks every few seconds. */
export const lateMs = 10_000
const hourMs = 3_600_000

/** Resque's own counters since the beginning, and what there is now. */
export interface Totals {
  pending: number
  processed: number
  failed: number
  /** Entries of the failed list. */
  failures: number
  queues: number
  workers: number
  /** Workers that run a job. */
  working: number
}

/** Reads the totals, of all runtimes that share this Redis. */
export async function totals({ store }: Pick<InspectContext, 'store'>): Promise<Totals> {
  const [{ processed, failed }, sizes, failures, workers] = await Promise.all([
    store.workers.stats(),
    store.queues.sizes(),
    store.failures.count(),
    store.workers.list(),
  ])
  const working = workers.filter((worker) => worker.working !== undefined).length
  return {
    ...{ pending: sum([...sizes.values()]), processed, failed, failures },
    queues: sizes.size,
    workers: workers.length,
    working,
  }
}

/** Reads the overview. Costs the number of queues, workers and entries, whatever waits in them. */
export async function overview(context: InspectContext): Promise<Overview> {
  const unread = new Set<string>()
  const place = { ...context, store: shownStore(context.store, unread) }
  const { store } = place
  const { nowMs, latencyMs } = await redisClock(place)
  const [queues, workers, lost, failed, scheduler, redis, registered, archive] = await Promise.all([
    queueRows(place),
    workerRows(place, nowMs),
    store.workers.lost(),
    store.failures.count(),
    schedulerState(place, nowMs),
    store.health.server(),
    store.workers.list(),
    store.archive.state(),
  ])
  const live = workers.filter(({ leaseLeftMs }) => leaseLeftMs > 0)
  const ours = new Set((await store.supervisors.list()).flatMap(({ slots }) => slots))
  return {
    ...queues,
    atMs: nowMs,
    latencyMs,
    workers,
    otherWorkers: registered.filter(({ id }) => !ours.has(id)).length,
    lost: lost.filter(({ atMs }) => atMs > nowMs - hourMs),
    slots: { total: sum(live.map(({ slots }) => slots)), busy: sum(live.map(({ busy }) => busy)) },
    failed,
    scheduler,
    redis,
    archive,
    unread: [...unread],
  }
}

async function workerRows({ store }: InspectContext, nowMs: number): Promise<WorkerRow[]> {
  const supervisors = await store.supervisors.list()
  const busy = await store.workers.inflightCounts(supervisors.map(({ id }) => id))
  return supervisors.map(({ id, about, slots, leaseEndsAtMs }, i) => ({
    id,
    host: about['host'] ?? '?',
    pid: about['pid'] ?? '?',
    queues: about['queues'] ?? '',
    slots: slots.length,
    busy: busy[i] ?? 0,
    leaseLeftMs: leaseEndsAtMs - nowMs,
  }))
}

async function schedulerState(place: InspectContext, nowMs: number): Promise<SchedulerState> {
  const { health, schedules, connection } = place.store
  const [leader, loaded, missed, overdue] = await Promise.all([
    health.leader(lockPrefixOf(place)),
    schedules.described(),
    schedules.missed(),
    overdueJobs(connection, nowMs - lateMs),
  ])
  const states = await schedules.findAll(Object.keys(loaded))
  const on = Object.entries(loaded).flatMap(([name, about]) => {
    const state = states.get(name)
    if (state?.paused || !(state?.enabled ?? about.enabled)) return []
    return [{ name, dueMs: state?.nextMs ?? about.next ?? Infinity }]
  })
  const recent = missed.filter(({ atMs }) => atMs > nowMs - hourMs)
  return {
    leader: leader?.owner,
    entries: on.length,
    late: on.filter(({ dueMs }) => dueMs < nowMs - lateMs).sort((a, b) => a.dueMs - b.dueMs),
    missed: { count: sum(recent.map(({ count }) => count)), entries: [...new Set(recent.map(({ entry }) => entry))] },
    overdue,
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)

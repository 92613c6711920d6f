import type { ArchiveRecord } from '../archive/record.ts'
import { decodeItem } from '../core/codec.ts'
import { RuntimeError } from '../core/errors.ts'
import { statusOf, type JobStatus } from '../jobs/handle.ts'
import type { FailedEntry } from '../store/queues/failures.ts'
import { endStates, type JobRecord } from '../store/queues/jobs.ts'
import type { Store } from '../store/store.ts'
import { withArchive } from './archive.ts'
import { failedPage } from './failed.ts'
import { redisClock, type InspectContext } from './context.ts'
import { parseKept } from './step.ts'

/** Something that happened to a job, in the order of time; ms since 1970. */
export interface JobMoment {
  name: 'enqueued' | 'due' | 'started' | 'ended'
  atMs: number
}

/** The job that a retry made of a failed one; ms since 1970. */
export interface RetriedAs {
  job: string
  atMs: number
}

/** One job, from its enqueueing to its end. What is not known is undefined. */
export interface JobView {
  id: string
  /** `unknown` for a job of which only the failed list knows. */
  status: JobStatus
  class: string | undefined
  moments: JobMoment[]
  /** Its record, while it is kept (`limits.recordTtlMs` after the end). */
  record: JobRecord | undefined
  /** The bytes of its payload, or the arguments as the archive keeps them. */
  item: string | undefined
  args: string | undefined
  /** JSON text of what it returned, where `keepResult` asked for it; of a step, its output, while its run is kept. */
  result: string | undefined
  /** Errors of the attempts before, and the evidence of the last one. */
  attempts: unknown[]
  evidence: unknown
  log: string[]
  /** Place in its queue, from 1, while it waits; undefined also when it is not among the first hundred thousand. */
  place: number | undefined
  /** The worker that has it in hand. `leaseLeftMs` is negative for one whose lease has expired. */
  worker: { id: string; host: string | undefined; pid: string | undefined; leaseLeftMs: number } | undefined
  /** The concurrency or rate limit that holds it: its place in the line, and the jobs that run. */
  limit: { key: string; place: number | undefined; holders: string[] } | undefined
  /** The step of a run that it runs. */
  step: { run: string; node: number } | undefined
  /** The job that a retry made of it, once it has failed. */
  retried: RetriedAs | undefined
  /** Its entry on the failed list, of the newest ones. */
  failed: FailedEntry | undefined
  archived: ArchiveRecord | undefined
}

/** @throws RuntimeError ERR_NOT_FOUND when neither a record, the archive nor the failed list knows the job */
export async function jobView(place: InspectContext, id: string): Promise<JobView> {
  const { store } = place
  const [record, log] = await Promise.all([store.jobs.find(id), store.jobs.log(id)])
  const isOver = record === undefined || endStates.includes(record.state)
  const [archived, failed] = isOver
    ? await Promise.all([archivedJob(place, id), failedJob(place, id)])
    : [undefined, undefined]
  if (record) return { ...(await recordView(place, id, record)), log, failed, archived }
  if (archived) {
    const view = archivedView(id, archived)
    return { ...view, result: await outputOf(store, view.step), failed, archived }
  }
  if (failed) return { ...emptyView(id), item: failed.payload, log, failed, archived }
  throw unknownJob(id)
}

/** The record of a job that runs. @throws RuntimeError ERR_NOT_FOUND, ERR_STATE */
export async function runningJob({ store }: Pick<InspectContext, 'store'>, id: string): Promise<JobRecord> {
  const record = await store.jobs.find(id)
  if (!record) throw unknownJob(id)
  if (record.state === 'running') return record
  throw new RuntimeError('ERR_STATE', `job ${id}: expected a running job, it is ${record.state}`)
}

/** Nothing is known of a job of this ID. */
export const unknownJob = (id: string): RuntimeError =>
  new RuntimeError(
    'ERR_NOT_FOUND',
    `job ${id}: expected the ID of a job, found no record; it has expired (limits.recordTtlMs), or never existed`,
  )

/** PostgreSQL may be away; what Redis knows is shown all the same. */
const archivedJob = (place: InspectContext, id: string): Promise<ArchiveRecord | undefined> =>
  withArchive(place, (archive) => archive.find(id)).catch(() => undefined)

async function failedJob({ store }: InspectContext, id: string): Promise<FailedEntry | undefined> {
  const { entries } = await failedPage({ store }, { text: id }, { count: 1 })
  return entries.find((entry) => entry.id === id)
}

type Unfound = Omit<JobView, 'log' | 'failed' | 'archived'>

const emptyView = (id: string): Unfound => ({
  id,
  status: statusOf(id, undefined),
  class: undefined,
  moments: [],
  record: undefined,
  item: undefined,
  args: undefined,
  result: undefined,
  attempts: [],
  evidence: undefined,
  place: undefined,
  worker: undefined,
  limit: undefined,
  step: undefined,
  retried: undefined,
})

async function recordView(place: InspectContext, id: string, record: JobRecord): Promise<Unfound> {
  const { store } = place
  const read = decodeItem(record.item)
  const [, run, node] = /^(\S+) (\d+)$/.exec(record['step'] ?? '') ?? []
  const step = run === undefined ? undefined : { run, node: Number(node) }
  return {
    ...emptyView(id),
    ...parseKept(record),
    status: statusOf(id, record),
    class: record.class ?? ('reason' in read ? undefined : read.className),
    args: 'reason' in read ? undefined : read.args,
    record,
    item: record.item,
    result: record.result ?? (await outputOf(store, step)),
    moments: momentsOf(record),
    place: record.state === 'waiting' ? await store.health.placeInQueue(record.queue, record.item) : undefined,
    worker: record.state === 'running' ? await workerOf(place, record) : undefined,
    limit: record.state === 'held' ? await limitOf(store, id, record['held_by'] ?? '') : undefined,
    step,
    retried: retriedAs(record),
  }
}

/** What a record says of the retry of its job. */
export function retriedAs({ retried_as: job, retried_at: at }: Partial<JobRecord>): RetriedAs | undefined {
  return job === undefined ? undefined : { job, atMs: Number(at) }
}

/** JSON text of what a step returned, while its run is kept. */
export async function outputOf({ runs }: Store, step: JobView['step']): Promise<string | undefined> {
  return step && (await runs.read.texts(step.run, 'outputs', [step.node]))[0]
}

function momentsOf(record: JobRecord): JobMoment[] {
  const isDelayed = record.state === 'delayed' || record.state === 'held'
  const all: [JobMoment['name'], string | undefined][] = [
    ['enqueued', record.enqueued_at],
    ['due', isDelayed ? record.due_at : undefined],
    ['started', record.run_at],
    ['ended', record.ended_at],
  ]
  return all.flatMap(([name, text]) => (text ? [{ name, atMs: Number(text) }] : []))
}

async function workerOf({ store }: InspectContext, { worker = '', pid }: JobRecord): Promise<JobView['worker']> {
  const [{ nowMs }, supervisors] = await Promise.all([redisClock({ store }), store.supervisors.list()])
  const owner = supervisors.find(({ slots }) => slots.includes(worker))
  return owner && { id: owner.id, host: owner.about['host'], pid, leaseLeftMs: owner.leaseEndsAtMs - nowMs }
}

async function limitOf({ limits }: Store, id: string, key: string): Promise<JobView['limit']> {
  const [at, { holders }] = await Promise.all([limits.place(key, id), limits.state(key)])
  return { key, place: at, holders }
}

function archivedView(id: string, archived: ArchiveRecord): Omit<JobView, 'failed' | 'archived'> {
  const { enqueuedAtMs, startedAtMs, endedAtMs, queue, cause, args, details } = archived
  const { attempts = [], evidence, log = [], error, worker } = details
  const date = (ms: number | undefined): Date | undefined => (ms === undefined ? undefined : new Date(ms))
  const all: [JobMoment['name'], number | undefined][] = [
    ['enqueued', enqueuedAtMs],
    ['started', startedAtMs],
    ['ended', endedAtMs],
  ]
  const { outcome } = archived
  return {
    ...emptyView(id),
    status: {
      id,
      state: outcome === 'finished' || outcome === 'stopped' ? 'unknown' : outcome,
      attempt: archived.attempts,
      queue,
      enqueuedAt: date(enqueuedAtMs),
      startedAt: date(startedAtMs),
      endedAt: date(endedAtMs),
      worker,
      cause,
      error: error as JobStatus['error'],
    },
    class: archived.class,
    args,
    moments: all.flatMap(([name, atMs]) => (atMs === undefined ? [] : [{ name, atMs }])),
    attempts,
    evidence,
    log,
    step: archivedStep(archived),
  }
}

/** The step of a run that an archived job ran. */
export function archivedStep({ kind, runId, details: { node } }: ArchiveRecord): JobView['step'] {
  return kind !== 'step' || runId === undefined || node === undefined ? undefined : { run: runId, node: Number(node) }
}

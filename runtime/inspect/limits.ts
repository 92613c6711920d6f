import { jsonArray } from '../core/json-text.ts'
import { cursorParts, type PageBounds } from '../core/cursor.ts'
import { RuntimeError } from '../core/errors.ts'
import type { LimitKey } from '../store/limits/limits.ts'
import type { UniqueLockState } from '../store/limits/locks.ts'
import type { JobRecord, JobState } from '../store/queues/jobs.ts'
import type { Store } from '../store/store.ts'
import type { LimitRequest } from '../messages.ts'
import type { InspectContext } from './context.ts'

/** A job that holds a limit or a lock, or waits for one. `state` is undefined where no record is kept of it. */
export interface LimitedJob {
  id: string
  class: string | undefined
  queue: string | undefined
  state: JobState | undefined
  /** Since when it has a slot, or when it started in the window; by Redis's clock. */
  sinceMs: number | undefined
}

/** A concurrency or rate limit. */
export interface LimitRow extends LimitKey {
  /** How many at a time, or in each window of `perMs`; undefined where no job tells it. */
  limit: number | undefined
  perMs: number | undefined
  /** Who has a slot; of a rate limit who started in the last window, or shortly before it. The first of `held`. */
  holders: LimitedJob[]
  held: number
  /** Who waits, the next one first: the first of `waiting`. */
  line: LimitedJob[]
  waiting: number
}

/** A unique lock and its job. */
export interface LockRow extends UniqueLockState {
  holder: LimitedJob
}

/** Limits that one read shows: those with the longest lines. */
const mostLimits = 200

/** Limits with the longest lines first. `total`: how many there are; not exact where not all keys were looked at. */
export async function limitRows({
  store,
}: Pick<InspectContext, 'store'>): Promise<{ limits: LimitRow[]; total: { count: number; isExact: boolean } }> {
  const { limits, isComplete } = await store.limits.all()
  const read = limits.map(async (limit) => {
    const jobs = await store.limits.jobs(limit)
    return jobs ? [{ ...limit, ...jobs }] : []
  })
  const found = (await Promise.all(read)).flat()
  const longest = found.sort((a, b) => b.waiting - a.waiting || b.held - a.held).slice(0, mostLimits)
  const rows = longest.map(async ({ kind, key, held, waiting, ...named }): Promise<LimitRow> => {
    const holders = await Promise.all(named.holders.map(({ job, sinceMs }) => limitedJob(store, job, sinceMs)))
    const line = await Promise.all(named.line.map((job) => limitedJob(store, job)))
    const asked = [...line, ...holders].flatMap(({ record }) => requestOf(record, { kind, key }))[0]
    const perMs = asked?.kind === 'rate' ? asked.perMs : undefined
    return {
      kind,
      key,
      limit: asked?.limit,
      perMs,
      holders: holders.map(shownJob),
      held,
      line: line.map(shownJob),
      waiting,
    }
  })
  return { limits: await Promise.all(rows), total: { count: found.length, isExact: isComplete } }
}

/**
 * Unique locks in no order, about `count` a page.
 * @param cursor `next` of the page before
 * @throws RuntimeError ERR_ARGUMENT for a cursor that is none
 */
export async function lockPage(
  { store }: Pick<InspectContext, 'store'>,
  { cursor = '0', count = 100 }: Omit<PageBounds, 'mostMs'> = {},
): Promise<{ locks: LockRow[]; next: string | undefined }> {
  const [from] = cursorParts(cursor, /^(\d{1,20})$/)
  const { locks, next } = await store.uniqueLocks.page(from, count)
  const rows = locks.map(async (lock) => ({ ...lock, holder: shownJob(await limitedJob(store, lock.job)) }))
  return { locks: await Promise.all(rows), next }
}

/**
 * Gives up a unique lock whose job is gone. The lock of a job that waits, is delayed or runs stays: a second job like it
 * would run beside it.
 * @returns ID of the job that had it
 * @throws RuntimeError ERR_STATE when its job is there, ERR_NOT_FOUND when there is no such lock
 */
export async function releaseLock({ store }: Pick<InspectContext, 'store'>, lock: string): Promise<string> {
  const { reply, job = '' } = await store.uniqueLocks.release(lock)
  if (reply === 'released') return job
  if (reply === 'gone')
    throw new RuntimeError('ERR_NOT_FOUND', `unique lock ${JSON.stringify(lock)}: found no lock with this key`)
  throw new RuntimeError(
    'ERR_STATE',
    `unique lock ${JSON.stringify(lock)}: expected one whose job is gone, its job ${job} is there; \`runtime job cancel ${job}\` ends the job and its lock`,
  )
}

type Read = LimitedJob & { record: JobRecord | undefined }

async function limitedJob({ jobs }: Store, id: string, sinceMs?: number): Promise<Read> {
  const record = await jobs.find(id).catch(() => undefined)
  return { id, class: record?.class, queue: record?.queue, state: record?.state, sinceMs, record }
}

const shownJob = ({ record: _, ...job }: Read): LimitedJob => job

/** What a job asked of the limit, as its record keeps it. */
function requestOf(record: JobRecord | undefined, { kind, key }: LimitKey): LimitRequest[] {
  const asked = jsonArray(record?.['permits']) as (LimitRequest | null)[]
  return asked.filter((each) => each !== null && each.kind === kind && each.key === key) as LimitRequest[]
}

import { digestOf } from '../core/codec.ts'
import { cursorParts, searchClock, type PageBounds } from '../core/cursor.ts'
import {
  cursorBehind,
  delayedJobs,
  type DelayedBatch,
  type DelayedCursor,
  type DelayedJob,
} from '../store/queues/delayed-pages.ts'
import { RuntimeError } from '../core/errors.ts'
import type { InspectContext } from './context.ts'

/** Which delayed jobs; all that is given must hold. */
export interface DelayedFilter {
  class?: string
  queue?: string
  /** A part of the payload. */
  text?: string
}

/** A page of delayed jobs, earliest first. */
export interface DelayedPage {
  jobs: DelayedJob[]
  /** Goes on with later jobs; undefined at the end. A page may be empty and have a cursor. */
  next: string | undefined
  looked: number
}

/** Jobs that one call looks at, and that it reads in one round trip. */
const stepJobs = 1000
const readAtOnce = 250
/** Hex digits that tell the jobs of one second apart. */
const digestLength = 12

/**
 * Delayed jobs of the millisecond set and of Resque's lists, merged by time.
 * @param cursor `next` of the page before; absent: the earliest
 * @throws RuntimeError ERR_ARGUMENT for a cursor that is none
 */
export async function delayedPage(
  { store }: Pick<InspectContext, 'store'>,
  filter: DelayedFilter = {},
  { cursor, count = 50, mostMs }: PageBounds = {},
): Promise<DelayedPage> {
  const jobs: DelayedJob[] = []
  const isLate = searchClock(mostMs)
  const batch = isEmpty(filter) ? Math.min(count, stepJobs) : readAtOnce
  let looked = 0
  for (let from = startOf(cursor); ;) {
    const page = await delayedJobs(store.connection, from, batch)
    for (const [at, job] of page.jobs.entries()) {
      if (!isWanted(job, filter)) continue
      jobs.push(job)
      const read = page.jobs.slice(0, at + 1)
      const isLast = page.next === undefined && read.length === page.jobs.length
      if (jobs.length === count)
        return { jobs, next: isLast ? undefined : textOf(cursorBehind(from, read)), looked: looked + read.length }
    }
    looked += page.jobs.length
    if (page.next === undefined) return { jobs, next: undefined, looked }
    if (looked >= stepJobs || isLate()) return { jobs, next: textOf(page.next), looked }
    from = page.next
  }
}

/** What names a delayed job: its ID, or of one in Resque's lists, which have none, the second and the start of the digest of its bytes. */
export const delayedName = ({ id, dueMs, bytes }: DelayedJob): string =>
  id ?? `${dueMs / 1000}-${digestOf(bytes).slice(0, digestLength)}`

/** The delayed job of this name; of several copies in one second, one. @throws RuntimeError ERR_NOT_FOUND */
export async function findDelayed({ store }: Pick<InspectContext, 'store'>, name: string): Promise<DelayedJob> {
  const own = await store.delayed.find(name)
  if (own) return own
  const [, second, digest = ''] = /^(\d{1,12})-([0-9a-f]{12})$/.exec(name) ?? []
  const dueMs = Number(second) * 1000
  for (
    let from: DelayedCursor | undefined = second === undefined ? undefined : startOf(`${dueMs}-0-0`);
    from?.dueMs === dueMs;
  ) {
    const page: DelayedBatch = await delayedJobs(store.connection, from, stepJobs)
    const found = page.jobs.find(
      (job) => job.dueMs === dueMs && job.id === undefined && digestOf(job.bytes).startsWith(digest),
    )
    if (found) return found
    from = page.next
  }
  throw new RuntimeError(
    'ERR_NOT_FOUND',
    `${name}: expected the ID of a delayed job, as \`runtime delayed list\` prints it; it is no longer delayed, or never was`,
  )
}

const textOf = ({ dueMs, inSet, inBucket }: DelayedCursor): string => `${dueMs}-${inSet}-${inBucket}`

const isEmpty = (filter: DelayedFilter): boolean => Object.values(filter).every((value) => value === undefined)

/** True when a delayed job is what a filter asks for. */
export function isWanted(job: DelayedJob, { class: name, queue, text }: DelayedFilter): boolean {
  return (
    (name === undefined || job.className === name) &&
    (queue === undefined || job.queue === queue) &&
    (text === undefined || job.bytes.toLowerCase().includes(text.toLowerCase()))
  )
}

function startOf(cursor = '0-0-0'): DelayedCursor {
  const parts = cursorParts(cursor, /^(\d{1,16})-(\d{1,9})-(\d{1,9})$/).map(Number)
  const [dueMs, inSet, inBucket] = parts as [number, number, number]
  return { dueMs, inSet, inBucket }
}

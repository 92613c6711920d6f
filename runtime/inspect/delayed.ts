import { cursorParts } from '../core/cursor.ts'
import { delayedJobs, type DelayedJob, type DelayedCursor } from '../store/queues/delayed-pages.ts'
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

/**
 * Delayed jobs of the millisecond set and of Resque's lists, merged by time.
 * @param cursor `next` of the page before; absent: the earliest
 * @throws RuntimeError ERR_ARGUMENT for a cursor that is none
 */
export async function delayedPage(
  { store }: Pick<InspectContext, 'store'>,
  filter: DelayedFilter = {},
  { cursor, count = 50 }: { cursor?: string; count?: number } = {},
): Promise<DelayedPage> {
  const jobs: DelayedJob[] = []
  let looked = 0
  for (let from: DelayedCursor | undefined = startOf(cursor); ;) {
    const wanted = isEmpty(filter) ? count - jobs.length : Math.min(readAtOnce, count - jobs.length)
    const page: { jobs: DelayedJob[]; next: DelayedCursor | undefined } = await delayedJobs(
      store.connection,
      from,
      wanted,
    )
    looked += page.jobs.length
    jobs.push(...page.jobs.filter((job) => isWanted(job, filter)))
    const { next } = page
    if (next === undefined) return { jobs, next, looked }
    if (jobs.length >= count || looked >= stepJobs)
      return { jobs, next: `${next.dueMs}-${next.inSet}-${next.inBucket}`, looked }
    from = next
  }
}

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
  const [dueMs, inSet, inBucket] = cursorParts(cursor, /^(\d{1,16})-(\d{1,9})-(\d{1,9})$/).map(Number)
  return { dueMs: dueMs ?? 0, inSet: inSet ?? 0, inBucket: inBucket ?? 0 }
}

import { clip } from '../../config/clip.ts'
import { cursorParts, searchClock, type PageBounds } from '../core/cursor.ts'
import { RuntimeError } from '../core/errors.ts'
import { textIn } from '../core/json-text.ts'
import type { FailedEntry } from '../store/queues/failures.ts'
import { parseFailedAt } from '../store/queues/resque-time.ts'
import { stepClass } from '../workflow/run/steps.ts'
import type { InspectContext } from './context.ts'

/** Which failed jobs; all that is given must hold. */
export interface FailedFilter {
  /** Of a step: the class of the job that it runs. */
  class?: string
  queue?: string
  /** Name of the cause of death: timeout, memory, signal … `exception` also means entries without one, such as Ruby's; '' only those. */
  cause?: string
  /** Name of the error's class, exactly. */
  exception?: string
  /** A part of the error's message. */
  error?: string
  /** A part of the entry anywhere: arguments, backtrace, worker, output. Upper and lower case are the same. */
  text?: string
  /** Failed at or after, and before. */
  sinceMs?: number
  untilMs?: number
  /** False: only those that were not retried. True: only those that were. */
  retried?: boolean
}

/** A page of failed jobs, newest first. */
export interface FailedPage {
  /** Entries in the whole list, whatever the filter. */
  total: number
  entries: FailedEntry[]
  /** Goes on with older entries; undefined at the end. A page may be empty and have a cursor: the step ended, not the list. */
  next: string | undefined
  /** Entries looked at in this step. */
  looked: number
}

/** Failed jobs of one cause, class and error. */
export interface FailedGroup {
  cause: string | undefined
  class: string
  exception: string
  count: number
  /** Error of the newest one, cut. */
  error: string
  /** Among the entries that were looked at. */
  firstSeenMs: number | undefined
  lastSeenMs: number | undefined
  /** Selects this group in pages and in changes of all that match. */
  filter: FailedFilter
}

/** Entries that one call looks at, and bytes: what a call costs does not depend on how long the list is. */
export const stepEntries = 5000
const stepBytes = 8 * 1024 ** 2
/** Entries read in one round trip. */
const readAtOnce = 250

/**
 * Failed jobs, newest first.
 * @param cursor `next` of the page before; absent: the newest
 * @param most entries to look at
 * @param mostMs after so long the step ends with what it has
 * @throws RuntimeError ERR_ARGUMENT for a cursor that is none
 */
export async function failedPage(
  { store }: Pick<InspectContext, 'store'>,
  filter: FailedFilter = {},
  { cursor, count = 50, most = stepEntries, mostMs }: PageBounds & { most?: number } = {},
): Promise<FailedPage> {
  const total = await store.failures.count()
  const entries: FailedEntry[] = []
  const first = Math.min(startOf(cursor, total), total - 1)
  const matches = matcherOf(filter)
  const isLate = searchClock(mostMs)
  let [at, bytes] = [first, 0]
  while (at >= 0 && first - at < most && bytes < stepBytes && (at === first || !isLate())) {
    const wanted = isEmpty(filter) ? Math.min(readAtOnce, count - entries.length) : readAtOnce
    const from = Math.max(0, at - wanted + 1)
    const read = await store.failures.newestFirst(from, at, matches.text)
    bytes += read.bytes
    for (const entry of read.entries) {
      if (!matches.entry(entry)) continue
      entries.push(entry)
      if (entries.length === count)
        return { total, entries, next: cursorOf(entry.index - 1), looked: first - entry.index + 1 }
    }
    at = from - 1
  }
  return { total, entries, next: cursorOf(at), looked: first - at }
}

const cursorOf = (at: number): string | undefined => (at < 0 ? undefined : String(at))

function startOf(cursor: string | undefined, total: number): number {
  if (cursor === undefined) return total - 1
  return Number(cursorParts(cursor, /^(\d{1,9})$/)[0])
}

/** `count` entries from an index on, newest first. */
export const failedFrom = async (
  { store }: Pick<InspectContext, 'store'>,
  start: number,
  count: number,
): Promise<FailedEntry[]> => (await store.failures.list(start, count)).reverse()

/** The same as {@link failedEntry}. @throws RuntimeError ERR_NOT_FOUND when it is not there */
export async function requireFailed(place: Pick<InspectContext, 'store'>, name: string): Promise<FailedEntry> {
  const found = await failedEntry(place, name)
  if (found) return found
  const last = (await place.store.failures.count()) - 1
  const expected =
    last < 0 ? 'a failed job, but there is none' : `an index from 0 to ${last} or the ID of a failed job, found none`
  throw new RuntimeError('ERR_NOT_FOUND', `failed job ${name}: expected ${expected}`)
}

/** One entry by its index, or the newest by the ID of its job; undefined when it is not there. An ID is looked for in the whole list. */
export async function failedEntry(
  { store }: Pick<InspectContext, 'store'>,
  name: string,
): Promise<FailedEntry | undefined> {
  if (/^-?\d{1,9}$/.test(name)) return (await store.failures.list(Number(name), 1))[0]
  for (let cursor: string | undefined; ;) {
    const page: FailedPage = await failedPage({ store }, { text: name }, { ...(cursor ? { cursor } : {}), count: 1 })
    const [entry] = page.entries
    if (entry?.id === name || page.next === undefined) return entry?.id === name ? entry : undefined
    cursor = page.next
  }
}

/**
 * Failed jobs by cause, class and error, the most frequent first, of the newest entries that one step looks at.
 * @param most entries to look at
 * @param mostMs after so long the step ends with what it has
 */
export async function failedGroups(
  { store }: Pick<InspectContext, 'store'>,
  filter: FailedFilter = {},
  { most = stepEntries, mostMs }: { most?: number; mostMs?: number } = {},
): Promise<{ groups: FailedGroup[]; total: number; looked: number }> {
  const { total, entries, looked } = await failedPage({ store }, filter, {
    count: Infinity,
    most,
    ...(mostMs === undefined ? {} : { mostMs }),
  })
  const groups = new Map<string, FailedGroup>()
  for (const entry of entries) {
    const key = JSON.stringify([entry.cause, failedClass(entry), entry.exception])
    const group = groups.get(key)
    if (group) {
      group.count += 1
      group.firstSeenMs = parseFailedAt(entry.failed_at) ?? group.firstSeenMs
    } else groups.set(key, groupOf(entry, filter))
  }
  return { groups: [...groups.values()].sort((a, b) => b.count - a.count), total, looked }
}

function groupOf(entry: FailedEntry, filter: FailedFilter): FailedGroup {
  const { cause, exception } = entry
  const atMs = parseFailedAt(entry.failed_at)
  const name = failedClass(entry)
  return {
    ...{ cause, class: name, exception, count: 1, error: clip(entry.error, 500) },
    ...{ firstSeenMs: atMs, lastSeenMs: atMs },
    filter: { ...filter, class: name, exception, cause: cause ?? '' },
  }
}

/** The step of a run that failed; undefined for any other job. */
export function failedStep({ job }: FailedEntry): { run: string; node: number; class: string } | undefined {
  if (job?.class !== stepClass) return undefined
  const [run, node, className] = Array.isArray(job.args) ? (job.args as unknown[]) : []
  if (typeof run !== 'string' || typeof node !== 'string') return undefined
  return { run, node: Number(node), class: typeof className === 'string' ? className : '?' }
}

/** The job's class; for a step, the class of the job that it runs; `-` where the payload names none. */
export function failedClass(entry: FailedEntry): string {
  const name = entry.job?.class
  return failedStep(entry)?.class ?? (name === undefined ? '-' : textIn(name))
}

const isEmpty = (filter: FailedFilter): boolean => Object.values(filter).every((value) => value === undefined)

/** A filter as two tests: a quick one of an entry's text, which may let too many through, and the exact one. */
export function matcherOf(filter: FailedFilter): {
  text: (text: string) => boolean
  entry: (entry: FailedEntry) => boolean
} {
  const { sinceMs = -Infinity, untilMs = Infinity, retried } = filter
  const inTime = (atMs: number | undefined): boolean => atMs !== undefined && atMs >= sinceMs && atMs < untilMs
  const isTimed = filter.sinceMs !== undefined || filter.untilMs !== undefined
  const needle = filter.text?.toLowerCase()
  const escaped = needle === undefined ? '' : JSON.stringify(needle).slice(1, -1)
  const holds = (text: string): boolean =>
    needle === undefined || text.toLowerCase().includes(needle) || text.toLowerCase().includes(escaped)
  return {
    text: holds,
    entry: (entry) =>
      (filter.class === undefined || failedClass(entry) === filter.class) &&
      (filter.queue === undefined || entry.queue === filter.queue) &&
      (filter.cause === undefined || (entry.cause ?? (filter.cause && 'exception')) === filter.cause) &&
      (filter.exception === undefined || entry.exception === filter.exception) &&
      (filter.error === undefined || entry.error.includes(filter.error)) &&
      (retried === undefined || (entry.retried_at !== undefined) === retried) &&
      (!isTimed || inTime(parseFailedAt(entry.failed_at))),
  }
}

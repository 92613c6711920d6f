import { rawMembers } from '../../runtime/core/raw-json.ts'
import type { FailedEntry } from '../../runtime/store/queues/failures.ts'
import type { Store } from '../../runtime/store/store.ts'
import { stepClass } from '../../runtime/workflow/run/steps.ts'

/** Which failed jobs; all that is given must hold. */
export interface FailedFilter {
  class?: string
  queue?: string
  cause?: string
  /** Name of the error's class. */
  error?: string
  /** Part of the error's message or of the payload, whatever the case. */
  text?: string
  sinceMs?: number
  untilMs?: number
}

/** A page of failed jobs, newest first. */
export interface FailedPage {
  entries: FailedEntry[]
  /** Where to go on below; undefined when nothing is left. */
  below: number | undefined
  /** Entries that were looked at. */
  looked: number
}

/** Jobs that failed for one reason. */
export interface FailedGroup {
  class: string
  cause: string
  error: string
  count: number
  /** Of those that were looked at. */
  firstMs: number
  lastMs: number
  message: string
}

const batch = 500
/** One page looks at this many entries, or for so long; then it says so, and a link goes on. */
const mostLooked = 20_000
const longestLookMs = 900

export const failedAtMs = ({ failed_at: at }: FailedEntry): number => Date.parse(at)

/** A workflow step's run, number and class. */
export function stepOf({ payload }: FailedEntry): { run: string; node: number; class: string } | undefined {
  if (!payload.startsWith('{')) return undefined
  const raw = rawMembers(payload)
  if (raw.get('class') !== JSON.stringify(stepClass)) return undefined
  const args: unknown = JSON.parse(raw.get('args') ?? '[]')
  const [run, node, className = '?'] = Array.isArray(args) ? (args as string[]) : []
  return run === undefined || node === undefined ? undefined : { run, node: Number(node), class: className }
}

/** The job's class; for a step, the class of the job that it runs. */
export function failedClass(entry: FailedEntry): string {
  if (!entry.payload.startsWith('{')) return '?'
  const name = rawMembers(entry.payload).get('class')
  return stepOf(entry)?.class ?? (name === undefined ? '?' : String(JSON.parse(name)))
}

/** True for a job that the filter means. */
export function matches(entry: FailedEntry, filter: FailedFilter): boolean {
  const { class: className, queue, cause, error, text, sinceMs = -Infinity, untilMs = Infinity } = filter
  const at = failedAtMs(entry)
  return (
    (className === undefined || failedClass(entry) === className) &&
    (queue === undefined || entry.queue === queue) &&
    (cause === undefined || (entry.cause ?? 'exception') === cause) &&
    (error === undefined || entry.exception === error) &&
    (Number.isNaN(at) || (at >= sinceMs && at < untilMs)) &&
    (text === undefined || `${entry.error}\n${entry.payload}`.toLowerCase().includes(text.toLowerCase()))
  )
}

/** Batches of entries below an index, newest first, while there is time. */
async function* lookDown(store: Store, below: number): AsyncGenerator<FailedEntry[]> {
  const endsAtMs = Date.now() + longestLookMs
  let looked = 0
  for (let to = below; to > 0 && looked < mostLooked && Date.now() < endsAtMs;) {
    const from = Math.max(0, to - batch)
    yield (await store.failures.list(from, to - from)).reverse()
    looked += to - from
    to = from
  }
}

/** A page of what matches, from the newest entry below `below` on. */
export async function searchFailed(
  store: Store,
  filter: FailedFilter,
  want: number,
  below?: number,
): Promise<FailedPage> {
  const total = await store.failures.count()
  const top = Math.min(below ?? total, total)
  if (Object.values(filter).every((value) => value === undefined)) {
    const from = Math.max(0, top - want)
    const entries = top === 0 ? [] : (await store.failures.list(from, top - from)).reverse()
    return { entries, below: from === 0 ? undefined : from, looked: top - from }
  }
  const entries: FailedEntry[] = []
  let lowest = top
  for await (const some of lookDown(store, top)) {
    for (const entry of some) {
      lowest = entry.index
      if (matches(entry, filter)) entries.push(entry)
      if (entries.length === want) return { entries, below: lowest === 0 ? undefined : lowest, looked: top - lowest }
    }
    if (some.length === 0) lowest = Math.max(0, lowest - batch)
  }
  return { entries, below: lowest === 0 ? undefined : lowest, looked: top - lowest }
}

/** What matches by class, cause and error, the most frequent first, of the newest entries that there is time for. */
export async function groupFailed(
  store: Store,
  filter: FailedFilter,
): Promise<{ groups: FailedGroup[]; looked: number; total: number }> {
  const total = await store.failures.count()
  const groups = new Map<string, FailedGroup>()
  let looked = 0
  for await (const some of lookDown(store, total)) {
    looked += some.length
    for (const entry of some) if (matches(entry, filter)) addTo(groups, entry)
  }
  return { groups: [...groups.values()].sort((a, b) => b.count - a.count), looked, total }
}

function addTo(groups: Map<string, FailedGroup>, entry: FailedEntry): void {
  const [className, cause, at] = [failedClass(entry), entry.cause ?? 'exception', failedAtMs(entry)]
  const key = [className, cause, entry.exception].join('\0')
  const group = groups.get(key)
  if (group) {
    group.count += 1
    group.firstMs = Math.min(group.firstMs, at)
    group.lastMs = Math.max(group.lastMs, at)
  } else
    groups.set(key, {
      class: className,
      cause,
      error: entry.exception,
      count: 1,
      firstMs: at,
      lastMs: at,
      message: entry.error ?? '',
    })
}

/** How many match; a lower bound where there was no time to look at all. */
export async function countFailed(store: Store, filter: FailedFilter): Promise<{ count: number; isExact: boolean }> {
  const total = await store.failures.count()
  if (Object.values(filter).every((value) => value === undefined)) return { count: total, isExact: true }
  let [count, looked] = [0, 0]
  for await (const some of lookDown(store, total)) {
    looked += some.length
    count += some.filter((entry) => matches(entry, filter)).length
  }
  return { count, isExact: looked >= total }
}

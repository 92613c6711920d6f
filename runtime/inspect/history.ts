import type { CountedSpan } from '../store/metrics.ts'
import type { Inspected } from './inspected.ts'

/** How far back a history goes: a day in points of 15 minutes, or two weeks in points of 4 hours. */
export type HistoryRange = '24h' | '14d'

/** Attempts of jobs that ended in one span of time, and how long they waited and ran. */
export interface HistoryPoint {
  /** Its first millisecond, since 1970. */
  atMs: number
  lengthMs: number
  /** Attempts that ended in any way but back on their queue. */
  ended: number
  /** Those that failed, also where a retry follows. */
  failed: number
  wait: Quantiles
  run: Quantiles
}

/** Times in ms, each the upper bound of its bucket: half of the jobs, and so on, took at most this long. Undefined: no job. */
export interface Quantiles {
  p50: number | undefined
  p95: number | undefined
  /** Infinity: longer than the largest bucket. */
  p99: number | undefined
}

/** A history, and the names that it has counts of. */
export interface History {
  points: HistoryPoint[]
  queues: string[]
  classes: string[]
}

const minuteMs = 60_000
const hourMs = 60 * minuteMs

/**
 * What the counters in Redis say of the last day or two weeks, oldest first. Counters of a minute have no class (see
 * runtime/metrics/tally.ts), so that a class has points of an hour. Times waited are known by queue, not by class.
 */
export async function history(
  { store }: Pick<Inspected, 'store'>,
  range: HistoryRange,
  only: { queue?: string | undefined; className?: string | undefined },
  nowMs: number,
): Promise<History> {
  const isByMinute = range === '24h' && only.className === undefined
  const [spans, hours] = await Promise.all([
    isByMinute ? store.metrics.minutes(1440, nowMs) : store.metrics.hours(range === '24h' ? 24 : 336, nowMs),
    store.metrics.hours(24, nowMs),
  ])
  const lengthMs = range === '14d' ? 4 * hourMs : isByMinute ? 15 * minuteMs : hourMs
  const groups = new Map<number, CountedSpan[]>()
  for (const span of spans) {
    const atMs = Math.floor(span.atMs / lengthMs) * lengthMs
    groups.set(atMs, [...(groups.get(atMs) ?? []), span])
  }
  const fields = [...spans, ...hours].flatMap(({ counts }) => Object.keys(counts)).map(partsOf)
  const names = (at: 1 | 2): string[] =>
    [
      ...new Set(fields.filter((parts) => parts[0] === 'run' && parts.length > at + 1).map((parts) => parts[at] ?? '')),
    ].sort()
  return {
    points: [...groups].map(([atMs, each]) => pointOf(atMs, lengthMs, each, only)),
    queues: names(1),
    classes: names(2),
  }
}

/** Shares of attempts that failed in the last 60 minutes and in the 60 before; undefined where none ended. */
export async function failureRates(
  { store }: Pick<Inspected, 'store'>,
  nowMs: number,
): Promise<{ now: number | undefined; before: number | undefined }> {
  const spans = await store.metrics.minutes(120, nowMs)
  const rate = (some: readonly CountedSpan[]): number | undefined => {
    const { ended, failed } = pointOf(0, hourMs, some, {})
    return ended === 0 ? undefined : failed / ended
  }
  return { now: rate(spans.slice(60)), before: rate(spans.slice(0, 60)) }
}

function pointOf(
  atMs: number,
  lengthMs: number,
  spans: readonly CountedSpan[],
  { queue, className }: { queue?: string | undefined; className?: string | undefined },
): HistoryPoint {
  const buckets = { run: new Map<number, number>(), wait: new Map<number, number>() }
  let [ended, failed] = [0, 0]
  for (const [field, n] of spans.flatMap(({ counts }) => Object.entries(counts))) {
    const [name, ofQueue, ...labels] = partsOf(field)
    if (queue !== undefined && ofQueue !== queue) continue
    if (name === 'ended') {
      const [outcome, ofClass] = labels.length === 1 ? [labels[0]] : [labels[1], labels[0]]
      if ((className !== undefined && ofClass !== className) || outcome === 'put back') continue
      ended += n
      if (outcome === 'failed' || outcome === 'retry') failed += n
    } else if (name === 'run' || name === 'wait') {
      if (name === 'run' && className !== undefined && labels[0] !== className) continue
      const bound = labels.at(-1) === 'inf' ? Infinity : Number(labels.at(-1))
      buckets[name].set(bound, (buckets[name].get(bound) ?? 0) + n)
    }
  }
  return { atMs, lengthMs, ended, failed, wait: quantiles(buckets.wait), run: quantiles(buckets.run) }
}

function quantiles(buckets: ReadonlyMap<number, number>): Quantiles {
  const sorted = [...buckets].sort(([a], [b]) => a - b)
  const total = sorted.reduce((sum, [, n]) => sum + n, 0)
  const at = (share: number): number | undefined => {
    let sum = 0
    return sorted.find(([, n]) => (sum += n) >= share * total)?.[0]
  }
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) }
}

/** A counter's name and labels; none for a field of another kind. */
function partsOf(field: string): string[] {
  try {
    const parts: unknown = JSON.parse(field)
    return Array.isArray(parts) ? parts.map(String) : []
  } catch {
    return []
  }
}

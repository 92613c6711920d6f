import { jsonArray, textIn } from '../core/json-text.ts'
import type { CountedSpan } from '../store/metrics.ts'
import type { InspectContext } from './context.ts'

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
  { store }: Pick<InspectContext, 'store'>,
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

/** Attempts that ended, and those of them that failed. */
export type Ends = Pick<HistoryPoint, 'ended' | 'failed'>

/** How attempts ended in the last 60 minutes, in the 60 before, and in the same 60 a day ago. */
export interface FailureRates {
  now: Ends
  before: Ends
  yesterday: Ends
}

/** The share that failed; undefined where none ended. */
export const failureShare = ({ ended, failed }: Ends): number | undefined => (ended === 0 ? undefined : failed / ended)

/** How often attempts fail now, against the hour before and the same hour yesterday. */
export async function failureRates({ store }: Pick<InspectContext, 'store'>, nowMs: number): Promise<FailureRates> {
  const [today, yesterday] = await Promise.all([
    store.metrics.minutes(120, nowMs),
    store.metrics.minutes(60, nowMs - 24 * hourMs),
  ])
  const ends = (spans: readonly CountedSpan[]): Ends => {
    const { ended, failed } = pointOf(0, hourMs, spans, {})
    return { ended, failed }
  }
  return { now: ends(today.slice(60)), before: ends(today.slice(0, 60)), yesterday: ends(yesterday) }
}

/** How a queue moves, in jobs a minute. */
export interface Flow {
  /** Jobs that came, since the oldest that waits; undefined where that is not known or less than a minute ago. */
  inAMinute: number | undefined
  /** Attempts that ended in the last {@link flowMinutes} minutes. */
  outAMinute: number
  /** Until nothing waits, if it goes on like this. Infinity: the queue grows. Undefined: not known. */
  drainMs: number | undefined
}

/** What a queue's way out is measured over: whole minutes, the present one left out. */
export const flowMinutes = 10

/** Attempts that ended in the last {@link flowMinutes} minutes, by queue. */
export async function recentlyEnded(
  { store }: Pick<InspectContext, 'store'>,
  nowMs: number,
): Promise<Map<string, number>> {
  const spans = (await store.metrics.minutes(flowMinutes + 1, nowMs)).slice(0, flowMinutes)
  const queues = new Set(spans.flatMap(({ counts }) => Object.keys(counts)).map((field) => partsOf(field)[1] ?? ''))
  return new Map([...queues].map((queue) => [queue, pointOf(0, minuteMs, spans, { queue }).ended]))
}

/**
 * How a queue moves. A queue is first in, first out: all that came since its oldest job came still waits, so its size and
 * that age give the rate of what comes in.
 */
export function flowOf({ size, oldestMs }: { size: number; oldestMs: number | undefined }, ended: number): Flow {
  const outAMinute = ended / flowMinutes
  if (size === 0) return { inAMinute: outAMinute, outAMinute, drainMs: 0 }
  if (oldestMs === undefined || oldestMs < minuteMs) return { inAMinute: undefined, outAMinute, drainMs: undefined }
  const inAMinute = (size * minuteMs) / oldestMs
  const drainMs = outAMinute > inAMinute ? (size * minuteMs) / (outAMinute - inAMinute) : Infinity
  return { inAMinute, outAMinute, drainMs }
}

/** How long jobs of each class ran in the last 24 hours. */
export async function runTimes(
  { store }: Pick<InspectContext, 'store'>,
  nowMs: number,
): Promise<Map<string, Quantiles>> {
  const classes = new Map<string, Map<number, number>>()
  for (const [field, n] of (await store.metrics.hours(24, nowMs)).flatMap(({ counts }) => Object.entries(counts))) {
    const [name, , className = '', bound] = partsOf(field)
    if (name !== 'run' || bound === undefined) continue
    const buckets = classes.get(className) ?? new Map<number, number>()
    const top = bound === 'inf' ? Infinity : Number(bound)
    classes.set(className, buckets.set(top, (buckets.get(top) ?? 0) + n))
  }
  return new Map([...classes].map(([name, buckets]) => [name, quantiles(buckets)]))
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
  return jsonArray(field).map(textIn)
}

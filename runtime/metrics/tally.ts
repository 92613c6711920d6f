import { clip } from '../../config/clip.ts'
import { countsAtOnce, type Count, type CountTarget, type Metrics } from '../store/metrics.ts'
import type { JobEnd } from '../messages.ts'

/** Upper bounds of the histograms in milliseconds, 5 ms to 6 h; what takes longer is in `inf`. */
export const bucketsMs = [
  5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000, 900_000, 3_600_000, 21_600_000,
] as const

/** The label in place of a queue or a class when there are too many of them. */
export const OTHER = 'other'

/** Characters of a queue's or a class's name that a counter keeps. */
const maxName = 100

/** The bucket of a time: its upper bound in milliseconds as text, or `inf`. */
export function bucketOf(ms: number): string {
  for (let i = 0; i < bucketsMs.length; i += 1) if (ms <= (bucketsMs[i] ?? 0)) return bucketNames[i] ?? ''
  return 'inf'
}

const bucketNames = bucketsMs.map(String)

/** A counter's field: its name and labels. */
export const fieldOf = (name: string, ...labels: string[]): string => JSON.stringify([name, ...labels])

/** What was counted of jobs of one queue and class that ended in one way. */
interface Series {
  labels: { queue: string; className: string; outcome: string; cause: string }
  ended: number
  runMs: number
  run: Map<string, number>
  waitMs: number
  wait: Map<string, number>
  forkMs: number
  fork: Map<string, number>
}

/**
 * Counts of ended jobs, kept in memory until they are taken. Counters in Redis are `ended` (queue, class, outcome, cause), `run` (queue,
 * class, bucket) and `run_ms` (queue, class), `wait` (queue, bucket) and `wait_ms` (queue), `fork` (bucket) and `fork_ms`. Those of a minute have no class and no cause, so
 * that they stay small.
 */
export class Tally {
  #series = new Map<string, Series>()
  #left = new Map<string, Count>()

  /** Counts one end. */
  add({ queue, className, outcome, cause, waitMs, runMs, forkMs }: JobEnd): void {
    const key = `${queue}\0${className}\0${outcome}\0${cause}`
    let series = this.#series.get(key)
    if (!series) {
      const labels = { queue: clip(queue, maxName), className: clip(className, maxName), outcome, cause }
      series = { labels, ended: 0, runMs: 0, run: new Map(), waitMs: 0, wait: new Map(), forkMs: 0, fork: new Map() }
      this.#series.set(key, series)
    }
    series.ended += 1
    series.runMs += runMs
    increment(series.run, bucketOf(runMs))
    if (waitMs !== undefined) {
      series.waitMs += waitMs
      increment(series.wait, bucketOf(waitMs))
    }
    if (forkMs === undefined) return
    series.forkMs += forkMs
    increment(series.fork, bucketOf(forkMs))
  }

  /** What was counted since the last call, and what was put back. */
  take(): Count[] {
    const counts = [...this.#left.values(), ...[...this.#series.values()].flatMap(countsOf)]
    this.#series = new Map()
    this.#left = new Map()
    return counts
  }

  /** Puts back what could not be written, so that it is taken again; one count for each field, however often this happens. */
  restore(counts: readonly Count[]): void {
    for (const count of counts) {
      const key = count.target + count.field
      this.#left.set(key, { ...count, by: count.by + (this.#left.get(key)?.by ?? 0) })
    }
  }
}

const increment = (map: Map<string, number>, key: string): unknown => map.set(key, (map.get(key) ?? 0) + 1)

function countsOf({ labels, ended, runMs, run, waitMs, wait, forkMs, fork }: Series): Count[] {
  const { queue: q, className: c, outcome, cause } = labels
  const counts: Count[] = []
  const count = (target: CountTarget, by: number, name: string, own: string[], other: string[]): unknown =>
    counts.push({ target, field: fieldOf(name, ...own), other: fieldOf(name, ...other), by })
  count('minute', ended, 'ended', [q, outcome], [OTHER, outcome])
  for (const [bucket, n] of run) count('minute', n, 'run', [q, bucket], [OTHER, bucket])
  for (const target of ['total', 'hour'] as const) {
    count(target, ended, 'ended', [q, c, outcome, cause], [OTHER, OTHER, outcome, cause])
    for (const [bucket, n] of run) count(target, n, 'run', [q, c, bucket], [OTHER, OTHER, bucket])
    count(target, runMs, 'run_ms', [q, c], [OTHER, OTHER])
    for (const [bucket, n] of fork) count(target, n, 'fork', [bucket], [bucket])
    if (fork.size > 0) count(target, forkMs, 'fork_ms', [], [])
  }
  for (const target of ['total', 'hour', 'minute'] as const) {
    for (const [bucket, n] of wait) count(target, n, 'wait', [q, bucket], [OTHER, bucket])
    if (wait.size > 0) count(target, waitMs, 'wait_ms', [q], [OTHER])
  }
  return counts
}

/** Writes a tally to Redis. While Redis is away the counts are kept; a worker that is killed loses those of its last seconds. */
export async function writeTally(tally: Tally, metrics: Metrics, nowMs: number): Promise<void> {
  const counts = tally.take()
  for (let i = 0; i < counts.length; i += countsAtOnce) {
    try {
      await metrics.add(counts.slice(i, i + countsAtOnce), nowMs)
    } catch (error) {
      tally.restore(counts.slice(i))
      throw error
    }
  }
}

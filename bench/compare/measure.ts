// What is measured: a file in measures/ is one kind of it.
import type { Peer } from './peer.ts'
import type { Servers } from './servers.ts'

/** Sizes of a run; `--quick` makes them small. */
export interface Sizes {
  /** Time over which jobs are counted, after the time in which a worker warms up. */
  windowMs: number
  warmUpMs: number
  enqueued: number
  steps: number
  /** Jobs with payloads of 100 kB. */
  large: number
  wakes: number
  /** The time for them. */
  wakesMs: number
  delayed: number
  idleMs: number
}

export interface Bench {
  servers: Servers
  sizes: Sizes
}

/** A line of the page's tables. */
export interface Row {
  id: string
  title: string
  unit: 'jobs/s' | 'ms' | 'MB' | '/s'
  /** Which share of the values is below the figure: 0.5 is the median. */
  quantile: number
}

/** Values of rows by their ids. Those of all rounds are put together. */
export type Values = Record<string, readonly number[]>

export interface Measure {
  id: string
  group: Group
  rows: readonly Row[]
  /** So many rounds are enough, for what gives many values a round, or hardly varies. */
  rounds?: number
  has(peer: Peer): boolean
  run(bench: Bench, peer: Peer): Promise<Values>
  /** All peers at once, for what takes time and no processor. */
  together?: boolean
}

export type Group = 'throughput' | 'enqueue' | 'latency' | 'worker' | 'workflow'

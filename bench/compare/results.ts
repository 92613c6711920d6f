// The results of a run, as bench/compare/results.json keeps them and the page shows them.
import { quantile } from '../support.ts'
import type { Group, Measure, Row, Values } from './measure.ts'

export interface Results {
  /** Day of the run, as YYYY-MM-DD. */
  date: string
  rounds: number
  minutes: number
  machine: Record<string, string>
  /** In the order of the columns; ours first. */
  peers: readonly { id: string; name: string; version: string; settings: string }[]
  absent: readonly { name: string; install: string }[]
  rows: readonly ResultRow[]
}

export interface ResultRow extends Row {
  group: Group
  /** By the ids of peers; a peer that has no equal is not there. */
  cells: Record<string, Cell>
}

/** A figure with the lowest and the highest of its values; or why there is none. */
export type Cell = { value: number; low: number; high: number; count: number } | { failed: string }

/** The values and failures of all rounds. */
export class Tally {
  readonly #values = new Map<string, number[]>()
  readonly #failures = new Map<string, string>()

  add(peer: string, values: Values): void {
    for (const [row, list] of Object.entries(values)) {
      const key = `${row} ${peer}`
      this.#values.set(key, [...(this.#values.get(key) ?? []), ...list])
    }
  }

  fail(peer: string, measure: Measure, why: string): void {
    for (const row of measure.rows) this.#failures.set(`${row.id} ${peer}`, why)
  }

  /** A value of any round counts more than a failure of another. */
  rows(measures: readonly Measure[], peers: readonly string[]): ResultRow[] {
    return measures.flatMap(({ group, rows }) =>
      rows.map((row) => {
        const cells = peers.flatMap((peer) => {
          const cell = this.#cell(row, peer)
          return cell === undefined ? [] : [[peer, cell] as const]
        })
        return { ...row, group, cells: Object.fromEntries(cells) }
      }),
    )
  }

  #cell({ id, quantile: share }: Row, peer: string): Cell | undefined {
    const values = (this.#values.get(`${id} ${peer}`) ?? []).filter(Number.isFinite)
    if (values.length > 0) {
      const [value, low, high] = [quantile(values, share), Math.min(...values), Math.max(...values)].map(short)
      return { value: value ?? NaN, low: low ?? NaN, high: high ?? NaN, count: values.length }
    }
    const failed = this.#failures.get(`${id} ${peer}`)
    return failed === undefined ? undefined : { failed }
  }
}

/** Four digits. */
const short = (value: number): number => Number(value.toPrecision(4))

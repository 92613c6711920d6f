import { setTimeout as sleep } from 'node:timers/promises'
import { Job } from 'resque-runtime'

export interface Report {
  rows: number
  revenue: number
}

/** A slow job. It reports its progress, and keeps its result for an hour, so that a page can show both. */
export class ReportJob extends Job {
  static queue = 'default'
  static keepResult = '1h'
  static timeout = '5m'

  async perform(rows: number, options: { failAt?: number } = {}): Promise<Report> {
    let revenue = 0
    for (let row = 1; row <= rows; row++) {
      if (row === options.failAt) throw new Error(`row ${row}: the price is not a number`)
      await sleep(20, undefined, { signal: this.signal })
      revenue += row * 1.5
      this.progress(row, rows, `row ${row}`)
    }
    return { rows, revenue }
  }
}

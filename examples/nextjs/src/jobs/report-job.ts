import { Job } from 'resque-runtime'

export class ReportJob extends Job {
  static wireName = 'ReportJob' // `next build` may rename classes
  static queue = 'default'
  static keepResult = '1h'

  async perform(rows: number) {
    for (let row = 1; row <= rows; row++) this.progress(row, rows, `row ${row}`)
    return { rows }
  }
}

import { Job } from 'resque-runtime'
import { jobContext } from '../context.js'
import { ReportBuilder } from '../reports/report-builder.js'

export class ReportJob extends Job {
  static queue = 'default'
  static keepResult = '1h'

  async perform(rows: number) {
    const context = await jobContext()
    return context.get(ReportBuilder).build(rows)
  }
}

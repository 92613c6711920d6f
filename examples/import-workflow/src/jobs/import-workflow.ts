import { join } from 'node:path'
import { Workflow } from 'resque-runtime'
import { DownloadCsvJob, GenReportJob, ImportXmlJob, TellOperatorJob } from './import-jobs.ts'

/** CSV and XML imports side by side, the rows fanned out, a report after all of it. */
export class ImportWorkflow extends Workflow {
  /** The next one may not start while this one runs. */
  static override unique = true
  static override ttl = '7d'

  configure(folder: string, out = join(folder, 'report.json')) {
    const xml = this.run(ImportXmlJob, { params: { folder } })
    const report = this.run(GenReportJob, { params: { out }, after: xml })
    this.run(DownloadCsvJob, { params: { folder, report: report.id }, before: report, timeout: '10 minutes' })
    this.run(TellOperatorJob, { params: { out }, after: { failed: xml } })
  }
}

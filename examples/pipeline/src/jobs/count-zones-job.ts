import { readFile } from 'node:fs/promises'
import { Job } from 'resque-runtime'
import { ExtractZonesJob } from './extract-zones-job.ts'

/** Counts the zones of each country. */
export class CountZonesJob extends Job {
  static override queue = 'etl'

  async perform(): Promise<Record<string, number>> {
    // A stand-in for what goes wrong at night and right a little later.
    if (this.attempt < 3) throw new Error(`the table is locked (attempt ${this.attempt})`)
    const extracted = this.payload(ExtractZonesJob)
    if (!extracted) throw new Error('expected to run after ExtractZonesJob: begin at step "extract"')
    const rows = JSON.parse(await readFile(extracted.file, 'utf8')) as { zone: string; countries: string[] }[]
    const counts: Record<string, number> = {}
    rows.forEach(({ countries }, i) => {
      for (const country of countries) counts[country] = (counts[country] ?? 0) + 1
      if (i % 100 === 0) this.progress(i, rows.length)
    })
    return counts
  }
}

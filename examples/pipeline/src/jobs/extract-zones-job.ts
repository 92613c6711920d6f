import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Job } from 'resque-runtime'

/** Reads the table: one row a zone, with the countries that use it. */
export class ExtractZonesJob extends Job {
  static override queue = 'etl'

  async perform({ source, dir }: { source: string; dir: string }): Promise<{ file: string; rows: number }> {
    const lines = (await readFile(source, 'utf8')).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    const rows = lines.map((line) => {
      const [countries = '', , zone = ''] = line.split('\t')
      return { zone, countries: countries.split(',') }
    })
    // Steps run in processes of their own, on any machine: what is large goes to a place that all of them see, and its
    // address to the next step.
    const file = join(dir, `zones-${this.workflow.id}.json`)
    await writeFile(file, JSON.stringify(rows))
    this.log(`${rows.length} zones`)
    return { file, rows: rows.length }
  }
}

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { Job } from 'resque-runtime'
import { CountZonesJob } from './count-zones-job.ts'

/** Writes the counts where they are wanted. A step may run more than once, so what it writes replaces what was there. */
export class LoadZonesJob extends Job {
  static override queue = 'etl'

  async perform({ dir, postgres }: { dir: string; postgres?: string }): Promise<{ countries: number; to: string }> {
    const counts = this.payload(CountZonesJob) ?? {}
    const countries = Object.keys(counts).length
    if (postgres === undefined) {
      const file = join(dir, 'zones-by-country.json')
      await writeFile(file, JSON.stringify(counts))
      return { countries, to: file }
    }
    const client = new pg.Client(postgres)
    await client.connect()
    try {
      await client.query(
        'create table if not exists zones_by_country (country text primary key, zones integer not null)',
      )
      await client.query(
        `insert into zones_by_country select key, value::integer from json_each_text($1)
          on conflict (country) do update set zones = excluded.zones`,
        [JSON.stringify(counts)],
      )
    } finally {
      await client.end()
    }
    return { countries, to: 'postgres' }
  }
}

import { writeFile } from 'node:fs/promises'
import { findJob, Job } from 'resque-runtime'
import type { Country } from './import-countries-job.ts'
import type { Zone } from './import-zones-job.ts'

/** What the report counted. */
export interface Totals {
  countries: number
  zones: number
  south: number
}

/** Sums up what the import jobs returned, and writes a page. */
export class ReportJob extends Job {
  static override queue = 'high'
  static override keepResult = '10 minutes'

  async perform(page: string, countriesId: string, zoneIds: string[]): Promise<Totals> {
    const countries = (await findJob<Country[]>(countriesId).result()) ?? []
    const zones: Zone[] = []
    for (const [i, id] of zoneIds.entries()) {
      zones.push(...((await findJob<Zone[]>(id).result()) ?? []))
      this.progress(i + 1, zoneIds.length, 'batches read')
    }
    const totals = {
      countries: countries.length,
      zones: zones.length,
      south: zones.filter((zone) => zone.latitude < 0).length,
    }
    await writeFile(page, html(totals, countries, zones))
    this.log(`wrote ${page}`)
    return totals
  }
}

function html(totals: Totals, countries: Country[], zones: Zone[]): string {
  const rows = countries
    .map(({ code, name }) => ({ name, count: zones.filter((zone) => zone.countries.includes(code)).length }))
    .sort((a, b) => b.count - a.count || a.name.localeCompare(b.name))
    .slice(0, 15)
  const widest = rows[0]?.count ?? 1
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Time zones</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem; color: #222 }
  table { border-collapse: collapse; width: 100% }
  td { padding: 0.15rem 0.5rem; white-space: nowrap }
  td:last-child { width: 60% }
  i { display: block; height: 0.9em; background: #c0392b }
</style>
<h1>Time zones</h1>
<p>${totals.zones} time zones in ${totals.countries} countries and territories; ${totals.south} of the zones have their
principal place south of the equator. The countries with most zones:</p>
<table>
${rows.map(({ name, count }) => `  <tr><td>${escape(name)}<td>${count}<td><i style="width:${(count / widest) * 100}%"></i>`).join('\n')}
</table>
<p>Counted by jobs, each in a process of its own, from the tz database's <code>iso3166.tab</code> and <code>zone1970.tab</code>.</p>
</html>
`
}

const escape = (text: string): string => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)

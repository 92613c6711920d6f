import { readFile } from 'node:fs/promises'
import { Job } from 'resque-runtime'

/** A line of zone1970.tab. */
export interface Zone {
  name: string
  countries: string[]
  /** Degrees, north is positive. */
  latitude: number
}

/** Imports some lines of the time zones; many of these run side by side. */
export class ImportZonesJob extends Job {
  static override queue = 'high'
  static override keepResult = '10 minutes'

  /** @param from the first line to take, comments not counted */
  async perform(file: string, from: number, count: number): Promise<Zone[]> {
    const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    return lines.slice(from, from + count).map(zone)
  }
}

function zone(line: string): Zone {
  const [countries, place, name] = line.split('\t')
  const found = /^([+-])(\d\d)(\d\d)(\d\d)?[+-]/.exec(place ?? '')
  if (!countries || !name || !found) throw new Error(`expected country codes, coordinates and a name, got ${line}`)
  const [, sign, degrees, minutes, seconds = 0] = found
  const latitude = Number(degrees) + Number(minutes) / 60 + Number(seconds) / 3600
  return { name, countries: countries.split(','), latitude: sign === '-' ? -latitude : latitude }
}

import { readFile } from 'node:fs/promises'
import { Job } from 'resque-runtime'

/** A line of iso3166.tab. */
export interface Country {
  code: string
  name: string
}

/** Imports the countries of the time zone database. */
export class ImportCountriesJob extends Job {
  static override queue = 'high'
  static override keepResult = '10 minutes'

  async perform(file: string): Promise<Country[]> {
    const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    return lines.map((line, i) => {
      const [code, name] = line.split('\t')
      if (!code || !name) throw new Error(`${file}, country ${i + 1}: expected a code and a name, got ${line}`)
      this.progress(i + 1, lines.length, name)
      return { code, name }
    })
  }
}

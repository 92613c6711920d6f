import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Job } from 'resque-runtime'

/** Reads prices; its output goes to the report as a payload. */
export class ImportXmlJob extends Job {
  static override retry = { limit: 2, delay: '500ms' }
  async perform({ folder }: { folder: string }) {
    const xml = await readFile(join(folder, 'prices.xml'), 'utf8')
    const prices = [...xml.matchAll(/<price sku="([^"]+)">([^<]+)</g)].map(
      ([, sku, price]) => [sku, Number(price)] as const,
    )
    return { prices: Object.fromEntries(prices) as Record<string, number> }
  }
}

/**
 * Reads the rows, and adds a job for each while the run is running; the report waits for them, too. All of this becomes
 * part of the graph in the one step that records the end of this job.
 */
export class DownloadCsvJob extends Job {
  async perform({ folder, report }: { folder: string; report: string }) {
    const [, ...lines] = (await readFile(join(folder, 'products.csv'), 'utf8')).trim().split('\n')
    for (const line of lines) {
      const [sku = '', name = ''] = line.split(',')
      this.workflow.add(ImportRowJob, { params: { sku, name }, before: report })
    }
    return { rows: lines.length }
  }
}

/** One row. A row without a name is dropped: that is no failure, and the report goes on without it. */
export class ImportRowJob extends Job {
  perform({ sku, name }: { sku: string; name: string }) {
    return name === '' ? { sku, dropped: true } : { sku, name }
  }
}

/** Runs when all rows and the prices are in. */
export class GenReportJob extends Job {
  static override queue = 'low'
  async perform({ out }: { out: string }) {
    const prices = this.payload(ImportXmlJob)?.prices ?? {}
    const rows = this.payloads
      .filter((payload) => payload.class === 'ImportRowJob')
      .map(({ output }) => output as { sku: string; name?: string })
    const products = rows.flatMap(({ sku, name }) => (name === undefined ? [] : [{ sku, name, price: prices[sku] }]))
    const report = {
      imported: products.length,
      dropped: rows.length - products.length,
      products: products.sort((a, b) => (a.sku < b.sku ? -1 : 1)),
    }
    await writeFile(out, `${JSON.stringify(report, null, 2)}\n`)
    return { imported: report.imported, dropped: report.dropped }
  }
}

/** Runs only when the prices could not be read, whatever was tried. */
export class TellOperatorJob extends Job {
  static override queue = 'high'
  async perform({ out }: { out: string }) {
    await writeFile(`${out}.alarm`, 'the prices could not be imported\n')
  }
}

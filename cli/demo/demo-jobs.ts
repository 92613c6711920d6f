import { readFile } from 'node:fs/promises'
import { formatDuration } from '../../runtime/core/duration.ts'
import { toError } from '../../runtime/core/errors.ts'
import { formatBytes } from '../../runtime/core/size.ts'
import type { Client } from '../../runtime/jobs/client.ts'
import type { JobDefinition } from '../../runtime/jobs/job.ts'
import type { JobRecord } from '../../runtime/store/queues/jobs.ts'
import type { Cause } from '../../runtime/worker/outcome/cause.ts'

/** Lines a zone import takes. */
const BATCH = 40

/** What the demo's jobs need. */
export interface DemoContext {
  client: Client
  /** The demo's jobs by name. */
  jobNamed: (name: string) => JobDefinition
  /** Waits until a job has ended. */
  ended: (id: string) => Promise<unknown>
  /** Waits for the first job that schedule.yml's entry fired, and gives its id. */
  fired: (entry: string) => Promise<string>
  /** Folder of iso3166.tab and zone1970.tab. */
  data: string
  /** Where the report goes. */
  page: string
}

/**
 * Enqueues every job of the demo, and tells of each as soon as it has an id.
 * @returns what could not be enqueued, and why
 */
export async function enqueueDemoJobs(demo: DemoContext, add: (job: DemoJob) => void): Promise<string[]> {
  const groups = await Promise.allSettled([misbehave, remind, tick, importZones].map((group) => group(demo, add)))
  return groups.flatMap((group) => (group.status === 'rejected' ? [toError(group.reason).message] : []))
}

/** How many jobs {@link enqueueDemoJobs} enqueues. */
export async function countDemoJobs({ data }: Pick<DemoContext, 'data'>): Promise<number> {
  const zones = await countLines(`${data}/zone1970.tab`)
  return Math.ceil(zones / BATCH) + misbehavingJobs.length * 2 + 4
}

const misbehavingJobs: {
  name: string
  args: unknown[]
  expected: DemoJob['expected']
  tell: (end: DemoJobEnd) => string
}[] = [
  { name: 'ThrowsJob', args: [4711], expected: 'exception', tell: ({ error }) => error },
  { name: 'ExitsJob', args: [], expected: 'exit code', tell: ({ exitCode }) => `process.exit(${exitCode}) in the job` },
  {
    name: 'LoopsJob',
    args: [],
    expected: 'timeout',
    tell: ({ signal, wallMs }) => `for (;;); ended by ${signal} after ${formatDuration(wallMs)}`,
  },
  {
    name: 'LeaksJob',
    args: [],
    expected: 'memory',
    tell: ({ signal, peakRssBytes }) => `leaked up to ${formatBytes(peakRssBytes ?? 0)}, ended by ${signal}`,
  },
]

/** Jobs that misbehave, side by side; after each one's end a job that looks for traces of it. */
async function misbehave({ client, jobNamed, ended }: DemoContext, add: (job: DemoJob) => void): Promise<void> {
  await Promise.all(
    misbehavingJobs.map(async ({ name, args, expected, tell }, i) => {
      const bad = await client.enqueue(jobNamed(name), args as never)
      add({ name, id: bad.id, row: 10 + i, expected, tell })
      await ended(bad.id)
      const next = await client.enqueue(jobNamed('CarefulJob'), [name] as never)
      add({ name: `CarefulJob after ${name}`, id: next.id, row: 10 + i, expected: 'done', tell: unharmed })
    }),
  )
}

function unharmed({ result }: DemoJobEnd): string {
  const { litter } = result as { litter: string[] }
  if (litter.length > 0) throw new Error(`found what another job left behind: ${litter.join(', ')}`)
  return 'unharmed: found nothing of the job before'
}

async function remind({ client, jobNamed }: DemoContext, add: (job: DemoJob) => void): Promise<void> {
  const dueMs = Date.now() + 2000
  const { id } = await client.enqueueIn('2 seconds', jobNamed('ReminderJob'), ['the tea is ready'] as never)
  const tell = ({ record }: DemoJobEnd): string => {
    const lateMs = Number(record.run_at) - dueMs
    // Milliseconds pass between the two clocks' readings, here and in enqueueIn.
    if (lateMs < -50) throw new Error(`expected it after two seconds, it ran ${-lateMs} ms early`)
    return `enqueueIn('2 seconds'): started after ${formatDuration(2000 + lateMs)}`
  }
  add({ name: 'ReminderJob', id, row: 4, expected: 'done', tell })
}

async function tick({ fired }: DemoContext, add: (job: DemoJob) => void): Promise<void> {
  const id = await fired('tick')
  add({ name: 'TickJob', id, row: 5, expected: 'done', tell: () => `schedule.yml: cron '*/2 * * * * *'` })
}

async function importZones(demo: DemoContext, add: (job: DemoJob) => void): Promise<void> {
  const { client, jobNamed, ended, data, page } = demo
  const [countryFile, zoneFile] = [`${data}/iso3166.tab`, `${data}/zone1970.tab`]
  const [countryLines, zoneLines] = await Promise.all([countLines(countryFile), countLines(zoneFile)])
  const countries = await client.enqueue(jobNamed('ImportCountriesJob'), [countryFile] as never)
  const rows = ({ result }: DemoJobEnd): string => `${(result as unknown[]).length} lines`
  add({ name: 'ImportCountriesJob', id: countries.id, row: 1, expected: 'done', tell: rows })
  const starts = Array.from({ length: Math.ceil(zoneLines / BATCH) }, (_, i) => i * BATCH)
  const calls = starts.map((from) => [zoneFile, from, BATCH]) as never[]
  const zones = await client.enqueueBulk(jobNamed('ImportZonesJob'), calls)
  for (const { id } of zones) add({ name: 'ImportZonesJob', id, row: 2, expected: 'done', tell: rows })
  await Promise.all([countries, ...zones].map(({ id }) => ended(id)))
  const report = await client.enqueue(jobNamed('ReportJob'), [page, countries.id, zones.map(({ id }) => id)] as never)
  const tell = ({ result }: DemoJobEnd): string => {
    const totals = result as { countries: number; zones: number }
    if (totals.countries !== countryLines || totals.zones !== zoneLines)
      throw new Error(`expected ${countryLines} countries and ${zoneLines} zones, got ${JSON.stringify(totals)}`)
    return `${totals.zones} zones in ${totals.countries} countries`
  }
  add({ name: 'ReportJob', id: report.id, row: 3, expected: 'done', tell })
}

async function countLines(file: string): Promise<number> {
  return (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '' && !line.startsWith('#')).length
}

/** How a job of the demo ends: `done`, or a named death. */
export type Ending = 'done' | Cause

/** One job of the demo, and what has to become of it. */
export interface DemoJob {
  /** Its class, and what it is there for. */
  name: string
  id: string
  /** Its place in the table, which is not the order in which jobs run. */
  row: number
  expected: Ending
  /** Said of it in the table when it ended as expected. @throws Error when something else is wrong */
  tell: (end: DemoJobEnd) => string
}

/** What is known of a job that has ended. */
export interface DemoJobEnd {
  ending: Ending
  pid: number
  wallMs: number
  peakRssBytes: number | undefined
  exitCode: number | null
  signal: string | null
  result: unknown
  error: string
  record: JobRecord
}

interface Evidence {
  pid?: number
  wallMs?: number
  peakRssBytes?: number
  exitCode?: number | null
  signal?: string | null
}

/** Reads a record of a job that has ended. */
export function endOf(record: JobRecord): DemoJobEnd {
  const evidence = JSON.parse(record.evidence ?? '{}') as Evidence
  const error = JSON.parse(record.error ?? '{}') as { name?: string; message?: string }
  return {
    ending: (record.state === 'failed' ? record.cause : record.state) as Ending,
    pid: evidence.pid ?? 0,
    wallMs: evidence.wallMs ?? 0,
    peakRssBytes: evidence.peakRssBytes,
    exitCode: evidence.exitCode ?? null,
    signal: evidence.signal ?? null,
    result: record.result === undefined ? undefined : (JSON.parse(record.result) as unknown),
    error: `${error.name ?? ''}: ${error.message ?? ''}`,
    record,
  }
}

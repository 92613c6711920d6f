import type { JobRecord } from '../../runtime/store/queues/jobs.ts'
import type { Cause } from '../../runtime/worker/outcome/verdict.ts'

/** How a job of the demo ends: `done`, or a named death. */
export type Ending = 'done' | Cause

/** One job of the demo, and what has to become of it. */
export interface Part {
  /** Its class, and what it is there for. */
  name: string
  id: string
  /** Its place in the table, which is not the order in which jobs run. */
  row: number
  expected: Ending
  /** Said of it in the table when it ended as expected. @throws Error when something else is wrong */
  tell: (end: PartEnd) => string
}

/** What is known of a job that has ended. */
export interface PartEnd {
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
export function readEnd(record: JobRecord): PartEnd {
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

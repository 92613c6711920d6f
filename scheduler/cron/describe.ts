import type { ScheduleEntry } from '../entries/entry.ts'
import { describeTiming } from './timing.ts'

/** What lists and the dashboard show of an entry: the JSON in `rt:schedules`. */
export interface EntryDescription {
  kind: string
  target: string
  queue?: string
  args: string
  timing: string
  /** The timing in plain English. */
  reads: string
  zone?: string
  description?: string
  parameters?: Record<string, unknown>
  overlap: string
  catchup: string
  enabled: boolean
  source: string
  /** First fire time when the leader loaded it; the entry's record has later ones. */
  next?: number
}

/** An entry as plain data. */
export function describeEntry(entry: ScheduleEntry, nextMs: number | undefined): EntryDescription {
  const { kind, target, queue, args, timing, timingText, description, parameters, overlap, catchup, enabled, source } =
    entry
  const zone = timing?.kind === 'cron' ? timing.cron.zone.name : undefined
  const about = { description, parameters, overlap, catchup, enabled, source, next: nextMs }
  return { kind, target, queue, args, timing: timingText, reads: describeTiming(timing), zone, ...about }
}

import type { EntryDescription } from '../../runtime/store/schedules/schedule-state.ts'
import type { ScheduleEntry } from '../entries/entry.ts'
import { describeTiming } from './timing.ts'

/** An entry as plain data. */
export function describeEntry(entry: ScheduleEntry, nextMs: number | undefined): EntryDescription {
  const { kind, target, queue, args, timing, timingText, description, parameters, overlap, catchup, enabled, source } =
    entry
  const zone = timing?.kind === 'cron' ? timing.cron.zone.name : undefined
  const about = { description, parameters, overlap, catchup, enabled, source, next: nextMs }
  return { kind, target, queue, args, timing: timingText, reads: describeTiming(timing), zone, ...about }
}

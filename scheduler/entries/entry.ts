import type { JobDefinition } from '../../runtime/jobs/job.ts'
import type { CatchupPolicy, OverlapPolicy } from '../firing/fire-times.ts'
import { describeTiming, type Timing } from '../../runtime/cron/timing.ts'
import type { EntryDescription } from '../../runtime/store/schedules/schedule-state.ts'

/** What an entry starts. */
export type EntryKind = 'job' | 'workflow' | 'pipeline' | 'template'

/** One checked entry of schedule.yml or of `persistent_schedules`. */
export interface ScheduleEntry {
  name: string
  kind: EntryKind
  /** Class of the job or workflow, or name of the pipeline or template. */
  target: string
  /** Absent: the class's own. */
  queue?: string
  /** JSON text of an array, numbers as they were written. */
  args: string
  /** Absent: fires by hand only. */
  timing?: Timing
  /** The timing as written, for lists. */
  timingText: string
  description?: string
  /** resque-web's form: name → `{ description, default }`. */
  parameters?: Record<string, unknown>
  overlap: OverlapPolicy
  catchup: CatchupPolicy
  catchupWindowMs: number
  /** Each firing is put off by a part of this, so that many machines do not start at once. */
  jitterMs: number
  enabled: boolean
  /** True when the entry is to be stored in `persistent_schedules`. */
  persist: boolean
  /** Where it was read. */
  source: 'file' | 'dynamic'
  line: number
  /** The configuration as JSON, to see whether it changed. */
  config: string
}

/** An error or a warning about a schedule. */
export interface ScheduleProblem {
  file: string
  line: number
  /** Undefined: the file as a whole. */
  entry?: string
  severity: 'error' | 'warning'
  message: string
}

/** What is known of one job class, as far as a schedule wants it. */
export interface KnownClass {
  kind: 'job' | 'workflow' | 'template'
  queue?: string
  /** The class of a job: its unique lock and enqueue hooks count for entries, too. */
  job?: JobDefinition
}

/** What entries are checked against. */
export interface CheckContext {
  /** Named in problems: a path, or the Redis key. */
  file: string
  source: 'file' | 'dynamic'
  /** RAILS_ENV or its like; entries with `env` for others are left out. */
  env?: string
  /** The application's classes; absent where they were not loaded. */
  classes?: ReadonlyMap<string, KnownClass>
  /** Zone of cron lines that name none; the machine's own by default. */
  zone?: string
  /** `catchup_window` of entries that name none; a day by default. */
  catchupWindowMs?: number
}

/**
 * Why Ruby's scheduler cannot run an entry; undefined where it can. It ends at a cron line or an interval that it cannot read,
 * and takes the name of an entry that starts no job for a class.
 */
export function unreadByRuby({ kind, timing, timingText }: ScheduleEntry): string | undefined {
  if (kind !== 'job') return `it has no ${kind}s`
  if (timing?.kind === 'cron' && !timing.cron.isReadByRuby) return `it ends at the cron line ${timing.cron.text}`
  if (timing?.kind === 'every' && /\d\s*(ms|milli)/i.test(timingText)) return 'it does not read milliseconds'
  return undefined
}

/** An entry as plain data, for lists. @param nextMs its first fire time */
export function describeEntry(entry: ScheduleEntry, nextMs: number | undefined): EntryDescription {
  const { kind, target, queue, args, timing, timingText, description, parameters, overlap, catchup, enabled, source } =
    entry
  const when = timing?.kind === 'every' ? { everyMs: timing.everyMs } : { zone: timing?.cron.zone.name }
  const bounds = timing && Object.keys(timing.bounds).length > 0 ? timing.bounds : undefined
  const about = { bounds, description, parameters, overlap, catchup, enabled, source, next: nextMs }
  return { kind, target, queue, args, timing: timingText, reads: describeTiming(timing), ...when, ...about }
}

/** `schedule.yml:12: cleanup: every: expected …`, one line for people. */
export function formatProblem({ file, line, entry, severity, message }: ScheduleProblem): string {
  const place = line > 0 ? `${file}:${line}` : file
  return `${place}: ${entry === undefined ? '' : `${entry}: `}${severity === 'warning' ? 'warning: ' : ''}${message}`
}

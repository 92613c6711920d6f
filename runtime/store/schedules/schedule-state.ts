import { jsonObject } from '../../core/json-text.ts'
import type { NewJob } from '../queues/new-job.ts'

/** What Redis remembers of one entry. Times are milliseconds since 1970; a slot is a fire time, not the moment of firing. */
export interface EntryState {
  /** When a scheduler first saw it. */
  sinceMs: number
  /** The slot up to which all are accounted for. */
  cursorMs: number
  /** The last slot that fired. */
  fireTimeMs: number | undefined
  firedAtMs: number | undefined
  lateMs: number | undefined
  fired: number
  nextMs: number | undefined
  missed: number
  missedSlotMs: number | undefined
  missedReason: string | undefined
  /** Job or run of the last firing. */
  job: string | undefined
  /** A slot whose run was to be started when a scheduler died. */
  pendingMs: number | undefined
  /** That run, where it had been created. */
  pendingRun: string | undefined
  /** When a firing by hand was requested, and has not yet been done. */
  askedMs: number | undefined
  paused: boolean
  /** What was decided by hand, over the file. */
  enabled: boolean | undefined
}

/** An entry that the leading scheduler has loaded, as plain data: the JSON in `rt:schedules`. */
export interface EntryDescription {
  kind: string
  target: string
  queue?: string
  args: string
  /** As written: a cron line, or an interval; blank for an entry that fires by hand only. */
  timing: string
  /** The timing in plain English. */
  reads: string
  /** Of a cron line. */
  zone?: string
  /** Of an interval. */
  everyMs?: number
  /** First and last time, and how often it fires at most. */
  bounds?: { firstInMs?: number; firstAtMs?: number; lastInMs?: number; lastAtMs?: number; times?: number }
  description?: string
  parameters?: Record<string, unknown>
  overlap: string
  catchup: string
  enabled: boolean
  source: string
  /** First fire time when the leader loaded it; the entry's record has later ones. */
  next?: number
}

/** A line of the record of missed firings. */
export interface MissedFiring {
  entry: string
  fromMs: number
  toMs: number
  count: number
  /** True when there were still more than `count`. */
  more?: boolean
  reason: string
  atMs: number
}

const optional = (text: string | undefined): number | undefined =>
  text === undefined || text === '' ? undefined : Number(text)

/** The fields of `rt:schedule:<name>`, read. */
export function readState(fields: Record<string, string | undefined>): EntryState {
  return {
    sinceMs: Number(fields.since ?? 0),
    cursorMs: Number(fields.cursor ?? fields.since ?? 0),
    fireTimeMs: optional(fields.slot),
    firedAtMs: optional(fields.fired_at),
    lateMs: optional(fields.late_ms),
    fired: Number(fields.fired ?? 0),
    nextMs: optional(fields.next),
    missed: Number(fields.missed ?? 0),
    missedSlotMs: optional(fields.missed_slot),
    missedReason: fields.missed_reason,
    job: fields.job,
    pendingMs: optional(fields.pending),
    pendingRun: fields.pending_run,
    askedMs: optional(fields.asked),
    paused: fields.paused === '1',
    enabled: fields.enabled === undefined ? undefined : fields.enabled === '1',
  }
}

/** Why a firing comes: its time, the end of the run before, a request to the leader, or a firing by hand. */
export type FiringMode = 'timed' | 'waited' | 'asked' | 'manual'

/** See lua/fire-entry.lua. */
export type FiringReply = 'fired' | 'lost' | 'stale' | 'off' | 'duplicate'

/** One firing on its way. */
export interface Firing {
  name: string
  fireTimeMs: number
  nowMs: number
  lateMs: number
  nextMs: number | undefined
  mode: FiringMode
  /** Absent: a run that is started elsewhere. */
  job?: NewJob & { queue: string; ttlMs: number }
}

/** Slots that do not fire. */
export interface SkippedFirings {
  name: string
  /** The last of them. */
  fireTimeMs: number
  nextMs: number | undefined
  /** Absent when nothing was missed. */
  missed?: MissedFiring
  /** Lets the slot wait for the run before. */
  wait?: boolean
}

/** Descriptions by name, of their JSON texts; what is no object is left out. */
export function describedOf(texts: Readonly<Record<string, string>>): Record<string, EntryDescription> {
  const read = Object.entries(texts).map(([name, text]) => [name, jsonObject(text)] as const)
  return Object.fromEntries(read.filter(([, about]) => about)) as Record<string, EntryDescription>
}

/** Missed firings of their JSON texts; what is no object is left out. */
export const missedOf = (notes: readonly string[]): MissedFiring[] =>
  notes.flatMap((note) => (jsonObject(note) as MissedFiring | undefined) ?? [])

import { jsonArray, jsonOrText, textIn } from '../core/json-text.ts'
import { decodeItem } from '../core/codec.ts'
import type { ArchiveEntry } from '../store/archive.ts'
import { evidenceJson } from '../store/queues/evidence-text.ts'

/** What an archive record is about. */
export const recordKinds = ['job', 'step', 'workflow', 'pipeline'] as const
/** @see recordKinds */
export type RecordKind = (typeof recordKinds)[number]

/** How a job or step ended, then how a run did. */
export const outcomes = ['done', 'failed', 'discarded', 'refused', 'cancelled', 'finished', 'stopped'] as const
/** @see outcomes */
export type ArchiveOutcome = (typeof outcomes)[number]

/** The end of one job, step or run; times in milliseconds since 1970. */
export interface ArchiveRecord {
  id: string
  kind: RecordKind
  /** Class of the job, of the step's job, or of the run; a pipeline's name. `?` where the payload was no job at all. */
  class: string
  queue?: string
  outcome: ArchiveOutcome
  /** Name of a death: timeout, memory, signal … */
  cause?: string
  /** JSON text of the arguments, an array; absent where it was too long to keep, or the payload was no job. */
  args?: string
  /** The run of a step, and its label in it (the step's name in a pipeline). */
  runId?: string
  label?: string
  enqueuedAtMs?: number
  startedAtMs?: number
  endedAtMs: number
  /** Between the enqueueing and the start of the last attempt. */
  waitMs?: number
  /** Of the last attempt; of a run, from start to end. */
  runMs?: number
  cpuMs?: number
  peakRssBytes?: number
  attempts: number
  /** The rest, as it is shown. */
  details: RecordDetails
}

/** What cannot be searched by. */
export interface RecordDetails {
  worker?: string
  redeliveries?: number
  error?: unknown
  /** Errors of earlier attempts. */
  attempts?: unknown[]
  /** Pid, exit code, signal, last lines of output. */
  evidence?: unknown
  log?: string[]
  reason?: string
  runClass?: string
  node?: string
  /** Of a run: its nodes by state; of a pipeline: version, instance, first step. */
  nodes?: Record<string, number>
  version?: number
  instance?: number
  first?: string
  /** Bytes of what was too long to keep, by field. */
  omitted?: Record<string, number>
}

type Fields = Record<string, string>

/** Reads a stream entry; undefined for one that was not written by these scripts. */
export function readRecord({ fields }: ArchiveEntry): ArchiveRecord | undefined {
  const { id, kind } = fields
  const outcome = outcomes.find((known) => known === (fields.state ?? fields.status))
  if (id === undefined || !recordKinds.includes(kind as RecordKind) || outcome === undefined) return undefined
  const isRun = kind === 'workflow' || kind === 'pipeline'
  return defined({
    id,
    kind: kind as RecordKind,
    outcome,
    ...whatRan(fields, isRun),
    queue: fields.queue,
    cause: fields.cause,
    runId: fields.run,
    label: fields.label,
    ...(isRun ? runTimes(fields) : jobTimes(fields)),
    attempts: Number(fields.attempt ?? 1),
    details: details(fields, isRun),
  })
}

function whatRan(fields: Fields, isRun: boolean): { class: string; args?: string } {
  if (isRun) return { class: fields.class ?? '?', ...(isCut(fields) ? {} : { args: fields.args }) }
  if (fields.run !== undefined) {
    const params = { ...object(fields.globals), ...object(fields.params) }
    return { class: fields.class ?? '?', args: JSON.stringify([params]) }
  }
  const item = fields.item === undefined ? undefined : decodeItem(fields.item)
  if (item === undefined || 'reason' in item) return { class: fields.class ?? '?' }
  return { class: item.className, args: item.args }
}

/** A run keeps the beginning of long arguments, for people: a text that is not JSON. */
const isCut = ({ args }: Fields): boolean => args === undefined || !Array.isArray(jsonOrText(args))

const evidenceIn = ({ evidence }: Fields): string | undefined => evidence && evidenceJson(evidence)

function jobTimes(fields: Fields): Partial<ArchiveRecord> & { endedAtMs: number } {
  const evidence = object(evidenceIn(fields))
  const [enqueued, started] = [number(fields.enqueued_at), number(fields.run_at)]
  const cpu = sum(number(evidence.cpuUserMs), number(evidence.cpuSystemMs))
  return {
    enqueuedAtMs: enqueued,
    startedAtMs: started,
    endedAtMs: Number(fields.ended_at ?? 0),
    // A step on its queue has no record that could say since when: its run tells when it is taken up.
    waitMs: number(evidence.waitedMs) ?? between(enqueued, started),
    runMs: number(evidence.wallMs),
    cpuMs: cpu,
    peakRssBytes: number(evidence.peakRssBytes),
  }
}

function runTimes(fields: Fields): Partial<ArchiveRecord> & { endedAtMs: number } {
  const [created, started] = [number(fields.created_at), number(fields.started_at)]
  const endedAtMs = Number(fields.ended_at ?? 0)
  return {
    enqueuedAtMs: created,
    startedAtMs: started,
    endedAtMs,
    waitMs: between(created, started),
    runMs: between(started, endedAtMs),
  }
}

const nodeStates = ['total', 'finished', 'failed', 'skipped'] as const

function details(fields: Fields, isRun: boolean): RecordDetails {
  const omitted = Object.entries(fields).filter(([name]) => name.endsWith('_bytes'))
  if (isRun && fields.args !== undefined && fields.args_bytes === undefined && isCut(fields))
    omitted.push(['args_bytes', String(Buffer.byteLength(fields.args))])
  const nodes = nodeStates.map((state) => [state, Number(fields[state] ?? 0)] as const)
  return defined({
    worker: fields.worker,
    redeliveries: number(fields.redeliveries),
    error: jsonOrText(fields.error),
    attempts: list(fields.attempts),
    evidence: jsonOrText(evidenceIn(fields)),
    log: list(fields.log)?.map(textIn),
    reason: fields.reason,
    runClass: fields.run_class,
    node: fields.node,
    nodes: isRun ? Object.fromEntries(nodes) : undefined,
    version: number(fields.version),
    instance: number(fields.instance),
    first: fields.first,
    omitted:
      omitted.length > 0
        ? Object.fromEntries(omitted.map(([name, size]) => [name.replace(/_bytes$/, ''), Number(size)]))
        : undefined,
  })
}

/** Any client may have written to the stream: what is no list is left out. */
const list = (text: string | undefined): unknown[] | undefined => (text === undefined ? undefined : jsonArray(text))

function object(text: string | undefined): Record<string, unknown> {
  const value = jsonOrText(text)
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}
}

function number(value: unknown): number | undefined {
  if (value === undefined || value === null || value === '') return undefined
  const result = Number(value)
  return Number.isFinite(result) ? result : undefined
}

const between = (from: number | undefined, to: number | undefined): number | undefined =>
  from === undefined || to === undefined ? undefined : Math.max(0, to - from)

const sum = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined && b === undefined ? undefined : (a ?? 0) + (b ?? 0)

/** Without the fields that have no value. */
function defined<T extends object>(value: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as T
}

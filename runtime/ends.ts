/** How jobs end, and what is reported of it: the part of the shapes of wire.ts, which exports them. Types only. */

/** An error as data; the same shape in a failed entry, a job's record and an archive row. */
export interface ErrorRecord {
  /** The error's class, `TypeError`; Resque's `exception`. */
  name: string
  message: string
  /** Stack frames, one a line, `.ts` positions where source maps know them. */
  backtrace: string[]
  /** `error.code` where there is one. */
  code?: string
}

/** One recorded end of an attempt, as metrics count it. */
export interface JobEnd {
  queue: string
  /** Of a workflow step: the step's own class. */
  className: string
  /** `done`, `failed`, `retry`, `snoozed`, `discarded`, `refused`, `cancelled`, `put back`. */
  outcome: string
  /** The cause of a failure or a retry, else an empty text. */
  cause: string
  /** From enqueued (or due) to reserved, where known. */
  waitMs?: number
  /** From reserved to ended. */
  runMs: number
  /** Until its process had it, where it had one. */
  forkMs?: number
}

/** A job that failed, as `onDeath` gets it. Its arguments are left out: they may hold secrets. */
export interface DeadJob {
  id: string
  /** Of a workflow step, its own; empty where the payload is no job. */
  class: string
  queue: string
  /** 1 for the first try. */
  attempt: number
  /** The run of a workflow step. */
  run?: string
  error: ErrorRecord
}

/** A worker that lost its lease, as `onLeaseLost` gets it. */
export interface LostWorker {
  /** The id of the lease. */
  id: string
  name?: string
  host: string
  pid: number
  queues: string[]
  /** Ids of the jobs that were ended here; they run elsewhere. */
  jobs: string[]
}

/** What a worker hook is called with. */
export type Notice =
  | { hook: 'onDeath'; job: DeadJob; cause: string; evidence: Record<string, unknown> }
  | { hook: 'onLeaseLost'; worker: LostWorker }

/** A trace's context as OpenTelemetry's propagator writes it: `traceparent`, `tracestate`, `baggage`. */
export type TraceContext = Record<string, string>

/** What a step's end writes to its run. */
export interface StepEnd {
  /** JSON text. */
  output?: string
  extra?: string
}

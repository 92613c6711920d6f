/** How jobs end, and what is reported of it: a part of the shapes of messages.ts, which exports them. Types only. */

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

/**
 * A job that failed, as `onDeath` gets it. Its arguments are left out: they may hold secrets.
 * @example
 * ```ts
 * const onDeath = ({ id, class: name, error }: DeadJob) => console.error(id, name, error.message)
 * ```
 */
export interface DeadJob {
  /** The job's id. */
  id: string
  /** Of a workflow step, its own; empty where the payload is no job. */
  class: string
  /** The queue it was reserved from. */
  queue: string
  /** 1 for the first try. */
  attempt: number
  /** The run of a workflow step. */
  run?: string
  /** The error that is in the failed entry. */
  error: ErrorRecord
}

/**
 * A worker that lost its lease, as `onLeaseLost` gets it.
 * @example
 * ```ts
 * const onLeaseLost = ({ host, pid, jobs }: LostWorker) => console.error(`${host}:${pid} lost ${jobs.length} jobs`)
 * ```
 */
export interface LostWorker {
  /** The id of the lease. */
  id: string
  /** `worker.name` or `--name`, where it has one. */
  name?: string
  /** The name of its machine. */
  host: string
  /** The process id of its supervisor. */
  pid: number
  /** The queues it serves, in their order. */
  queues: string[]
  /** Ids of the jobs that were ended here; they run elsewhere. */
  jobs: string[]
}

/** What a worker hook is called with. */
export type HookCall =
  | { hook: 'onDeath'; job: DeadJob; cause: string; evidence: Record<string, unknown> }
  | { hook: 'onLeaseLost'; worker: LostWorker }

/** What the kernel counted for one job. */
export interface JobUsage {
  cpuUserMs: number
  cpuSystemMs: number
  peakRssBytes: number
}

/** What a process says of its memory. */
export interface MemoryFigures {
  rssBytes: number
  heapTotalBytes: number
  heapUsedBytes: number
  /** Of objects that V8 does not keep itself, array buffers and Buffers among them. */
  externalBytes: number
  arrayBuffersBytes: number
  /** Used bytes of V8's heap spaces: `old`, `new`, `large_object` … */
  spaces: Record<string, number>
}

/** What is kept of a job that was ended for its memory. `beforeMs`: before the look that found it over its limit. */
export interface MemoryEvidence {
  limitBytes: number
  /** Resident set of the job's processes as the kernel shows it, oldest first; the last one is over the limit. */
  looks: { beforeMs: number; rssBytes: number }[]
  /** The same at the last look by process, where there was more than one. */
  processes?: { pid: number; rssBytes: number }[]
  /** The last figures that the process itself gave; absent where its event loop did not run. */
  own?: MemoryFigures & { beforeMs: number }
  /** With `memoryReport`: where the heap snapshot is, or why there is none. */
  snapshot?: { file: string; bytes: number } | { reason: string }
}

/** A node that a running step adds to its own workflow. */
export interface StepAddition {
  id: string
  class: string
  /** JSON text of one object. */
  params?: string
  /** Ids of nodes of the run, or of other additions. */
  after: string[]
  /** Ids of waiting nodes that shall wait for it, too. */
  before?: string[]
  queue?: string
}

/** How a job ended, in its own words. Sent once, as its last message. */
export type Outcome =
  | {
      kind: 'done'
      /** JSON text of the returned value (or `this.output`), absent for undefined. */
      result?: string
      additions?: StepAddition[]
      /** A step decided that what hangs on it shall not run. */
      skipChildren?: true
      /** The application's own memory backend has the output already. */
      remembered?: true
    }
  /**
   * `retryInMs` is set when the class's policy, which may be a function, wants another attempt after this error;
   * `backoffFault` where that function threw or gave no time.
   */
  | { kind: 'failed'; error: ErrorRecord; retryInMs?: number; backoffFault?: string }
  /** `Discard` thrown: drop, no failure. */
  | { kind: 'discarded'; reason: string }
  /** `Snooze` thrown: again later, not counted as an attempt. */
  | { kind: 'snoozed'; delayMs: number }
  /** `DontPerform` thrown by a beforePerform hook: ends quietly, counted as processed. */
  | { kind: 'refused' }
  /** A limit was reached; nothing ran. */
  | { kind: 'held' }

/** What a step's end writes to its run. */
export interface StepEnd {
  /** JSON text. */
  output?: string
  extra?: string
}

/** A trace's context as OpenTelemetry's propagator writes it: `traceparent`, `tracestate`, `baggage`. */
export type TraceContext = Record<string, string>

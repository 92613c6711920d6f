/**
 * The typed messages between a supervisor and the processes that hold the application. All of it is plain JSON: it
 * crosses a process border.
 */

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

/** A retry policy as far as data can say it; functions stay in the child and are told by `custom: true`. */
export interface RetryData {
  limit: number
  delayMs: number
  backoff: 'fixed' | 'linear' | 'exponential'
  maxDelayMs: number
  /** 0…1: the share of the delay that is drawn at random. */
  jitter: number
  /** Error class names to retry; empty means all. */
  on: string[]
  /** Error class names never to retry. */
  not: string[]
  custom?: true
}

/** What the supervisor knows of one job class. */
export interface ClassManifest {
  /** The name on the wire. */
  name: string
  kind: 'job' | 'workflow' | 'template'
  /** Path of the file that exports it. */
  file: string
  queue?: string
  retry?: RetryData
  timeoutMs?: number
  memoryLimitBytes?: number
  /** Write a heap snapshot of a job that is ended for its memory. */
  memoryReport?: boolean
  cpuLimitSeconds?: number
  openFilesLimit?: number
  niceness?: number
  keepResultMs?: number
  isolation?: 'inline' | 'spawn' | 'fork'
  delivery?: 'at-least-once' | 'at-most-once'
  /** Its permits, where their keys do not depend on the arguments: then the supervisor asks before it starts a process. */
  permits?: PermitRequest[]
  /** True when the class has an `onFailure` hook, which must also run when its process died. */
  onFailure?: true
}

/** What a launcher found in the application. */
export interface Manifest {
  classes: ClassManifest[]
  /** Why its processes cannot print the stack of a job that hangs; absent where they can. */
  stackFault?: string
}

/** What a workflow step is told beside its arguments. `payloads` are its direct parents' outputs, in the order of its parents. */
export interface StepContext {
  workflowId: string
  nodeId: string
  workflowClass: string
  /** JSON text: globals with the node's own params over them. */
  params: string
  /** `output`: JSON text; absent where the parent returned nothing. */
  payloads: { id: string; class: string; output?: string }[]
  /** How the run keeps its memory; absent when it has none. */
  memory?: { prefix: string; ttlMs: number; onConflict: 'last' | 'error' | 'namespace' }
}

/** What a step asks of its run's memory; values are JSON texts. */
export type MemoryRequest =
  /** Without keys: all. */
  | { verb: 'read'; keys?: string[] }
  | { verb: 'write'; values: Record<string, string> }
  | { verb: 'extend'; ttlMs: number }

/** One job for one process. */
export interface Assignment {
  /** `perform` runs the job; `onFailure` runs only its hook, after the process that performed it died. */
  phase: 'perform' | 'onFailure'
  jobId: string
  className: string
  queue: string
  /** The queue item's `args`, as the exact JSON text of an array. */
  args: string
  /** 1 for the first try. */
  attempt: number
  /** The supervisor's worker id, `host:pid:queues`. */
  worker: string
  /** Kernel limits to set before the job's code runs. */
  cpuLimitSeconds?: number
  openFilesLimit?: number
  niceness?: number
  /** Per-call retry options, over the class's own. */
  retry?: Omit<RetryData, 'custom'>
  /** Per-call permits, over the class's own. */
  permits?: PermitRequest[]
  /** True when somebody will want what `perform` returns. */
  keepResult?: true
  /** Of what `perform` returns, as JSON; a larger one fails the job. */
  maxResultBytes?: number
  /** Phase `onFailure` only: what ended the job. */
  failure?: ErrorRecord
  step?: StepContext
}

/** A permit that a limited job wants before it performs (`concurrency`, `rateLimit`). */
export interface PermitRequest {
  kind: 'concurrency' | 'rate'
  key: string
  limit: number
  /** Rate only: the window in which at most `limit` may start. */
  perMs?: number
}

/** From the child, while it runs. */
export type ChildMessage =
  | { type: 'started'; pid: number }
  | { type: 'progress'; at: number; of: number; note: string }
  | { type: 'log'; line: string }
  /** Wants all of these before it performs; the parent answers with `answer`. */
  | { type: 'permits'; permits: PermitRequest[] }
  /** Wants something of its run's memory; the parent answers with `memory` and the same `ask`. */
  | { type: 'memory'; ask: number; request: MemoryRequest }
  /** Answers `where`: what its event loop waits for, and the share of one processor that it uses. */
  | { type: 'waiting'; waitingFor: string[]; busy: number }
  /** The stack that it has printed, innermost frame first, and how many frames there were beyond. */
  | { type: 'stack'; frames: string[]; more: number }
  | { type: 'figures'; figures: MemoryFigures }
  /** `file`: written there; absent for a heap that is too large. `fault`: why it could not be written. */
  | { type: 'snapshot'; heapBytes?: number; file?: string; fault?: string }
  /** From `started`, by the process's own clock: `ranMs` to this, `loadMs` to the job's own code; absent where that was not reached. */
  | { type: 'outcome'; outcome: Outcome; ranMs: number; loadMs?: number }

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

/** To the child, while it runs. */
export type ParentMessage =
  | { type: 'assignment'; assignment: Assignment }
  /** `held`: no permit now; the child leaves at once with outcome `held`, and the job keeps its turn. `error`: it cannot be asked, and the job fails. */
  | { type: 'answer'; granted: boolean; error?: string }
  /** Somebody cancelled the job, or it is out of time: abort `this.signal` with this reason. */
  | { type: 'cancel'; reason: string }
  /** What does the event loop wait for? A blocked one cannot answer. `withinMs`: how long the answer may take. */
  | { type: 'where'; withinMs: number }
  /** How much memory does it use, by its own figures? */
  | { type: 'figures' }
  /** Write a heap snapshot. */
  | { type: 'snapshot'; file: string; maxHeapBytes: number }
  /** `values`: JSON texts by key. */
  | { type: 'memory'; ask: number; values?: Record<string, string>; error?: string }

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

/** How a job ended, in its own words. Sent once, as the process's last message. */
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
  /** `retryInMs` is set when the class's policy, which may be a function, wants another attempt after this error. */
  | { kind: 'failed'; error: ErrorRecord; retryInMs?: number }
  /** `Discard` thrown: drop, no failure. */
  | { kind: 'discarded'; reason: string }
  /** `Snooze` thrown: again later, not counted as an attempt. */
  | { kind: 'snoozed'; delayMs: number }
  /** `DontPerform` thrown by a beforePerform hook: ends quietly, counted as processed. */
  | { kind: 'refused' }
  /** No permit; nothing ran. */
  | { kind: 'held' }

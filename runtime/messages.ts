/**
 * The shapes that travel: messages between a supervisor and the processes that hold the application, and what lies in Redis
 * or passes between the worker and workflows. Types only, and all of it plain JSON; each shape is defined here and nowhere else.
 */
import type { Isolation } from '../config/isolations.ts'
import type { ErrorRecord, JobUsage, MemoryFigures, HookCall, Outcome, TraceContext } from './outcomes.ts'

export type {
  DeadJob,
  ErrorRecord,
  JobEnd,
  JobUsage,
  LostWorker,
  MemoryEvidence,
  MemoryFigures,
  HookCall,
  Outcome,
  StepAddition,
  StepEnd,
  TraceContext,
} from './outcomes.ts'

/** A checked retry policy. A `backoff` function stays in the process that loaded its class; the curve is for where it cannot be called. */
export interface RetryPolicy {
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
}

/** A limit that a job must pass before it performs (`concurrency`, `rateLimit`). */
export interface LimitRequest {
  kind: 'concurrency' | 'rate'
  key: string
  limit: number
  /** Rate only: the window in which at most `limit` may start. */
  perMs?: number
}

/** Options that the job's process enforces itself, before the job's code runs. */
export interface ProcessSettings {
  cpuLimitSeconds?: number
  openFilesLimit?: number
  niceness?: number
}

/**
 * Options of a job as data: of its class (in its manifest), of a call (in the job's record, as JSON) and of a workflow's step.
 * The table of `jobs/options.ts` makes them.
 */
export interface JobSettings extends ProcessSettings {
  retry?: RetryPolicy
  timeoutMs?: number
  memoryLimitBytes?: number
  /** Write a heap snapshot of a job that is ended for its memory. */
  memoryReport?: boolean
  keepResultMs?: number
  isolation?: Isolation
  delivery?: 'at-least-once' | 'at-most-once'
  /** The trace that the job was enqueued in: no option, but carried like one. */
  trace?: TraceContext
  /** Of a class: only where no key depends on the arguments; then the supervisor asks for them before it starts a process. Stored under this name. */
  permits?: LimitRequest[]
}

/** What the supervisor knows of one job class. */
export interface ClassManifest extends JobSettings {
  /** The name on the wire. */
  name: string
  kind: 'job' | 'workflow' | 'template'
  /** Path of the file that exports it. */
  file: string
  queue?: string
  /** True when the class has an `onFailure` hook, which must also run when its process died. */
  onFailure?: true
}

/** What a launcher found in the application. */
export interface Manifest {
  classes: ClassManifest[]
  /** The worker hooks of `config/hooks.ts` that a supervisor asks for; absent without any. */
  workerHooks?: HookCall['hook'][]
  /** Why its processes cannot print the stack of a job that hangs; absent where they can. */
  stackFault?: string
}

/** How a run keeps its memory. */
export interface MemorySettings {
  /** Its keys are `rt:mem:<prefix>:<run>`. */
  prefix: string
  /** From the run's end, or from its last use after that. */
  ttlMs: number
  onConflict: 'last' | 'error' | 'namespace'
}

/** A parent's output, as its child gets it. */
export interface Payload {
  id: string
  class: string
  /** JSON text; absent where the parent returned nothing. */
  output?: string
}

/** What a workflow step is given beside its arguments. */
export interface StepContext {
  workflowId: string
  nodeId: string
  workflowClass: string
  /** JSON text: globals with the node's own params over them. */
  params: string
  /** Outputs of its direct parents, in the order of its parents. */
  payloads: Payload[]
  /** Absent when the run has no memory. */
  memory?: MemorySettings
  /** Of its run, for steps that this one adds. */
  trace?: TraceContext
}

/** A job whose class, arguments and options are known. */
export interface ReadyJob {
  className: string
  /** JSON text of the array that `perform` gets. */
  args: string
  /** Of this call or step, over its class's. */
  options: JobSettings
  /** Of a workflow step. */
  context?: StepContext
}

/** A workflow step that is ready to run. */
export type ReadyStep = ReadyJob & { context: StepContext }

/** What a step asks of its run's memory; values are JSON texts. */
export type MemoryRequest =
  /** Without keys: all. */
  | { verb: 'read'; keys?: string[] }
  | { verb: 'write'; values: Record<string, string> }
  | { verb: 'extend'; ttlMs: number }

/** One job for one process. */
export interface Assignment extends ProcessSettings {
  /**
   * `perform` runs the job; `onFailure` runs only its hook, after the process that performed it died; `notify` runs the
   * worker hook of `notice`.
   */
  phase: 'perform' | 'onFailure' | 'notify'
  /** It waits for a debugger before it begins (`spawn`). */
  inspect?: boolean
  jobId: string
  className: string
  queue: string
  /** The queue item's `args`, as the exact JSON text of an array. */
  args: string
  /** 1 for the first try. */
  attempt: number
  /** The supervisor's worker id, `host:pid:queues`. */
  worker: string
  /** Of the call, over the class's own, which may be a function and is in the process. */
  retry?: RetryPolicy
  /** `[]` when the supervisor has asked for them already. */
  limits?: LimitRequest[]
  /** True when what `perform` returns is to be kept. */
  keepResult?: true
  /** Of what `perform` returns, as JSON; a larger one fails the job. */
  maxResultBytes?: number
  /** Phase `onFailure` only: what ended the job. */
  failure?: ErrorRecord
  /** Phase `notify` only. */
  notice?: HookCall
  step?: StepContext
  trace?: TraceContext
}

/** From the child, while it runs. */
export type ChildMessage =
  | { type: 'started'; pid: number }
  | { type: 'progress'; at: number; of: number; note: string }
  | { type: 'log'; line: string }
  /** Wants all of these before it performs; the parent answers with `answer`. */
  | { type: 'limits'; limits: LimitRequest[] }
  /** Wants something of its run's memory; the parent answers with `memory` and the same `ask`. */
  | { type: 'memory'; ask: number; request: MemoryRequest }
  /** Answers `where`: what its event loop waits for, and the share of one processor that it uses. */
  | { type: 'waiting'; waitingFor: string[]; busy: number }
  /** The stack that it has printed, innermost frame first, and how many frames there were beyond. */
  | { type: 'stack'; frames: string[]; more: number }
  | { type: 'figures'; figures: MemoryFigures }
  /** `file`: written there; absent for a heap that is too large. `fault`: why it could not be written. */
  | { type: 'snapshot'; heapBytes?: number; file?: string; fault?: string }
  /**
   * From `started`, by the process's own clock: `ranMs` to this, `loadMs` to the job's own code; absent where that was not reached.
   * `usage`: of this job; absent where the kernel tells it at the end of the process. `stays`: the process waits for another
   * job; `isRead`: the supervisor has read all that this one printed. `spent`: what the job did so that the process is not used again (`changed its umask`).
   */
  | {
      type: 'outcome'
      outcome: Outcome
      ranMs: number
      loadMs?: number
      usage?: JobUsage
      stays?: true
      isRead?: boolean | undefined
      spent?: string
    }

/** To the child, while it runs. */
export type ParentMessage =
  | { type: 'assignment'; assignment: Assignment }
  /** Not granted: the child exits at once with outcome `held`, and the job keeps its place in the line. `error`: Redis refused, and the job fails. */
  | { type: 'answer'; granted: boolean; error?: string }
  /** The job was cancelled, or is out of time: abort `this.signal` with this reason. */
  | { type: 'cancel'; reason: string }
  /** What does the event loop wait for? A blocked one cannot answer. `withinMs`: how long the answer may take. */
  | { type: 'where'; withinMs: number }
  /** How much memory does it use, by its own figures? */
  | { type: 'figures' }
  /** Write a heap snapshot. */
  | { type: 'snapshot'; file: string; maxHeapBytes: number }
  /** `values`: JSON texts by key. */
  | { type: 'memory'; ask: number; values?: Record<string, string>; error?: string }

/** The process that a worker forks its jobs from. */
export interface ZygoteFigures {
  pid: number
  /** When it was started, in ms since 1970. */
  startedAtMs: number
  /** How many there have been, this one included: the application was reloaded, or one died. */
  generation: number
  /** Those that died and were replaced. */
  restarts: number
  /** Processes forked by all of them, spares included. */
  forked: number
}

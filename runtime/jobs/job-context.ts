/** What a running job can ask and tell; the executor hands it in. */
export interface JobContext {
  readonly id: string
  readonly queue: string
  /** 1 for the first try. */
  readonly attempt: number
  /** Aborts when the job is cancelled, out of time, or its worker must leave. */
  readonly signal: AbortSignal
  progress(at: number, of: number, note: string): void
  log(line: string): void
  output(value: unknown): void
  /** A workflow step's surroundings; absent for a plain job. */
  readonly step?: RunningStepContext
}

/** Where a job that a step adds stands in its run. */
export interface StepPlace {
  /** Ids of the jobs it waits for. */
  after: readonly string[]
  /** Ids of jobs that wait for it, too; they must not have begun. */
  before: readonly string[]
  queue?: string
}

/** What a workflow step sees of its run. */
export interface RunningStepContext {
  readonly workflowId: string
  readonly nodeId: string
  readonly workflowClass: string
  /** Globals with the step's own params over them. */
  readonly params: unknown
  /** Outputs of the direct parents, in their order. */
  readonly payloads: { id: string; class: string; output: unknown }[]
  /** Adds a job to the run; it becomes part of the graph together with this step's end. @returns its id */
  add(definition: { name: string }, params: unknown, place: StepPlace): string
  /** What hangs on this step shall not run. */
  skipChildren(): void
  /** The run's memory; absent where it has none. */
  readonly memory?: {
    /** Undefined for a key that is not there. */
    get(key: string): Promise<unknown>
    /** Other steps see it at once, whatever becomes of this one. */
    set(key: string, value: unknown): Promise<void>
    /** Keeps the memory this long after the run's end at least; until then it stays anyway. */
    extendTtl(ttl: string | number): Promise<void>
  }
}

import type { ErrorRecord, MemoryRequest, Outcome, ReadyStep, StepContext, StepEnd } from '../../messages.ts'

/** Workflows, as far as a worker must know of them; handed in, since this layer does not know that one. */
export interface StepSource {
  /** The class name under which steps travel. */
  readonly className: string
  /** Makes a step ready, or says why it shall not run (it is done already, its run was stopped …). */
  prepare(job: { id: string; attempt: number }, args: string): Promise<ReadyStep | { gone: string }>
  /**
   * What a step that is done tells its run; writes the jobs that it adds.
   * @throws RuntimeError when the outcome is not acceptable: the step then fails with it
   */
  done(context: StepContext, outcome: Extract<Outcome, { kind: 'done' }>): Promise<StepEnd>
  /** Reads and writes the memory of a running step's run. @returns JSON texts by key @throws Error, which the job gets */
  remember(context: StepContext, jobId: string, request: MemoryRequest): Promise<Record<string, string>>
  /** What the run keeps of a failure. */
  failed(error: ErrorRecord): StepEnd
  /** Goes on with what a crash left of wide moves. */
  advance(): Promise<void>
  /** Removes runs whose time is over. */
  sweep(): Promise<void>
}

import type { Outcome, RetryData, StepContext } from './protocol.ts'

/** A step that may run, ready for an Assignment. */
export interface PreparedStep {
  /** The step's own class, in place of the queue item's. */
  className: string
  /** JSON text of the array that `perform` gets: its params, one object. */
  args: string
  context: StepContext
  /** Options of this node, over its class's. */
  retry?: RetryData
  timeoutMs?: number
}

/** What a step's end tells its run; see lua/include/run-step.lua. */
export interface StepEnd {
  output?: string
  extra?: string
}

/**
 * What a supervisor asks of the workflows, handed to it by the command: worker and workflow never import one another.
 * runtime/workflow/steps.ts implements it.
 */
export interface StepHost {
  /** Class of the queue items that are steps. */
  readonly itemClass: string
  /**
   * Marks a delivered step running. `gone`: it has ended, or its run is stopped or removed; `busy`: another live job runs
   * it. Either way the delivery is to be dropped (settled as `discarded`).
   * @throws RuntimeError when it cannot run at all (garbage, too large): then the job fails
   */
  prepare(job: { id: string; args: string; attempt: number }): Promise<PreparedStep | 'gone' | 'busy'>
  /**
   * Before an outcome of kind `done` is settled: writes what the step adds to its run.
   * @throws RuntimeError when the outcome is not acceptable (an addition that fits nowhere, an output too large): then the job fails with it
   */
  done(context: StepContext, outcome: Extract<Outcome, { kind: 'done' }>): Promise<StepEnd>
  /** What the run keeps of a final failure. */
  failed(error: { name: string; message: string; backtrace?: readonly string[] }): StepEnd
  /** After a step has been settled, and in every tick: goes on with wide moves; removes runs whose time is over. */
  tick(): Promise<void>
}

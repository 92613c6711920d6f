/** A pipeline as it is stored: checked, durations in ms, classes resolved. Steps run one after another. */
export interface PipelineDefinition {
  name: string
  description?: string
  /** For jobs that its steps add and that name none, nor does their class; each step has its own. */
  queue?: string
  /** Under every step's own. */
  params: Record<string, unknown>
  steps: PipelineStep[]
}

/** One step of a pipeline. */
export interface PipelineStep {
  name: string
  /** The registered class. */
  class: string
  queue: string
  timeoutMs?: number
  memoryLimitBytes?: number
  /** Retries after the first attempt, each `gapMs` after the failure. */
  retry?: { limit: number; gapMs: number }
  params: Record<string, unknown>
}

/** Names to classes, as far as a definition needs them: which class, and which queue it says it belongs to. */
export interface ClassResolver {
  /** The class of a name, or undefined. */
  find(name: string): { name: string; queue?: string } | undefined
  names(): string[]
}

/** One thing that is wrong with a definition. */
export interface PipelineProblem {
  /** `example_pipeline.jobs[1].retry_limit` */
  path: string
  /** What was expected, what came, what to do. */
  message: string
}

/** How a job's process is created; `inline`: not at all, the job runs in the worker itself. */
export const ISOLATIONS = ['fork', 'spawn', 'inline'] as const

/** See {@link ISOLATIONS}. */
export type Isolation = (typeof ISOLATIONS)[number]

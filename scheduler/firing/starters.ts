import type { EntryKind } from '../entries/entry.ts'

/** Which firing asks. */
export interface StartRequest {
  entry: string
  fireTimeMs: number
  /** `<entry>:<slot>`, the same for every try: a starter that makes its run's id of it can make no second one. */
  key: string
}

/**
 * Starts what is not a plain job; the composition root gives these. A run is created first and started then, so that a
 * scheduler that takes over after a crash starts the one that is there.
 */
export interface Starter {
  /** Creates a run that does not run yet. @param args JSON text of an array @returns its id */
  create(target: string, args: string, request: StartRequest): Promise<string>
  /** Starts a created run; one that was started before stays as it is. */
  start(id: string): Promise<void>
  /** True while the run is neither finished nor failed, for `overlap`. */
  isRunning(id: string): Promise<boolean>
}

/** By kind; a kind without a starter is refused when it fires. */
export type Starters = Partial<Record<Exclude<EntryKind, 'job'>, Starter>>

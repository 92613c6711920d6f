import type { EntryKind } from './entry.ts'

/** Which firing asks: a starter that makes its run's id from `key` starts one run only, whatever crashes. */
export interface StartRequest {
  entry: string
  slotMs: number
  /** `<entry>:<slot>`, the same for every try. */
  key: string
}

/** Starts what is not a plain job; the composition root gives these. */
export interface Starter {
  /** @param args JSON text of an array @returns the run's id */
  start(target: string, args: string, request: StartRequest): Promise<string>
  /** True while the run is neither finished nor failed, for `overlap`. */
  isRunning(id: string): Promise<boolean>
}

/** By kind; a kind without a starter is refused when it fires. */
export type Starters = Partial<Record<Exclude<EntryKind, 'job'>, Starter>>

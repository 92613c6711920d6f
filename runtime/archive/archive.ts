import type { ArchiveRecord, ArchiveOutcome, RecordKind } from './record.ts'

/** Which records; all that is given must hold. */
export interface ArchiveQuery {
  class?: string
  kind?: RecordKind
  outcome?: ArchiveOutcome
  queue?: string
  cause?: string
  /** Steps of this run. */
  runId?: string
  /** Only the step of this number; with `runId`. */
  node?: string
  /** Ended at or after, and before. */
  sinceMs?: number
  untilMs?: number
  /** Arguments to match: see {@link ArgMatch}. */
  args?: readonly ArgMatch[]
}

/** One `--arg name=value`: some argument object has this member, or, for a number as name, the argument at that place is it. */
export interface ArgMatch {
  name: string
  value: string
}

/** What the ended jobs of one class were like. Times in ms; undefined where nothing is known. */
export interface ClassStats {
  class: string
  kind: RecordKind
  count: number
  failed: number
  wait: Percentiles
  run: Percentiles
  cpu: Percentiles
  peakRssBytes: Percentiles
}

/** Half of the values, and 95 of a hundred, are no larger. */
export interface Percentiles {
  p50: number | undefined
  p95: number | undefined
}

/** A page of records, latest end first. */
export interface ArchivePage {
  records: ArchiveRecord[]
  /** Goes on with earlier ends; undefined at the end. A page may be empty and have a cursor. */
  next: string | undefined
}

/** The ended jobs, steps and runs of one namespace, wherever they are kept. */
export interface Archive {
  readonly keep: 'redis' | 'postgres'
  /** Records, latest end first. */
  search(query: ArchiveQuery, limit: number): Promise<ArchiveRecord[]>
  /**
   * A page of at most `count` records, of a bounded cost. In Redis a run that was continued after its end may be on two pages.
   * @param cursor `next` of the page before
   * @param mostMs in Redis: after so long the page ends with what it has
   * @throws RuntimeError ERR_ARGUMENT for a cursor that is none
   */
  page(query: ArchiveQuery, cursor: string | undefined, count: number, mostMs?: number): Promise<ArchivePage>
  /** How many records match; counting stops at a bound, in Redis after `mostMs` too, and `isExact` is false then. */
  counted(query: ArchiveQuery, mostMs?: number): Promise<{ count: number; isExact: boolean }>
  /** One record by its id, or undefined. */
  find(id: string): Promise<ArchiveRecord | undefined>
  /** Per class and kind, the most frequent first. */
  stats(query: ArchiveQuery): Promise<ClassStats[]>
  /** Removes what ended before. @returns how many records */
  prune(beforeMs: number): Promise<number>
  /** How many records there are. */
  count(): Promise<number>
  close(): Promise<void>
}

/** The values that an {@link ArgMatch} may mean: `7` is the number and the text. */
export function possibleValues({ value }: ArgMatch): unknown[] {
  try {
    const parsed: unknown = JSON.parse(value)
    return typeof parsed === 'string' ? [parsed] : [parsed, value]
  } catch {
    return [value]
  }
}

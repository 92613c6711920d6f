import { hasCode } from '../../core/errors.ts'

/** How a change of all that match is watched and stopped. */
export interface ChangeOptions {
  /** Stops between two steps; what was done stays done. */
  signal?: AbortSignal
  onProgress?: (soFar: Change) => void
}

/** What became of the entries that matched. */
export interface Change {
  /** Entries looked at, and those of them that matched. */
  looked: number
  matched: number
  done: number
  /** Matching entries that were left as they are, by reason; `indexes` names some of them where it is known which. */
  skipped: { reason: string; count: number; indexes: number[] }[]
  /** True when it was stopped before its end. */
  isStopped: boolean
}

/** How many match; `isStopped`: there are at least so many. */
export interface MatchCount {
  count: number
  isStopped: boolean
}

/** Indexes named for a reason, and reasons that are told apart. */
const namedMost = 20
const reasonsMost = 20

export const noChange = (): Change => ({ looked: 0, matched: 0, done: 0, skipped: [], isStopped: false })

/** Notes why entries were left as they are. */
export function skip({ skipped }: Change, reason: string, count: number, index?: number): void {
  if (count === 0) return
  const kind = skipped.length < reasonsMost ? reason : 'other reasons'
  let known = skipped.find((each) => each.reason === reason || each.reason === kind)
  if (!known) skipped.push((known = { reason: kind, count: 0, indexes: [] }))
  known.count += count
  if (index !== undefined && known.indexes.length < namedMost) known.indexes.push(index)
}

/** A reason that holds for one entry, and keeps no other back. */
export const isSkippable = (error: unknown): boolean =>
  hasCode(error, 'ERR_STATE') || hasCode(error, 'ERR_NOT_FOUND') || hasCode(error, 'ERR_REPLY')

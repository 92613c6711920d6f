import { withCode } from '../../core/errors.ts'
import { isSkippable, noChange, skip, type Change, type ChangeOptions } from './change.ts'
import type { InspectContext } from '../context.ts'
import { openRun, type RunFilter } from '../runs.ts'

/** Runs that one change takes on; of more, the newest. */
export const mostRunsChanged = 100_000

/**
 * Continues, stops or removes every run that matches, newest first. Those that match when it begins are changed, no other.
 * A run of which the state does not fit is skipped with its reason.
 */
export async function changeRuns(
  place: InspectContext,
  verb: 'continue' | 'stop' | 'remove',
  filter: RunFilter,
  { signal, onProgress }: ChangeOptions = {},
): Promise<Change> {
  const change = noChange()
  const ids = await place.store.runs.read.ids({ ...filter, from: 0, to: mostRunsChanged - 1, order: 'desc' })
  for (const id of ids) {
    if (signal?.aborted) return { ...change, isStopped: true }
    change.looked += 1
    change.matched += 1
    try {
      const run = await openRun(place, id)
      // It may have moved on since the list was read.
      if (filter.status !== undefined && run.status !== filter.status) skip(change, `it is ${run.status} now`, 1)
      else {
        await (verb === 'remove' ? run.destroy() : run[verb]())
        change.done += 1
      }
    } catch (error) {
      if (!isSkippable(error)) throw error
      // The reason without the run's ID, which would make each a reason of its own.
      skip(change, withCode(error).replaceAll(id, '<id>'), 1)
    }
    onProgress?.(change)
  }
  return change
}

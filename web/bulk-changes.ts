import { withCode } from '../runtime/core/errors.ts'
import { newId } from '../runtime/core/ids.ts'
import { noChange, type Change, type ChangeOptions, type MatchCount } from '../runtime/inspect/changes/change.ts'

/** A change of all that match, as it was asked for and before it begins. */
export interface Plan {
  /** The filter for people, and as a page's address has it. */
  given: Record<string, string | undefined>
  /** How many match; stops counting when it is aborted. */
  count: (signal: AbortSignal) => Promise<MatchCount>
  /** Entries that the change will look at. */
  total: () => Promise<number>
  /** Begins it. What comes after `startedMs` is not touched, where that can be told. */
  change: (options: ChangeOptions, at: { startedMs: number; total: number }) => Promise<Change>
}

/** One change of all that match. It runs in this process, in steps, until it is done or stopped. */
export interface BulkChange {
  id: string
  of: string
  verb: string
  given: Plan['given']
  /** The user who began it. */
  by: string
  startedMs: number
  endedMs: number | undefined
  /** Entries at the start. */
  total: number
  soFar: Change
  /** What ended it before its time. */
  trouble: string | undefined
}

/** Bulk changes that are remembered, for their pages; those that have ended go first. */
const mostKept = 50

/** The bulk changes of this process. */
export class BulkChanges {
  readonly #all = new Map<string, { bulk: BulkChange; stop: AbortController }>()

  /** Begins a change. @param onEnd called once, at the end */
  async start(
    { of, verb, by }: Pick<BulkChange, 'of' | 'verb' | 'by'>,
    plan: Plan,
    onEnd: (bulk: BulkChange) => void,
  ): Promise<BulkChange> {
    const startedMs = Date.now()
    const total = await plan.total()
    const bulk: BulkChange = {
      ...{ id: newId(startedMs), of, verb, given: plan.given, by, startedMs, endedMs: undefined, total },
      ...{ soFar: noChange(), trouble: undefined },
    }
    const stop = new AbortController()
    this.#all.set(bulk.id, { bulk, stop })
    this.#forget()
    const onProgress = (soFar: Change): unknown => (bulk.soFar = soFar)
    void plan
      .change({ signal: stop.signal, onProgress }, { startedMs, total })
      .then(onProgress, (error: unknown) => (bulk.trouble = withCode(error)))
      .finally(() => {
        bulk.endedMs = Date.now()
        onEnd(bulk)
      })
    return bulk
  }

  find(id: string): BulkChange | undefined {
    return this.#all.get(id)?.bulk
  }

  /** Stops one after the step in hand. */
  stop(id: string): void {
    this.#all.get(id)?.stop.abort()
  }

  /** Those that run, and those that have ended lately. */
  list(): BulkChange[] {
    return [...this.#all.values()].map(({ bulk }) => bulk).reverse()
  }

  #forget(): void {
    for (const [id, { bulk }] of this.#all) {
      if (this.#all.size <= mostKept) return
      if (bulk.endedMs !== undefined) this.#all.delete(id)
    }
  }
}

import { withCode } from '../runtime/core/errors.ts'
import { newId } from '../runtime/core/ids.ts'
import type { FailedFilter } from '../runtime/inspect/failed.ts'
import { changeFailed, type Change } from '../runtime/inspect/failed-change.ts'
import type { Inspected } from '../runtime/inspect/inspected.ts'

/** What may be done to failed jobs, one or many. */
export const failedVerbs = ['retry', 'remove'] as const
export type FailedVerb = (typeof failedVerbs)[number]

/** One change of all failed jobs that match a filter. It runs in this process, in steps, until it is done or stopped. */
export interface Bulk {
  id: string
  verb: FailedVerb
  filter: FailedFilter
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
export class Bulks {
  readonly #place: Inspected
  readonly #all = new Map<string, { bulk: Bulk; stop: AbortController }>()

  constructor(place: Inspected) {
    this.#place = place
  }

  /** Begins a change; nothing that fails after this moment is touched. @param onEnd called once, at the end */
  async start(verb: FailedVerb, filter: FailedFilter, by: string, onEnd: (bulk: Bulk) => void): Promise<Bulk> {
    const startedMs = Date.now()
    // Entries carry whole seconds.
    const untilMs = Math.min(filter.untilMs ?? Infinity, Math.floor(startedMs / 1000) * 1000 + 1000)
    const total = await this.#place.store.failures.count()
    const bulk: Bulk = {
      ...{ id: newId(startedMs), verb, filter: { ...filter, untilMs }, by, startedMs, endedMs: undefined, total },
      ...{ soFar: { looked: 0, matched: 0, done: 0, skipped: [], isStopped: false }, trouble: undefined },
    }
    const stop = new AbortController()
    this.#all.set(bulk.id, { bulk, stop })
    this.#forget()
    const onProgress = (soFar: Change): unknown => (bulk.soFar = soFar)
    void changeFailed(this.#place, verb, bulk.filter, { signal: stop.signal, newest: total - 1, onProgress })
      .then(onProgress, (error: unknown) => (bulk.trouble = withCode(error)))
      .finally(() => {
        bulk.endedMs = Date.now()
        onEnd(bulk)
      })
    return bulk
  }

  find(id: string): Bulk | undefined {
    return this.#all.get(id)?.bulk
  }

  /** Stops one after the step in hand. */
  stop(id: string): void {
    this.#all.get(id)?.stop.abort()
  }

  /** Those that run, and those that have ended lately. */
  list(): Bulk[] {
    return [...this.#all.values()].map(({ bulk }) => bulk).reverse()
  }

  #forget(): void {
    for (const [id, { bulk }] of this.#all) {
      if (this.#all.size <= mostKept) return
      if (bulk.endedMs !== undefined) this.#all.delete(id)
    }
  }
}

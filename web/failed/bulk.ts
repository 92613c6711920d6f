import { withCode } from '../../runtime/core/errors.ts'
import { newId } from '../../runtime/core/ids.ts'
import type { FailedEntry } from '../../runtime/store/queues/failures.ts'
import { changeFailed, reasonToSkip, type FailedChange, type FailedPlace } from './change.ts'
import { matches, type FailedFilter } from './search.ts'

/** One change of all failed jobs that match a filter. It runs in this process, in steps, until it is done or stopped. */
export interface Bulk {
  id: string
  change: FailedChange
  filter: FailedFilter
  /** The user who began it. */
  by: string
  startedMs: number
  endedMs: number | undefined
  /** Entries at the start, and how many of them were looked at. */
  total: number
  looked: number
  changed: number
  skipped: number
  /** Some reasons why entries were skipped, with how many there were of each. */
  reasons: Map<string, number>
  isStopped: boolean
  /** What ended it before its time. */
  trouble: string | undefined
}

const stepSize = 100
const mostReasons = 20
/** Bulk changes that are remembered, for their pages; those that have ended go first. */
const mostKept = 50

/** The bulk changes of this process. */
export class Bulks {
  readonly #place: FailedPlace
  readonly #all = new Map<string, Bulk>()

  constructor(place: FailedPlace) {
    this.#place = place
  }

  /** Begins a change; nothing that fails after this moment is touched. @param onEnd told once, at the end */
  async start(change: FailedChange, filter: FailedFilter, by: string, onEnd: (bulk: Bulk) => void): Promise<Bulk> {
    const startedMs = Date.now()
    // Entries carry whole seconds.
    const untilMs = Math.min(filter.untilMs ?? Infinity, Math.floor(startedMs / 1000) * 1000 + 1000)
    const total = await this.#place.store.failures.count()
    const bulk: Bulk = {
      ...{ id: newId(startedMs), change, filter: { ...filter, untilMs }, by, startedMs, endedMs: undefined, total },
      ...{ looked: 0, changed: 0, skipped: 0, reasons: new Map(), isStopped: false, trouble: undefined },
    }
    this.#all.set(bulk.id, bulk)
    this.#forget()
    void this.#run(bulk)
      .catch((error: unknown) => (bulk.trouble = withCode(error)))
      .finally(() => {
        bulk.endedMs = Date.now()
        onEnd(bulk)
      })
    return bulk
  }

  find(id: string): Bulk | undefined {
    return this.#all.get(id)
  }

  /** Those that run, and those that have ended lately. */
  list(): Bulk[] {
    return [...this.#all.values()].reverse()
  }

  /** Newest first: what is removed shifts only entries that were looked at, so that none is passed over. */
  async #run(bulk: Bulk): Promise<void> {
    for (let top = bulk.total; top > 0 && !bulk.isStopped; top -= stepSize) {
      const from = Math.max(0, top - stepSize)
      await this.#step(bulk, from, top)
      bulk.looked = bulk.total - from
    }
  }

  async #step(bulk: Bulk, from: number, top: number): Promise<void> {
    for (let tries = 0; tries < 3; tries += 1) {
      const entries = (await this.#place.store.failures.list(from, top - from)).reverse()
      let isStale = false
      for (const entry of entries) {
        if (bulk.isStopped) return
        if (!matches(entry, bulk.filter)) continue
        const done = await this.#change(bulk, entry)
        if (done === 'changed') {
          isStale = true
          break
        }
      }
      if (!isStale) return
    }
    this.#skip(bulk, 'the list changed again and again while it was being worked on')
  }

  async #change(bulk: Bulk, entry: FailedEntry): Promise<'done' | 'changed'> {
    try {
      if (!(await changeFailed(this.#place, bulk.change, entry, Date.now()))) return 'changed'
      bulk.changed += 1
    } catch (error) {
      const reason = reasonToSkip(error)
      if (reason === undefined) throw error
      this.#skip(bulk, reason)
    }
    return 'done'
  }

  #skip(bulk: Bulk, reason: string): void {
    bulk.skipped += 1
    // Ids and indexes make each reason its own: what is alike is counted together.
    const kind = reason.replace(/\b[0-9a-z]{20,}\b/g, '…').replace(/\d+/g, 'N')
    if (bulk.reasons.has(kind) || bulk.reasons.size < mostReasons)
      bulk.reasons.set(kind, (bulk.reasons.get(kind) ?? 0) + 1)
  }

  #forget(): void {
    for (const [id, { endedMs }] of this.#all) {
      if (this.#all.size <= mostKept) return
      if (endedMs !== undefined) this.#all.delete(id)
    }
  }
}

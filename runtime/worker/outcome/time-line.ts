import type { Ending } from '../launchers/launcher.ts'

/**
 * Where the time of one delivery went, in ms. `reserve`: from the reservation to the start of a process, with limits and
 * what a step needs; `fork`: until the process has the job; `load`: until the job's own code began, with the afterFork
 * hook; `perform`: until it reported its end, or its process died; `settle`: from then until the end is written. A part
 * that was not reached is absent.
 */
export interface Spans {
  reserve: number
  fork?: number
  load?: number
  perform?: number
  settle?: number
}

/** Times one delivery, from its reservation on. */
export class TimeLine {
  readonly #reservedAt = performance.now()
  #launchedAt: number | undefined
  #startedAt: number | undefined
  #ended: { at: number; ranMs: number | undefined; loadMs: number | undefined } | undefined

  /** Since the reservation. */
  get elapsedMs(): number {
    return performance.now() - this.#reservedAt
  }

  launched(): void {
    this.#launchedAt = performance.now()
  }

  started(): void {
    this.#startedAt = performance.now()
  }

  ended({ ranMs, loadMs }: Pick<Ending, 'ranMs' | 'loadMs'>): void {
    this.#ended = { at: performance.now(), ranMs, loadMs }
  }

  /** The spans, if the end is written now. */
  spans(): Spans {
    const now = performance.now()
    const reserve = tenths((this.#launchedAt ?? now) - this.#reservedAt)
    if (this.#launchedAt === undefined) return { reserve }
    if (this.#startedAt === undefined) return { reserve, fork: tenths((this.#ended?.at ?? now) - this.#launchedAt) }
    const fork = tenths(this.#startedAt - this.#launchedAt)
    const endedAt = this.#ended?.at ?? now
    const ranMs = this.#ended?.ranMs ?? endedAt - this.#startedAt
    const loadMs = this.#ended?.loadMs
    return {
      reserve,
      fork,
      ...(loadMs === undefined ? {} : { load: tenths(loadMs) }),
      perform: tenths(ranMs - (loadMs ?? 0)),
      settle: tenths(now - Math.min(this.#startedAt + ranMs, endedAt)),
    }
  }
}

const tenths = (ms: number): number => Math.round(Math.max(0, ms) * 10) / 10

/** The same for people, in one line. */
export const spansText = (spans: Spans): string =>
  Object.entries(spans)
    .map(([part, ms]) => `${part} ${ms} ms`)
    .join(', ')

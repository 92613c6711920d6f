/**
 * How many processes to keep ready. Jobs that come fast use the spares up while new ones boot, so as many are kept as
 * jobs came in the time of one boot, up to one more for each processor: beyond that boots only hold each other up.
 */
export class SparePace {
  readonly #least: number
  readonly #most: number
  #bootMs = 0
  /** When the last jobs came, oldest first. */
  readonly #launchedAtMs: number[] = []

  /** @param spares at least @param processors how many may boot beside each other */
  constructor(spares: number, processors: number) {
    this.#least = spares
    this.#most = spares === 0 ? 0 : spares + processors
  }

  /** A process has loaded the application. */
  booted(tookMs: number): void {
    this.#bootMs = tookMs
  }

  /** A job has come. */
  launched(nowMs: number): void {
    this.#launchedAtMs.push(nowMs)
    if (this.#launchedAtMs.length > this.#most) this.#launchedAtMs.shift()
  }

  wanted(nowMs: number): number {
    const recent = this.#launchedAtMs.filter((atMs) => nowMs - atMs <= this.#bootMs).length
    return Math.min(Math.max(this.#least, recent + 1), this.#most)
  }
}

/** Counts mishaps and says when there were too many of them within a while. */
export class FailureWindow {
  readonly #limit: number
  readonly #windowMs: number
  #times: number[] = []

  constructor(limit: number, windowMs: number) {
    this.#limit = limit
    this.#windowMs = windowMs
  }

  /** Notes one, at a time in ms. True when it is one too many. */
  add(now: number): boolean {
    this.#times = [...this.#times.filter((time) => now - time < this.#windowMs), now]
    return this.#times.length >= this.#limit
  }
}

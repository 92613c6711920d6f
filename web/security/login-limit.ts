/** Failed logins that are allowed, by name and by address, within the window. */
const allowed = 10
const windowMs = 5 * 60_000
/** Names and addresses that are counted at a time; beyond it the oldest are forgotten. */
const maxKeys = 10_000

/** Slows down who guesses passwords. Counts in this process only: two dashboards allow twice as many. */
export class LoginLimit {
  readonly #failures = new Map<string, { count: number; untilMs: number }>()

  /** Until when none of `keys` may try again; 0 for at once. */
  blockedUntilMs(keys: readonly string[], nowMs: number): number {
    const until = keys.map((key) => {
      const entry = this.#failures.get(key)
      return entry && entry.untilMs > nowMs && entry.count >= allowed ? entry.untilMs : 0
    })
    return Math.max(0, ...until)
  }

  failed(keys: readonly string[], nowMs: number): void {
    for (const key of keys) {
      const before = this.#failures.get(key)
      const isOn = before !== undefined && before.untilMs > nowMs
      this.#failures.delete(key)
      this.#failures.set(key, { count: isOn ? before.count + 1 : 1, untilMs: isOn ? before.untilMs : nowMs + windowMs })
    }
    for (const key of this.#failures.keys()) {
      if (this.#failures.size <= maxKeys) break
      this.#failures.delete(key)
    }
  }

  succeeded(keys: readonly string[]): void {
    for (const key of keys) this.#failures.delete(key)
  }
}

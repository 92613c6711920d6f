import { setTimeout as wait } from 'node:timers/promises'

/** Time, handed in so that tests can own it. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number
  /** Resolves after `ms`, or at once when `signal` aborts; never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** setTimeout's own bound: longer sleeps would fire at once. */
const longestTimerMs = 2 ** 31 - 1

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  async sleep(ms, signal) {
    if (signal?.aborted) return
    await wait(Math.min(Math.max(ms, 0), longestTimerMs), undefined, { signal }).catch(() => undefined)
  },
}

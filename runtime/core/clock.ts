import { setTimeout as wait } from 'node:timers/promises'
import { longestTimerMs } from './timer.ts'

/** Time, handed in so that tests can own it. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number
  /** Resolves after `ms`, or at once when `signal` aborts; never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  async sleep(ms, signal) {
    for (let leftMs = Math.max(ms, 0); !signal?.aborted; leftMs -= longestTimerMs) {
      await wait(Math.min(leftMs, longestTimerMs), undefined, { signal }).catch(() => undefined)
      if (leftMs <= longestTimerMs) return
    }
  },
}

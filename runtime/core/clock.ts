import { setTimeout as wait } from 'node:timers/promises'

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

/** A clock that is never set, for lengths of time: `performance.now()` without what Node loads for it, a millisecond in each job's process. */
export const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6

/** setTimeout's own bound, 24.8 days: what is longer fires at once. */
export const longestTimerMs = 2 ** 31 - 1

/** A timer that can be stopped; stopping one that has fired does nothing. */
export interface Timer {
  stop(): void
}

/** setTimeout for a duration that a user gives, which may be longer than setTimeout's own bound. @param ms at least 0; less is 0 */
export function startTimer(fire: () => void, ms: number): Timer {
  let timeout: NodeJS.Timeout
  const arm = (leftMs: number): void => {
    timeout =
      leftMs > longestTimerMs
        ? setTimeout(() => arm(leftMs - longestTimerMs), longestTimerMs)
        : setTimeout(fire, Math.max(leftMs, 0))
  }
  arm(ms)
  return { stop: () => clearTimeout(timeout) }
}

/** Acts when the event loop has come round so many times. */
export function afterTicks(ticks: number, act: () => void): void {
  setImmediate(() => (ticks > 1 ? afterTicks(ticks - 1, act) : act()))
}

/** Pauses between attempts: the first, doubled after each attempt, and the longest. */
export interface BackoffDelays {
  firstMs: number
  mostMs: number
}

/** The pause after `attempts` failed ones: doubled after each. */
export const backoffMs = ({ firstMs, mostMs }: BackoffDelays, attempts: number): number =>
  Math.min(firstMs * 2 ** (attempts - 1), mostMs)

/**
 * Repeats `attempt` until it succeeds, with pauses that double.
 * @param onError gets each error before the pause; what must not be repeated it throws
 * @returns what `attempt` returns @throws what `onError` throws
 */
export async function withBackoff<T>(
  clock: Clock,
  delays: BackoffDelays,
  attempt: () => Promise<T>,
  onError: (error: unknown) => void,
): Promise<T> {
  for (let attempts = 1; ; attempts += 1) {
    try {
      return await attempt()
    } catch (error) {
      onError(error)
      await clock.sleep(backoffMs(delays, attempts))
    }
  }
}

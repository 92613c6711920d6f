import type { Clock } from './clock.ts'

/** Pauses between attempts: the first, doubled after each attempt, and the longest. */
export interface Pauses {
  firstMs: number
  mostMs: number
}

/**
 * Repeats `attempt` until it succeeds, with pauses that double.
 * @param onError gets each error before the pause; what must not be repeated it throws
 * @returns what `attempt` returns @throws what `onError` throws
 */
export async function withBackoff<T>(
  clock: Clock,
  { firstMs, mostMs }: Pauses,
  attempt: () => Promise<T>,
  onError: (error: unknown) => void,
): Promise<T> {
  for (let pauseMs = firstMs; ; pauseMs = Math.min(pauseMs * 2, mostMs)) {
    try {
      return await attempt()
    } catch (error) {
      onError(error)
      await clock.sleep(pauseMs)
    }
  }
}

import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Calls `look` until what it returns is truthy, and returns that. What it throws counts as "not yet", and is the cause
 * of the error when time runs out. For tests: wait for what must happen, never for an amount of time.
 */
export async function eventually<T>(
  look: () => T | Promise<T>,
  { timeoutMs = 10_000, intervalMs = 10, what = 'the condition' } = {},
): Promise<NonNullable<T>> {
  const deadline = performance.now() + timeoutMs
  let last: unknown
  for (;;) {
    try {
      const seen = await look()
      if (seen) return seen
      last = `last seen: ${JSON.stringify(seen)}`
    } catch (error) {
      last = error
    }
    if (performance.now() > deadline) {
      throw new Error(
        `${what}: expected it within ${timeoutMs} ms; ${last instanceof Error ? last.message : String(last)}`,
        {
          cause: last,
        },
      )
    }
    await sleep(intervalMs)
  }
}

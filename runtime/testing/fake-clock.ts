import type { Clock } from '../core/clock.ts'
import { duration } from '../core/duration.ts'

/** A clock that stands still until a test advances it. */
export interface FakeClock extends Clock {
  /** Moves time on; sleeps that are over then resolve, earliest first. @throws RuntimeError ERR_ARGUMENT */
  advance(ms: number): Promise<void>
  /** Sets the time without ending a sleep, as when the machine's clock is changed. */
  set(nowMs: number): void
}

interface Sleeper {
  atMs: number
  resolve: () => void
}

/** A {@link FakeClock} that begins at `startMs` (2026-01-01 by default). */
export function fakeClock(startMs: number = Date.UTC(2026, 0, 1)): FakeClock {
  let nowMs = startMs
  let sleepers: Sleeper[] = []
  return {
    now: () => nowMs,
    set: (ms) => void (nowMs = ms),
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve()
        const sleeper = { atMs: nowMs + ms, resolve }
        sleepers.push(sleeper)
        signal?.addEventListener('abort', () => {
          sleepers = sleepers.filter((other) => other !== sleeper)
          resolve()
        })
        return undefined
      }),
    async advance(ms) {
      duration(ms, 'advance')
      const endMs = nowMs + ms
      for (;;) {
        const next = sleepers.filter((sleeper) => sleeper.atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0]
        if (!next) break
        sleepers = sleepers.filter((other) => other !== next)
        nowMs = Math.max(nowMs, next.atMs)
        next.resolve()
        // What wakes may sleep again within the span: let it get there first.
        await new Promise((resolve) => setImmediate(resolve))
      }
      nowMs = endMs
    },
  }
}

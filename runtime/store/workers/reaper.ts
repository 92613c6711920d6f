import type { Clock } from '../../core/clock.ts'
import { channels } from '../../core/channels.ts'
import { hasCode, withCode } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import { Loop, type Service } from '../../core/service.ts'
import type { Store } from '../store.ts'

/** What becomes of the jobs of dead supervisors. */
export interface ReclaimLimits {
  maxRedeliveries: number
  failedMax: number
  /** How long the record of a job that failed is kept. */
  ttlMs: number
}

/** Takes the jobs of supervisors whose leases have run out: back to their queues, or to the failed list. */
export async function reclaim(
  dead: readonly string[],
  store: Store,
  limits: ReclaimLimits,
  clock: Clock,
  log: Logger,
): Promise<void> {
  const parts = dead.map((id) => [
    `supervisor ${id}`,
    async () => {
      const { back, failed, stuck } = await store.supervisors.reclaim(id, limits, clock.now())
      if (back.length > 0) channels.redeliveries.publish(back.length)
      log.warn(`supervisor ${id} is dead: ${back.length} of its jobs requeued, ${failed.length} failed`)
      if (stuck !== undefined) log.error(`supervisor ${id} is dead, and some of its jobs cannot be requeued: ${stuck}`)
    },
  ])
  await runEach(log, Object.fromEntries(parts) as Record<string, () => Promise<void>>)
}

/**
 * Does what a tick has to do, one thing after another. One that fails, since a record in Redis cannot be read, is logged
 * and delays none of them.
 * @throws RuntimeError ERR_REDIS while Redis is away: the rest would fail, too
 */
export async function runEach(log: Logger, parts: Record<string, () => Promise<unknown>>): Promise<void> {
  for (const [name, act] of Object.entries(parts)) {
    await act().catch((error: unknown) => {
      if (hasCode(error, 'ERR_REDIS')) throw error
      log.warn(`${name}: ${withCode(error)}`)
    })
  }
}

/** What an {@link Reaper} needs. */
export interface ReaperOptions {
  store: Store
  clock: Clock
  log: Logger
  limits: ReclaimLimits
  /** Interval between two checks, unless a lease expires earlier. */
  leaseMs: number
  /** Until the next look after one that failed. */
  retryMs: number
}

/**
 * Finds dead supervisors where no supervisor runs that would: beside a scheduler. Also looks after the lines of limits
 * and the IDs of items.
 */
export class Reaper implements Service {
  readonly name = 'reaper'
  readonly #loop: Loop

  constructor({ store, clock, log, limits, leaseMs, retryMs }: ReaperOptions) {
    // Who lives renews its lease long before its end, so that a scheduler with nothing to do hardly asks.
    const tick = async (): Promise<number> => {
      const { dead, nextInMs = leaseMs } = await store.supervisors.lapsed()
      await runEach(log, {
        'dead workers': () => reclaim(dead, store, limits, clock, log),
        limits: () => store.limits.sweep(),
        queues: () => store.queues.sweep(),
      })
      return Math.min(nextInMs, leaseMs)
    }
    this.#loop = new Loop({ name: this.name, clock, log, intervalMs: retryMs, tick })
  }

  start(): Promise<void> {
    return this.#loop.start()
  }

  stop(): Promise<void> {
    return this.#loop.stop()
  }
}

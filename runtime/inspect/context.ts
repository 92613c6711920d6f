import type { Config } from '../../config/schema.ts'
import type { Store } from '../store/store.ts'

/** The store that is looked at, and the settings that decide what is read and written. A command's context is one. */
export interface InspectContext {
  readonly store: Store
  readonly config: Pick<Config, 'limits' | 'scheduler' | 'workflows' | 'memory' | 'archive' | 'namespace'>
}

/** How many there are. `isExact` is false where counting stopped at a bound: there are at least so many. */
export interface Count {
  count: number
  isExact: boolean
}

/** Redis's clock, by which leases expire, and how long Redis takes to answer. */
export async function redisClock({
  store,
}: Pick<InspectContext, 'store'>): Promise<{ nowMs: number; latencyMs: number }> {
  const { aheadMs, roundTripMs } = await store.health.clock()
  return { nowMs: Date.now() + aheadMs, latencyMs: roundTripMs }
}

/** The prefix of the scheduler's lock, as the store takes it. */
export const lockPrefixOf = ({ config }: InspectContext): string =>
  config.scheduler.lockPrefix === undefined ? '' : `${config.scheduler.lockPrefix}:`

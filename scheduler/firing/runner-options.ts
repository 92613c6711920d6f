import type { Clock } from '../../runtime/core/clock.ts'
import type { Logger } from '../../runtime/core/logger.ts'
import type { LockOwner } from '../../runtime/store/limits/locks.ts'
import type { Schedules } from '../../runtime/store/schedules/schedules.ts'
import type { KnownClass } from '../entries/entry.ts'
import type { Jitter } from './fire-times.ts'
import type { Starters } from './starters.ts'

/** What every EntryRunner shares. */
export interface RunnerOptions {
  schedules: Schedules
  /** Each firing is refused once the lock is another's. */
  owner: LockOwner
  clock: Clock
  log: Logger
  jitter: Jitter
  newId: () => string
  starters: Starters
  /** A class of the application; undefined when nobody knows it. */
  classOf: (className: string) => KnownClass | undefined
  ttlMs: number
  /** Told when Redis says that another leads. */
  onLost: () => void
}

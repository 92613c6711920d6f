import { Archiver } from '../runtime/archive/archiver.ts'
import { systemClock } from '../runtime/core/clock.ts'
import type { Context } from './context.ts'

/** Moves what has ended to the archive; every worker and every scheduler has one, and they take turns. */
export function makeArchiver({ store, config, log }: Context): Archiver {
  return new Archiver({ store, clock: systemClock, log, settings: config.archive, namespace: config.namespace })
}

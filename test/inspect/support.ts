import type { Inspected } from '../../runtime/inspect/inspected.ts'
import { loadConfig } from '../../config/load.ts'
import type { Store } from '../../runtime/store/store.ts'

/** A store with the default settings, as commands have it. */
export const inspected = (store: Store): Inspected => ({ store, config: loadConfig({ env: {}, findEmbedded: false }) })

import type { InspectContext } from '../../runtime/inspect/context.ts'
import { loadConfig } from '../../config/load.ts'
import type { Store } from '../../runtime/store/store.ts'

/** A store with the default settings, as commands have it. */
export const inspected = (store: Store): InspectContext => ({
  store,
  config: loadConfig({ env: {}, findEmbedded: false }),
})

import { shownStore } from '../../store/store.ts'
import { unreadCure } from '../../store/connection/shown.ts'
import type { InspectContext } from '../context.ts'

/** One thing that `runtime doctor` has to say. */
export interface Finding {
  /** `bad`: something is broken or will be; `note`: worth knowing, or why something waits; `fine`. */
  level: 'bad' | 'note' | 'fine'
  what: string
  /** What to do about it. */
  cure?: string
}

export const bad = (what: string, cure: string): Finding => ({ level: 'bad', what, cure })
export const note = (what: string, cure?: string): Finding => ({ level: 'note', what, ...(cure ? { cure } : {}) })
export const fine = (what: string): Finding => ({ level: 'fine', what })

/**
 * Looks with a store that shows what it can read: each key of another type is a finding, before the others.
 * @returns undefined where nothing is found
 */
export async function findReadable(
  place: InspectContext,
  look: (place: InspectContext) => Promise<Finding[] | undefined>,
): Promise<Finding[] | undefined> {
  const unread = new Set<string>()
  const found = await look({ ...place, store: shownStore(place.store, unread) })
  return unread.size === 0 ? found : [...[...unread].map((what) => bad(what, unreadCure)), ...(found ?? [])]
}

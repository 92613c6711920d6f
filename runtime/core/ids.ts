import { library } from '../../config/library.ts'

const alphabet = '0123456789abcdefghijklmnopqrstuvwxyz'
/** How many ids of one millisecond keep their order: 36 ** 3. */
const ORDERED_PER_MS = 46_656
const RANDOM_CHARACTERS = 9
/** Drawn together: asking for nine bytes costs as much as asking for a thousand, and a worker asks before every job. */
const pool = new Uint8Array(128 * RANDOM_CHARACTERS)
let drawn = pool.length

let last = { ms: -1, count: 0 }

/**
 * A new id of 21 characters, base 36: nine of time in ms, three that count the ids of this process within that ms, nine
 * random ones (46 bits). So ids sort by age, also those that one process makes within one ms, and what is listed by time
 * and id keeps the order in which it was made. A pool filled before a fork is filled again in each child (distinct.ts).
 */
export function newId(nowMs: number = Date.now()): string {
  last = { ms: nowMs, count: nowMs === last.ms ? (last.count + 1) % ORDERED_PER_MS : 0 }
  if (drawn === pool.length) {
    library('node:crypto').randomFillSync(pool)
    drawn = 0
  }
  let tail = ''
  for (const end = drawn + RANDOM_CHARACTERS; drawn < end; drawn += 1) tail += alphabet[(pool[drawn] as number) % 36]
  return nowMs.toString(36).padStart(9, '0') + last.count.toString(36).padStart(3, '0') + tail
}

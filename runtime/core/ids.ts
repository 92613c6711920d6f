import { randomBytes } from 'node:crypto'

const alphabet = '0123456789abcdefghijklmnopqrstuvwxyz'

/**
 * A new id: nine characters of time (base 36 milliseconds, so that ids sort by age) and twelve random ones (62 bits).
 * `randomBytes` is distinct in forked siblings, which Math.random is not.
 */
export function newId(nowMs: number = Date.now()): string {
  let tail = ''
  for (const byte of randomBytes(12)) tail += alphabet[byte % 36]
  return nowMs.toString(36).padStart(9, '0') + tail
}

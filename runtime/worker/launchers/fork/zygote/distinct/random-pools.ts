import crypto from 'node:crypto'
import { isIdSeed } from './id-packages.ts'
import { role } from '../core/role.ts'

/**
 * Id packages (nanoid, uuid) fill a pool of random bytes once and cut ids from it. A pool that was filled before the
 * fork would give every child the same ids, so the views filled then are remembered, weakly, and filled again in a child.
 * Shorter views are keys, secrets and ids, which must stay what they are; see id-packages.ts for the exception.
 */
const SHORTEST_POOL_BYTES = 128

/** Wraps the functions that pools are filled with; `refill` is for the child. */
export function trackPools(): { refill: () => void } {
  let filled: WeakRef<ArrayBufferView>[] = []
  const remember = (view: unknown): void => {
    if (role.child || !ArrayBuffer.isView(view)) return
    if (view.byteLength < SHORTEST_POOL_BYTES && !isIdSeed(view.byteLength)) return
    if (filled.some((known) => known.deref() === view)) return
    filled = filled.filter((known) => known.deref() !== undefined)
    filled.push(new WeakRef(view))
  }
  const { randomBytes, randomFillSync } = crypto
  crypto.randomBytes = function (...args: Parameters<typeof randomBytes>) {
    const result = Reflect.apply(randomBytes, crypto, args) as unknown
    remember(result)
    return result
  } as typeof randomBytes
  crypto.randomFillSync = function (...args: Parameters<typeof randomFillSync>) {
    const result = Reflect.apply(randomFillSync, crypto, args) as ArrayBufferView
    remember(result)
    return result
  } as typeof randomFillSync

  // crypto.getRandomValues cannot be replaced, but it is the prototype's method that every road ends in.
  const prototype = Object.getPrototypeOf(crypto.webcrypto) as {
    getRandomValues: (view: ArrayBufferView) => ArrayBufferView
  }
  const { getRandomValues } = prototype
  prototype.getRandomValues = function (view) {
    const result = getRandomValues.call(crypto.webcrypto, view)
    remember(result)
    return result
  }
  return {
    refill() {
      for (const known of filled) {
        const view = known.deref()
        if (view) randomFillSync(view as Uint8Array)
      }
    },
  }
}

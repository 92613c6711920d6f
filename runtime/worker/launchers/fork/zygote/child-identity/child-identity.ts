import crypto from 'node:crypto'
import { syncBuiltinESMExports, createRequire } from 'node:module'
import { getpid } from '../core/libc.ts'
import { forkSide } from '../core/fork-side.ts'

/**
 * State that every child would otherwise share with its siblings, made its own: random numbers, identifiers, pid and
 * uptime. Call before the application is loaded, so that it sees nothing else. Returns what a child must do at once;
 * all that can wait is done at the first use.
 *
 * Not covered: uuid v1 (clock sequence and node id) and other state that a library keeps for itself. Of packages that do, see {@link idWarnings}.
 */
export function giveOwnIdentity(): { inChild: () => void } {
  replaceMathRandom()
  replaceIdentifiers()
  const pools = trackPools()
  syncBuiltinESMExports()
  const bornAt = replacePidAndUptime()
  return {
    inChild() {
      bornAt.ms = performance.now()
      pools.refill()
    },
  }
}

/** xoshiro128**, whose state we can set: that of V8 is out of reach, so all siblings would draw the same numbers. */
function replaceMathRandom(): void {
  const state = new Uint32Array(4)
  let seededForChild = false
  crypto.randomFillSync(state)
  Math.random = function random(): number {
    if (forkSide.child && !seededForChild) {
      crypto.randomFillSync(state)
      seededForChild = true
    }
    return ((next(state) >>> 5) * 0x4000000 + (next(state) >>> 6)) / 0x20000000000000
  }
}

function next(state: Uint32Array): number {
  const s1 = state[1] as number
  const product = Math.imul(s1, 5)
  const result = Math.imul((product << 7) | (product >>> 25), 9)
  const shifted = s1 << 9
  state[2] = (state[2] as number) ^ (state[0] as number)
  state[3] = (state[3] as number) ^ s1
  state[1] = s1 ^ state[2]
  state[0] = (state[0] as number) ^ state[3]
  state[2] = state[2] ^ shifted
  const s3 = state[3]
  state[3] = (s3 << 11) | (s3 >>> 21)
  return result >>> 0
}

/** Node draws ids from a cache of random bytes; used in the zygote, every child would go on with the same cache. */
function replaceIdentifiers(): void {
  const { randomUUID, randomInt } = crypto
  const freshUUID = (): crypto.UUID => randomUUID({ disableEntropyCache: true })
  crypto.randomUUID = function (options) {
    return forkSide.child ? randomUUID(options) : freshUUID()
  }
  crypto.randomInt = function (...args: unknown[]) {
    return forkSide.child ? (Reflect.apply(randomInt, crypto, args) as number) : freshInt(args)
  } as typeof randomInt
  const prototype = Object.getPrototypeOf(crypto.webcrypto) as { randomUUID: () => crypto.UUID }
  const webUUID = prototype.randomUUID
  prototype.randomUUID = function () {
    return forkSide.child ? webUUID.call(this as never) : freshUUID()
  }
}

const SAMPLE_BYTES = 6
const SAMPLE_SIZE = 2 ** 48

/** crypto.randomInt without its cache: rejection sampling over six fresh bytes. Same arguments, callback included. */
function freshInt(args: unknown[]): number | undefined {
  const callback = typeof args.at(-1) === 'function' ? (args.pop() as (error: null, value: number) => void) : undefined
  const [min, max] = (args.length === 1 ? [0, args[0]] : args) as [number, number]
  if (!Number.isSafeInteger(min) || !Number.isSafeInteger(max) || max <= min || max - min >= SAMPLE_SIZE)
    throw new RangeError(`randomInt expected safe integers min < max less than 2^48 apart, got ${min} and ${max}`)
  const range = max - min
  const limit = SAMPLE_SIZE - (SAMPLE_SIZE % range)
  let sample: number
  do sample = crypto.randomBytes(SAMPLE_BYTES).readUIntBE(0, SAMPLE_BYTES)
  while (sample >= limit)
  const value = min + (sample % range)
  if (!callback) return value
  process.nextTick(callback, null, value)
  return undefined
}

/** Node remembers the pid of the process that it was started as. */
function replacePidAndUptime(): { ms: number } {
  const zygotePid = process.pid
  let childPid = 0
  Object.defineProperty(process, 'pid', {
    configurable: true,
    enumerable: true,
    get: () => (forkSide.child ? (childPid ||= getpid()) : zygotePid),
  })
  const uptime = process.uptime.bind(process)
  const bornAt = { ms: 0 }
  process.uptime = () => (forkSide.child ? (performance.now() - bornAt.ms) / 1000 : uptime())
  return bornAt
}

/**
 * Id packages (nanoid, uuid) fill a pool of random bytes once and cut ids from it. A pool that was filled before the
 * fork would give every child the same ids, so the views filled then are remembered, weakly, and filled again in a child.
 * Shorter views are keys, secrets and ids, which must stay what they are; see {@link isIdSeed} for the exception.
 */
const SHORTEST_POOL_BYTES = 128

/** Wraps the functions that pools are filled with; `refill` is for the child. */
function trackPools(): { refill: () => void } {
  let filled: WeakRef<ArrayBufferView>[] = []
  const remember = (view: unknown): void => {
    if (forkSide.child || !ArrayBuffer.isView(view)) return
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

/** bson draws these once and puts them into each ObjectId of its process (`PROCESS_UNIQUE`); longer ones are ids themselves. */
const BSON_SEED_BYTES = 5
const IN_BSON = /[\\/]node_modules[\\/]bson[\\/]/
/** v6 goes through the same file and keeps nothing. */
const IN_UUID_V1 = /[\\/]node_modules[\\/]uuid[\\/].*[\\/]v1\.[jt]s/
const IN_UUID_V6 = /[\\/]node_modules[\\/]uuid[\\/].*[\\/]v6\.[jt]s/
/** Makers of ids from a time, a machine's number and a counter: siblings that have the last two from their parent repeat each other. */
const COUNTERS = [
  '@sapphire/snowflake',
  'flake-idgen',
  'hyperid',
  'node-snowflake',
  'nodejs-snowflake',
  'simpleflakes',
  'snowflake-id',
  'snowyflake',
]

let usedUuidV1 = false

/**
 * Looks at random bytes that were drawn while the application is loaded. @returns true for those that a well-known package
 * makes all its ids from: a child draws them again
 */
function isIdSeed(bytes: number): boolean {
  if (forkSide.child || (bytes !== BSON_SEED_BYTES && usedUuidV1)) return false
  const { stack = '' } = new Error()
  if (IN_UUID_V1.test(stack) && !IN_UUID_V6.test(stack)) usedUuidV1 = true
  return bytes === BSON_SEED_BYTES && IN_BSON.test(stack)
}

/** What the supervisor's log says of packages whose ids siblings may repeat; for when the application is loaded. */
export function idWarnings(): string[] {
  const loaded = Object.keys(createRequire(import.meta.url).cache)
  const counters = COUNTERS.filter((name) => loaded.some((file) => file.includes(`/node_modules/${name}/`)))
  return [...(usedUuidV1 ? ['uuid v1'] : []), ...counters].map(
    (name) =>
      `${name} was used or loaded with the application: jobs are forked, so ids that it makes from what it keeps may repeat; make its generator in afterFork or in the job, or use uuid v4 or v7`,
  )
}

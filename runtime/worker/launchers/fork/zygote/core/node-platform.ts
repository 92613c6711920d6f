import { machine } from '../../../../../../config/machine.ts'
import { copyFrom, copyTo, malloc, symbolAddress } from './libc.ts'

/**
 * Rule 2 of the recipe. V8 hands garbage-collection jobs to NodePlatform's worker threads, which do not exist in a
 * forked child: glibc then waits for them for ever (40 of 121 GC-heavy children hung without this). The platform
 * object gets a copy of its vtable in which it has no workers and drops what is posted to them; V8 then does that
 * work itself, on the main thread. It must hold together with `--single-threaded`, without which V8 insists on workers.
 *
 * Slots are found by the address of the method, never by number: they move between Node versions.
 */
const COUNT_METHOD = '_ZN4node12NodePlatform21NumberOfWorkerThreadsEv'

/** The methods that hand work to the workers, by Node version: 20, then 22 and later. */
const POST_METHODS = [
  '_ZN4node12NodePlatform18CallOnWorkerThreadESt10unique_ptrIN2v84TaskESt14default_deleteIS3_EE',
  '_ZN4node12NodePlatform25CallDelayedOnWorkerThreadESt10unique_ptrIN2v84TaskESt14default_deleteIS3_EEd',
  '_ZN4node12NodePlatform26PostTaskOnWorkerThreadImplEN2v812TaskPriorityESt10unique_ptrINS1_4TaskESt14default_deleteIS4_EERKNS1_14SourceLocationE',
  '_ZN4node12NodePlatform33PostDelayedTaskOnWorkerThreadImplEN2v812TaskPriorityESt10unique_ptrINS1_4TaskESt14default_deleteIS4_EEdRKNS1_14SourceLocationE',
]

/** Returns 0 and touches nothing: what a method becomes that must do nothing and answer 0. */
const NOTHING = 'pthread_mutexattr_destroy'

/** Two words (offset to top, type information) come before the first method. */
const VTABLE_HEADER_WORDS = 2
const VTABLE_WORDS = 48
const HOLDER_WORDS = 16

interface Platform {
  /** Address of the NodePlatform object; its first word is the vtable pointer. */
  object: bigint
  nothing: bigint
  /** Addresses of the methods that must not be reachable any more. */
  worker: bigint[]
}

function findPlatform(memory: OwnMemory): Platform | string {
  const holder = symbolAddress('_ZN4node11per_process11v8_platformE')
  const vtable = symbolAddress('_ZTVN4node12NodePlatformE')
  const nothing = symbolAddress(NOTHING)
  const count = symbolAddress(COUNT_METHOD)
  const posts = POST_METHODS.map(symbolAddress).filter((address) => address !== 0n)
  if (!holder || !vtable || !nothing || !count || posts.length < 2)
    return 'this node binary does not export the platform symbols (built with shared or hidden libraries?)'
  const methods = vtable + BigInt(VTABLE_HEADER_WORDS * 8)
  const object = memory.readWords(holder, HOLDER_WORDS).find((word) => {
    const vptr = wordAt(memory, word)
    return vptr !== undefined && (vptr === methods || vptr === patchedMethods)
  })
  if (object === undefined) return 'no platform object in node::per_process::v8_platform'
  return { object, nothing, worker: [count, ...posts] }
}

/** The word at what may be an address, undefined when it is none. */
function wordAt(memory: OwnMemory, address: bigint): bigint | undefined {
  return address % 8n === 0n && memory.isReadable(address, 1) ? memory.readWords(address, 1)[0] : undefined
}

/** First method of our copy; the address of no object before there is one. */
let patchedMethods = -1n

/** Takes the worker threads out of the platform. Returns the reason when it cannot; then nothing was changed. */
export function disablePlatformWorkers(): string | undefined {
  const memory = new OwnMemory()
  const platform = findPlatform(memory)
  if (typeof platform === 'string') return platform
  const vptr = memory.readWords(platform.object, 1)[0] ?? 0n
  const header = BigInt(VTABLE_HEADER_WORDS * 8)
  const words = memory.readWords(vptr - header, VTABLE_WORDS + VTABLE_HEADER_WORDS)
  const copy = malloc(words.length * 8)
  memory.writeWords(
    BigInt(copy),
    words.map((word) => (platform.worker.includes(word) ? platform.nothing : word)),
  )
  patchedMethods = BigInt(copy) + header
  memory.writeWords(platform.object, [patchedMethods])
  return undefined
}

/**
 * Reads back the vtable that V8 will really use. Undefined when no worker method can be reached through it, else
 * what is wrong. Structure, not behaviour: a child without the patch hangs only when luck wants it.
 */
export function platformFault(): string | undefined {
  const memory = new OwnMemory()
  const platform = findPlatform(memory)
  if (typeof platform === 'string') return platform
  const vptr = memory.readWords(platform.object, 1)[0] ?? 0n
  const slots = memory.readWords(vptr, VTABLE_WORDS)
  const reachable = slots.filter((slot) => platform.worker.includes(slot)).length
  const silenced = slots.filter((slot) => slot === platform.nothing).length
  if (reachable > 0) return `${reachable} slots of V8's platform still lead to worker threads that a forked child lacks`
  if (silenced < platform.worker.length)
    return `only ${silenced} of ${platform.worker.length} worker methods of V8's platform are silenced`
  return undefined
}

const WORD_BYTES = 8

/** This process's own memory, as it was mapped when this object was made. Addresses are 64-bit, words little-endian. */
class OwnMemory {
  readonly #readable = readableRanges()

  /** Of fewer words than a page has. */
  isReadable(address: bigint, words: number): boolean {
    const last = address + BigInt((words - 1) * WORD_BYTES)
    return [address, last].every((word) => this.#readable.some(({ start, end }) => word >= start && word < end))
  }

  /** @throws RangeError for an address that is not mapped; reading it would end the process */
  readWords(address: bigint, count: number): bigint[] {
    if (!this.isReadable(address, count)) throw new RangeError(`address 0x${address.toString(16)} is not mapped`)
    const bytes = Buffer.alloc(count * WORD_BYTES)
    copyFrom(address, bytes)
    return Array.from({ length: count }, (_, index) => bytes.readBigUInt64LE(index * WORD_BYTES))
  }

  writeWords(address: bigint, words: readonly bigint[]): void {
    const bytes = Buffer.alloc(words.length * WORD_BYTES)
    words.forEach((word, index) => bytes.writeBigUInt64LE(word, index * WORD_BYTES))
    copyTo(address, bytes)
  }
}

/**
 * From /proc/self/maps. /proc/self/mem would answer a wrong address with an error by itself, but under an emulator of
 * the processor it shows the emulator's addresses.
 */
const readableRanges = (): { start: bigint; end: bigint }[] =>
  [...(machine.file('/proc/self/maps') ?? '').matchAll(/^([0-9a-f]+)-([0-9a-f]+) r/gm)].map(([, start, end]) => ({
    start: BigInt(`0x${start}`),
    end: BigInt(`0x${end}`),
  }))

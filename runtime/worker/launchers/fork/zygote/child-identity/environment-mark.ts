import { copyFrom, koffi, malloc, putenv, symbolAddress } from '../core/libc.ts'
import { MARK_VARIABLE } from '../../../../lease/dead-processes.ts'

/** Launch numbers are 32 bit, in hexadecimal: so no fraction has to be made, nor any other object (see ZygoteLoop). */
const DIGITS = 8

/**
 * The mark of the next job in this process's environment, which the child inherits. It is written in place: setenv(3)
 * would keep every value for ever, and touch far more memory.
 */
export class EnvironmentMark {
  readonly #prefix: string
  readonly #digits: Uint8Array

  /** `prefix`: the supervisor's mark, see Boot. */
  constructor(prefix: string) {
    this.#prefix = prefix
    const text = Buffer.from(`${MARK_VARIABLE}=${this.of(0)}\0`)
    const address = BigInt(malloc(text.length))
    const bytes = new Uint8Array(koffi.view(address, text.length))
    bytes.set(text)
    putenv(address)
    this.#digits = bytes.subarray(text.length - 1 - DIGITS, text.length - 1)
  }

  set(launch: number): void {
    let rest = launch
    for (let at = DIGITS - 1; at >= 0; at -= 1) {
      const digit = rest & 15
      this.#digits[at] = digit < 10 ? 48 + digit : 87 + digit
      rest >>>= 4
    }
  }

  /** The whole mark of a launch. */
  of(launch: number): string {
    return `${this.#prefix}:${launch.toString(16).padStart(DIGITS, '0')}`
  }

  /** The launch of a mark, undefined when it is of another zygote's. */
  launchOf(mark: string): number | undefined {
    return mark.startsWith(`${this.#prefix}:`) ? parseInt(mark.slice(-DIGITS), 16) : undefined
  }
}

const POINTER_BYTES = 8
const environ = symbolAddress('environ')
/** Where the pointers were, and they themselves with the zero after the last. */
let known = { address: 0n, bytes: new Uint8Array(0) }
const pointer = new BigUint64Array(1)
const pointerBytes = new Uint8Array(pointer.buffer)

/**
 * The addresses of the environment's strings, without reading those: setenv(3) puts each new value in another place, and
 * a change moves, adds or removes an address. The next call writes to the same bytes. Undefined where nothing can be said.
 */
export function environmentPointers(): Uint8Array | undefined {
  if (environ === 0n) return undefined
  const address = pointerAt(environ)
  if (address === 0n) return undefined
  if (address !== known.address) known = { address, bytes: new Uint8Array(countPointers(address) * POINTER_BYTES) }
  copyFrom(address, known.bytes)
  return known.bytes
}

function pointerAt(address: bigint): bigint {
  copyFrom(address, pointerBytes)
  return pointer[0] ?? 0n
}

function countPointers(address: bigint): number {
  let count = 1
  for (let at = address; pointerAt(at) !== 0n; at += BigInt(POINTER_BYTES)) count += 1
  return count
}

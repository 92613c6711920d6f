import type { Assignment } from '../../../../../messages.ts'
import { EINTR, errno, read } from '../core/libc.ts'
import { ORDER_BYTES, type OrderKind } from './zygote-messages.ts'

const FIRST_CAPACITY = 64 * 1024

/**
 * The zygote's reader of orders, one at a time, in place: every object that the zygote makes between two forks is memory
 * that the next fork has to copy.
 */
export class Orders {
  kind: OrderKind = 0
  launch = 0
  pair = 0
  #bytes = Buffer.alloc(FIRST_CAPACITY)
  /** What has been read lies between `#at` and `#end`. */
  #at = 0
  #end = 0
  #textBytes = 0

  /** Reads what there is, at least a byte; false when the supervisor has gone. */
  read(fd: number): boolean {
    if (this.#at === this.#end) this.#at = this.#end = 0
    if (this.#end === this.#bytes.length) this.#makeRoom()
    const into = this.#end === 0 ? this.#bytes : this.#bytes.subarray(this.#end)
    const count = read(fd, into, into.length)
    if (count < 0 && errno() === EINTR) return true
    if (count > 0) this.#end += count
    return count > 0
  }

  /** Goes on to the next order; false when it has not come yet. */
  next(): boolean {
    const left = this.#end - this.#at
    if (left < ORDER_BYTES) return false
    const bytes = this.#bytes
    const textBytes = bytes.readUInt32LE(this.#at + 12)
    if (left < ORDER_BYTES + textBytes) return false
    this.kind = bytes.readUInt32LE(this.#at) as OrderKind
    this.launch = bytes.readUInt32LE(this.#at + 4)
    this.pair = bytes.readUInt32LE(this.#at + 8)
    this.#textBytes = textBytes
    this.#at += ORDER_BYTES + textBytes
    return true
  }

  /** What the order is about, where the zygote has to know it. */
  assignment(): Assignment | undefined {
    if (this.#textBytes === 0) return undefined
    return JSON.parse(this.#bytes.toString('utf8', this.#at - this.#textBytes, this.#at)) as Assignment
  }

  #makeRoom(): void {
    const kept = this.#bytes.subarray(this.#at, this.#end)
    const bytes = Buffer.alloc(Math.max(FIRST_CAPACITY, kept.length * 2))
    kept.copy(bytes)
    this.#bytes = bytes
    this.#end = kept.length
    this.#at = 0
  }
}

import { closeSync, openSync, readSync, writeSync } from 'node:fs'

const WORD_BYTES = 8

/**
 * This process's own memory through /proc/self/mem: a wrong address answers with an error (EIO) where a plain pointer
 * would end the process. Addresses are 64-bit, words little-endian.
 */
export class OwnMemory {
  #fd = openSync('/proc/self/mem', 'r+')

  readWords(address: bigint, count: number): bigint[] {
    const bytes = Buffer.alloc(count * WORD_BYTES)
    readSync(this.#fd, bytes, 0, bytes.length, address)
    return Array.from({ length: count }, (_, index) => bytes.readBigUInt64LE(index * WORD_BYTES))
  }

  writeWords(address: bigint, words: readonly bigint[]): void {
    const bytes = Buffer.alloc(words.length * WORD_BYTES)
    words.forEach((word, index) => bytes.writeBigUInt64LE(word, index * WORD_BYTES))
    // fs.writeSync takes a number only; user addresses are below 2^47, so they are exact as one.
    writeSync(this.#fd, bytes, 0, bytes.length, Number(address))
  }

  close(): void {
    closeSync(this.#fd)
  }
}

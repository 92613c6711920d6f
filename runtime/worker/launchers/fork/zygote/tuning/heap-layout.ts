import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'
import { collapse, pageBytes, reserve } from '../core/libc.ts'

/**
 * A fork copies the page tables of all anonymous memory, and the child's end frees them again: 0.1 ms for each MB of an
 * application's heap, page by page. V8 asks for its heap in pieces of 256 KB at random addresses, so that no 2 MB of it
 * lie together and the kernel cannot use huge pages, of which one entry is copied instead of 512. So the addresses that
 * V8 draws from are taken, as one mapping without access that costs nothing; the kernel then puts the pieces one below
 * the other, and what is full is made huge once the application is loaded. 300 MB then cost a fork 2 ms, not 28.
 *
 * Only the cost of a fork depends on any of this: where the kernel refuses, all is as it would have been.
 */

/** V8 draws 46 bits (GetRandomMmapAddr in base/platform/platform-posix.cc); the kernel's own choices lie above. */
const END_OF_HINTS = 0x400000000000n
/** Below: the program and what malloc grows into. */
const ROOM_FOR_MALLOC = 1n << 34n
const HUGE = 2n << 20n
const PAGE = 4096n
const PAGES_OF_HUGE = Number(HUGE / PAGE)
/** A block of which less is in use stays as it is: making it huge would cost more memory than it spares. */
const PAGES_WORTH_IT = PAGES_OF_HUGE / 2
const PAGEMAP_ENTRY_BYTES = 8
/** Bit 63 of a pagemap entry, as the top bit of its last byte: the page is present. */
const PRESENT = 0x80

const SMALL_NEW_SPACE = 2 << 20
/** GCTracer's ring buffers hold ten. */
const COLLECTIONS_REMEMBERED = 12
/** Fewer than 1,000 bytes a ms is little; 150 ms were enough. */
const REST_MS = 200

/** V8's `gc` function. */
export type Collect = (options: { type: string; flavor: string; execution: 'sync' | 'async' }) => void | Promise<void>
/** A collection that leaves as little as can be. */
export const THOROUGH = { type: 'major', flavor: 'last-resort' }

/** An anonymous, writable stretch of address space. */
interface Stretch {
  start: bigint
  end: bigint
}

/** Has all of V8's heap from now on lie together. Call before the application is loaded. */
export function gatherHeap(): void {
  const taken = mappings().filter(({ start }) => start < END_OF_HINTS)
  const malloc = taken.find(({ name }) => name === '[heap]')
  let from = (malloc?.end ?? 0n) + ROOM_FOR_MALLOC
  for (const { start, end } of [...taken, { start: END_OF_HINTS, end: END_OF_HINTS }]) {
    if (start > from) reserve(from, start - from)
    if (end > from) from = end
  }
}

/**
 * Leaves as little on the heap as can be, and lying together. Call when the application is loaded, from the event
 * loop: with nothing on the stack V8 need not keep what the stack might lead to, 6 MB of 16 after this package was loaded.
 */
export async function packHeap(collect: Collect): Promise<void> {
  if (newSpaceBytes() > SMALL_NEW_SPACE) await rest(collect)
  setFlagsFromString('--compact-on-every-full-gc')
  for (let round = 0; round < 2; round += 1) await collect({ ...THOROUGH, execution: 'async' })
  setFlagsFromString('--no-compact-on-every-full-gc')
}

/**
 * V8 of Node 20 makes new space small again only when little was allocated lately (Heap::ReduceNewSpaceSize), by what its
 * last ten collections saw; loading the application has made it 8 MB, all of which a fork would copy.
 */
async function rest(collect: Collect): Promise<void> {
  for (let round = 0; round < COLLECTIONS_REMEMBERED; round += 1)
    await collect({ type: 'minor', flavor: 'regular', execution: 'sync' })
  await sleep(REST_MS)
}

const newSpaceBytes = (): number =>
  getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')?.physical_space_size ?? 0

/**
 * Puts what is full of the heap into huge pages, for when nothing will change much any more. Where pages are larger
 * (arm64), page tables are smaller, and huge pages of 32 or 512 MB are larger than the heap.
 */
export function useHugePages(): void {
  if (BigInt(pageBytes()) !== PAGE) return
  const pagemap = openSync('/proc/self/pagemap', 'r')
  const entries = Buffer.alloc(PAGES_OF_HUGE * PAGEMAP_ENTRY_BYTES)
  for (const { start, end } of mappings().filter(isHeap)) {
    const first = ((start + HUGE - 1n) / HUGE) * HUGE
    for (let block = first; block + HUGE <= end; block += HUGE) {
      readSync(pagemap, entries, 0, entries.length, (block / PAGE) * BigInt(PAGEMAP_ENTRY_BYTES))
      if (countPresent(entries) >= PAGES_WORTH_IT) collapse(block, HUGE)
    }
  }
  closeSync(pagemap)
}

function countPresent(entries: Buffer): number {
  let present = 0
  for (let at = PAGEMAP_ENTRY_BYTES - 1; at < entries.length; at += PAGEMAP_ENTRY_BYTES)
    if (((entries[at] as number) & PRESENT) !== 0) present += 1
  return present
}

const isHeap = ({ access, name }: { access: string; name: string }): boolean =>
  access === 'rw-p' && (name === '' || name === '[heap]')

/** /proc/self/maps: `start-end access offset device inode name`, by address. */
function mappings(): (Stretch & { access: string; name: string })[] {
  return readFileSync('/proc/self/maps', 'latin1')
    .split('\n')
    .flatMap((line) => {
      const found = /^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+ *(.*)$/.exec(line)
      if (!found) return []
      const [, start, end, access = '', name = ''] = found
      return [{ start: BigInt(`0x${start}`), end: BigInt(`0x${end}`), access, name }]
    })
}

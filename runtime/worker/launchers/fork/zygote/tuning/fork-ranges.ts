import { readFileSync } from 'node:fs'
import { EINVAL, markForForking } from '../core/libc.ts'

/** A stretch of address space that madvise may walk: between two device mappings. */
export interface Range {
  start: bigint
  bytes: bigint
}

/** 2^47 on x64, 2^48 on arm64. What lies above (vsyscall) belongs to the kernel. */
const END_OF_USER_SPACE = 1n << 48n

/**
 * The gaps between mappings that belong to a device (VmFlags `io`, such as [vvar]): madvise stops with EINVAL at each
 * of them and would leave all that lies above unmarked. Text in the form of /proc/self/smaps.
 */
export function rangesBetweenDevices(smaps: string): Range[] {
  const ranges: Range[] = []
  let from = 0n
  let mapping: { start: bigint; end: bigint } | undefined
  for (const line of smaps.split('\n')) {
    const bounds = /^([0-9a-f]+)-([0-9a-f]+) /.exec(line)
    if (bounds) mapping = { start: BigInt(`0x${bounds[1]}`), end: BigInt(`0x${bounds[2]}`) }
    if (!mapping || mapping.start >= END_OF_USER_SPACE) continue
    if (!/^VmFlags:.* io\b/.test(line)) continue
    if (mapping.start > from) ranges.push({ start: from, bytes: mapping.start - from })
    from = mapping.end
  }
  if (from < END_OF_USER_SPACE) ranges.push({ start: from, bytes: END_OF_USER_SPACE - from })
  return ranges
}

let ranges: Range[] | undefined

/**
 * V8 excludes its pages from children (MADV_DONTFORK); this takes it back for all pages there are now, so it must run
 * before each fork. About 45 us. False when the kernel refuses a range: a child would die of the holes in its memory.
 */
export function markAllMemory(): boolean {
  ranges ??= readRanges()
  if (!ranges.some(refused)) return true
  // A device was mapped since: look again, once.
  ranges = readRanges()
  return !ranges.some(refused)
}

const readRanges = (): Range[] => rangesBetweenDevices(readFileSync('/proc/self/smaps', 'utf8'))

/** ENOMEM only says that the range has holes. */
const refused = (range: Range): boolean => markForForking(range.start, range.bytes) === EINVAL

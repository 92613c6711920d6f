import type { JobUsage } from '../../../../../messages.ts'

/**
 * What a zygote says once the application is loaded, always in as many bytes, little-endian: kind, launch, pid and
 * status, 32 bit each, then struct rusage as wait4(2) fills it in on Linux x64.
 */
export const REPORT_BYTES = 160
export const USAGE_OFFSET = 16
const MAX_RSS_OFFSET = USAGE_OFFSET + 32

export const REPORT = {
  /** A process has ended; `status` is that of wait4. */
  exited: 0,
  /** fork(2) failed; `status` is the errno. */
  notForked: 1,
  /** The memory cannot be marked for forking; see fork-ranges.ts. */
  notMarked: 2,
  /** pidfd_open(2) failed; `status` is the errno. */
  notWatched: 3,
  /** A pair could not be opened; `status` is the errno. */
  noLine: 4,
  /** As `exited`, while something that a job had started is still there: it may have that process's pair. */
  exitedNotAlone: 5,
  /** `status`: bytes of messages that the process of a pair has left unread. */
  unread: 6,
} as const

export type ReportKind = (typeof REPORT)[keyof typeof REPORT]

/** How one process ended, as wait4(2) reports it; its peak includes the pages that it shared with the zygote. */
export interface Exited extends JobUsage {
  pid: number
  exitCode: number | null
  /** Number of the signal, null when it left by itself. */
  signal: number | null
  /** Nothing that a job had started was left when it ended. */
  alone: boolean
}

/** One report, for the supervisor: an end, or why there is no process. */
export type Reported = { launch: number } & ({ exited: Exited } | { unreadBytes: number } | { failure: string })

/** Cuts the zygote's words into reports, whatever the borders of the chunks. */
export class ReportReader {
  #rest: Buffer = Buffer.alloc(0)

  push(chunk: Buffer): Reported[] {
    const bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk
    const reports: Reported[] = []
    let at = 0
    for (; at + REPORT_BYTES <= bytes.length; at += REPORT_BYTES)
      reports.push(decode(bytes.subarray(at, at + REPORT_BYTES)))
    this.#rest = bytes.subarray(at)
    return reports
  }
}

function decode(bytes: Buffer): Reported {
  const [kind, launch] = [bytes.readUInt32LE(0), bytes.readUInt32LE(4)]
  const [pid, status] = [bytes.readInt32LE(8), bytes.readInt32LE(12)]
  if (kind === REPORT.notForked) return { launch, failure: `fork failed with errno ${status}` }
  if (kind === REPORT.notMarked) return { launch, failure: 'madvise(MADV_DOFORK) refuses part of the memory' }
  if (kind === REPORT.notWatched) return { launch, failure: `pidfd_open failed with errno ${status}` }
  if (kind === REPORT.noLine) return { launch, failure: `the socket of the supervisor refused with errno ${status}` }
  if (kind === REPORT.unread) return { launch, unreadBytes: status }
  const signal = status & 0x7f
  return {
    launch,
    exited: {
      pid,
      alone: kind === REPORT.exited,
      exitCode: signal === 0 ? (status >> 8) & 0xff : null,
      signal: signal === 0 ? null : signal,
      cpuUserMs: timevalMs(bytes, USAGE_OFFSET),
      cpuSystemMs: timevalMs(bytes, USAGE_OFFSET + 16),
      peakRssBytes: Number(bytes.readBigInt64LE(MAX_RSS_OFFSET)) * 1024,
    },
  }
}

/** struct timeval (seconds, microseconds) in ms. */
const timevalMs = (bytes: Buffer, offset: number): number =>
  Number(bytes.readBigInt64LE(offset)) * 1000 + Number(bytes.readBigInt64LE(offset + 8)) / 1000

import type { Ending } from '../launchers/launcher.ts'
import type { Cause } from './verdict.ts'
import type { MemoryEvidence } from './memory-evidence.ts'
import type { Where } from '../../store/workers/where.ts'

/** What the evidence of a job's end is made of. */
export interface EvidenceParts {
  cause: Cause | undefined
  wallMs: number
  enqueuedAtMs: number | undefined
  nowMs: number
  ending: Ending | undefined
  /** Where it was when the worker stopped it. */
  where: Where | undefined
  /** The highest sum over the job's processes that the memory watch saw. */
  peakSeenBytes: number
  /** What the memory watch saw. */
  memory: MemoryEvidence | undefined
}

/** What is kept of how a job ended (promise 9), as its record, a failed entry and the archive show it. */
export function evidenceOf({
  cause,
  wallMs,
  enqueuedAtMs,
  nowMs,
  ending,
  where,
  peakSeenBytes,
  memory,
}: EvidenceParts): Record<string, unknown> {
  return {
    ...(cause ? { cause } : {}),
    wallMs: Math.round(wallMs),
    ...(enqueuedAtMs === undefined ? {} : { waitedMs: Math.max(0, Math.round(nowMs - enqueuedAtMs - wallMs)) }),
    ...(where ? { where } : {}),
    ...(memory && cause === 'memory' ? { memory } : {}),
    ...(ending ? endingEvidence(ending, peakSeenBytes) : {}),
  }
}

function endingEvidence(ending: Ending, peakSeenBytes: number): Record<string, unknown> {
  const { pid, exitCode, signal, cpuUserMs, cpuSystemMs, peakRssBytes, output } = ending
  const peak = Math.max(peakRssBytes ?? 0, peakSeenBytes)
  return {
    pid,
    exitCode,
    signal,
    ...(cpuUserMs === undefined ? {} : { cpuUserMs: Math.round(cpuUserMs), cpuSystemMs: Math.round(cpuSystemMs ?? 0) }),
    ...(peak === 0 ? {} : { peakRssBytes: peak }),
    ...(output.length === 0 ? {} : { output }),
  }
}

import type { Ending } from '../launchers/launcher.ts'
import type { Cause } from './verdict.ts'
import type { Watched } from '../run/job-process.ts'

/** What the evidence of a job's end is made of. */
export interface EvidenceParts {
  cause: Cause | undefined
  wallMs: number
  enqueuedAtMs: number | undefined
  nowMs: number
  ending: Ending | undefined
  /** What the worker saw of its process. */
  watched: Watched | undefined
  /** Whether the last lines that the job printed are kept. */
  keepsOutput: boolean
}

/** What is kept of how a job ended (promise 9), as its record, a failed entry and the archive show it. */
export function evidenceOf({
  cause,
  wallMs,
  enqueuedAtMs,
  nowMs,
  ending,
  watched,
  keepsOutput,
}: EvidenceParts): Record<string, unknown> {
  const { where, memory, peakSeenBytes = 0 } = watched ?? {}
  return {
    ...(cause ? { cause } : {}),
    wallMs: Math.round(wallMs),
    ...(enqueuedAtMs === undefined ? {} : { waitedMs: Math.max(0, Math.round(nowMs - enqueuedAtMs - wallMs)) }),
    ...(where ? { where } : {}),
    ...(memory && cause === 'memory' ? { memory } : {}),
    ...(ending ? endingEvidence(keepsOutput ? ending : { ...ending, output: [] }, peakSeenBytes) : {}),
  }
}

function endingEvidence(ending: Ending, peakSeenBytes: number): Record<string, unknown> {
  const { pid, exitCode, signal, cpuUserMs, cpuSystemMs, peakRssBytes, outcome, output } = ending
  const peak = Math.max(peakRssBytes ?? 0, peakSeenBytes)
  return {
    pid,
    exitCode,
    signal,
    ...(cpuUserMs === undefined ? {} : { cpuUserMs: Math.round(cpuUserMs), cpuSystemMs: Math.round(cpuSystemMs ?? 0) }),
    ...(peak === 0 ? {} : { peakRssBytes: peak }),
    ...(outcome?.kind === 'failed' && outcome.backoffFault ? { 'retry.backoff failed': outcome.backoffFault } : {}),
    ...(output.length === 0 ? {} : { output }),
  }
}

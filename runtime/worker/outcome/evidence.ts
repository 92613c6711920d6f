import type { Ending } from '../launchers/launcher.ts'
import type { Cause } from './cause.ts'
import type { ProcessReport } from '../execution/job-process.ts'

/** What the evidence of a job's end is made of. */
export interface EvidenceParts {
  cause: Cause | undefined
  wallMs: number
  enqueuedAtMs: number | undefined
  nowMs: number
  ending: Ending | undefined
  /** What the worker saw of its process. */
  watched: ProcessReport | undefined
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
  const waitedMs = enqueuedAtMs === undefined ? undefined : Math.max(0, Math.round(nowMs - enqueuedAtMs - wallMs))
  const ownMemory = cause === 'memory' ? memory : undefined
  if (!ending) return { cause, wallMs: Math.round(wallMs), waitedMs, where, memory: ownMemory }
  const { pid, exitCode, signal, cpuUserMs, cpuSystemMs = 0, peakRssBytes = 0, outcome, output } = ending
  // Undefined is left out of JSON. One literal: spreads are a good part of what recording an empty job costs.
  return {
    cause,
    wallMs: Math.round(wallMs),
    waitedMs,
    where,
    memory: ownMemory,
    pid,
    exitCode,
    signal,
    cpuUserMs: cpuUserMs === undefined ? undefined : Math.round(cpuUserMs),
    cpuSystemMs: cpuUserMs === undefined ? undefined : Math.round(cpuSystemMs),
    peakRssBytes: Math.max(peakRssBytes, peakSeenBytes) || undefined,
    'retry.backoff failed': outcome?.kind === 'failed' ? outcome.backoffFault : undefined,
    output: keepsOutput && output.length > 0 ? output : undefined,
  }
}

import type { Ending } from '../launchers/launcher.ts'
import type { Cause } from './cause.ts'
import type { ProcessReport } from '../execution/job-process.ts'
import { formatDuration } from '../../core/duration.ts'
import { formatBytes } from '../../core/size.ts'
import type { MemoryFigures } from '../../messages.ts'

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

/** What is kept of a job that was ended for its memory. `beforeMs`: before the look that found it over its limit. */
export interface MemoryEvidence {
  limitBytes: number
  /** Resident set of the job's processes as the kernel shows it, oldest first; the last one is over the limit. */
  looks: { beforeMs: number; rssBytes: number }[]
  /** The same at the last look by process, where there was more than one. */
  processes?: { pid: number; rssBytes: number }[]
  /** The last figures that the process itself gave; absent where its event loop did not run. */
  own?: MemoryFigures & { beforeMs: number }
  /** With `memoryReport`: where the heap snapshot is, or why there is none. */
  snapshot?: { file: string; bytes: number } | { reason: string }
}

/** The same for people, a line each. */
export function memoryLines({ limitBytes, looks, processes, own, snapshot }: MemoryEvidence): string[] {
  const seen = looks.map(({ rssBytes }) => formatBytes(rssBytes)).join(', ')
  return [
    `limit ${formatBytes(limitBytes)}; resident at the last looks: ${seen}${growth(looks)}`,
    ...(processes ?? []).map(({ pid, rssBytes }) => `  process ${pid}: ${formatBytes(rssBytes)}`),
    ...(own
      ? ownLines(own)
      : ['the process gave no figures of its own: its event loop did not run, or it grew too fast']),
    ...(snapshot === undefined
      ? []
      : 'file' in snapshot
        ? [`heap snapshot (${formatBytes(snapshot.bytes)}): ${snapshot.file}`]
        : [`no heap snapshot: ${snapshot.reason}`]),
  ]
}

function growth(looks: MemoryEvidence['looks']): string {
  const [first, last] = [looks[0], looks.at(-1)]
  if (!first || !last || first === last) return ''
  const perSecond = ((last.rssBytes - first.rssBytes) / Math.max(1, first.beforeMs - last.beforeMs)) * 1000
  return ` (${perSecond < 0 ? '-' : '+'}${formatBytes(Math.abs(Math.round(perSecond)))} a second)`
}

function ownLines(own: NonNullable<MemoryEvidence['own']>): string[] {
  const spaces = Object.entries(own.spaces)
    .sort(([, a], [, b]) => b - a)
    .map(([name, used]) => `${name} ${formatBytes(used)}`)
  return [
    `by its own figures, ${formatDuration(own.beforeMs)} before: resident ${formatBytes(own.rssBytes)}, heap ${formatBytes(own.heapUsedBytes)} of ${formatBytes(own.heapTotalBytes)}, external ${formatBytes(own.externalBytes)} (of it array buffers ${formatBytes(own.arrayBuffersBytes)})`,
    `  heap spaces: ${spaces.join(', ')}`,
  ]
}

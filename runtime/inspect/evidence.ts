import { formatDuration } from '../core/duration.ts'
import { textIn } from '../core/json-text.ts'
import { formatBytes } from '../core/size.ts'
import type { MemoryEvidence } from '../messages.ts'
import { locationLines, locationText, type JobLocation } from '../store/workers/stacks.ts'

/** How a duration in ms is written. */
type WriteDuration = (ms: number) => string

/** How each part of the evidence is named and shown; what is not here is shown under its own name. */
const parts: Record<string, [name: string, show: (value: number, duration: WriteDuration) => string]> = {
  wallMs: ['ran for', (ms, duration) => duration(ms)],
  waitedMs: ['waited for', (ms, duration) => duration(ms)],
  pid: ['process', String],
  exitCode: ['exit code', String],
  cpuUserMs: ['CPU time of its own', (ms, duration) => duration(ms)],
  cpuSystemMs: ['CPU time in the kernel', (ms, duration) => duration(ms)],
  peakRssBytes: ['peak memory', formatBytes],
}

/**
 * The evidence of a job's end for people: what, and its value. The last lines printed are one value, a line each.
 * @param evidence as a job's record, a failed entry and the archive keep it
 * @param options `stack`: of the job's error, where it is shown already: the same place is then named in one line
 */
export function evidenceRows(
  evidence: Record<string, unknown>,
  { stack = [], duration = formatDuration }: { stack?: readonly string[]; duration?: WriteDuration } = {},
): [what: string, value: string][] {
  return Object.entries(evidence).flatMap(([key, value]): [string, string][] => {
    if (value === null || value === undefined || key === 'cause') return []
    const [name, show] = (Object.hasOwn(parts, key) ? parts[key] : undefined) ?? [key]
    if (show && typeof value === 'number') return [[name, show(value, duration)]]
    if (typeof value === 'object') {
      if (key === 'where') return [[name, placeText(value as JobLocation, stack)]]
      if (key === 'timelineMs') return [['time line', spansText(value as Record<string, number>)]]
      if (key === 'memory') return [[name, memoryLines(value as MemoryEvidence).join('\n')]]
      if (key === 'output' && Array.isArray(value)) return [['printed last', value.map(textIn).join('\n')]]
    }
    return [[name, typeof value === 'string' ? value : JSON.stringify(value)]]
  })
}

function placeText(where: JobLocation, stack: readonly string[]): string {
  const isShown = where.at === 'stack' && stack.includes(`at ${where.frames[0]}`)
  return isShown ? locationText(where) : locationLines(where).join('\n')
}

const spansText = (spans: Record<string, number>): string =>
  Object.entries(spans)
    .map(([part, ms]) => `${part} ${ms} ms`)
    .join(', ')

/** Why a job was ended for its memory, a line each. */
function memoryLines({ limitBytes, looks, processes, own, snapshot }: MemoryEvidence): string[] {
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

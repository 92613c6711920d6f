import { textIn } from '../runtime/core/json-text.ts'
import { formatDuration } from '../runtime/core/duration.ts'
import { formatBytes } from '../runtime/core/size.ts'
import { memoryLines, type MemoryEvidence } from '../runtime/worker/outcome/evidence.ts'
import { spansText, type Spans } from '../runtime/worker/outcome/end-log.ts'
import { locationLines, locationText, type JobLocation } from '../runtime/store/workers/stacks.ts'

/** How each part of the evidence is named and shown; what is not here is shown under its own name. */
const parts: Record<string, [name: string, show: (value: number) => string]> = {
  wallMs: ['ran for', formatDuration],
  waitedMs: ['waited for', formatDuration],
  pid: ['process', String],
  exitCode: ['exit code', String],
  cpuUserMs: ['CPU time of its own', formatDuration],
  cpuSystemMs: ['CPU time in the kernel', formatDuration],
  peakRssBytes: ['peak memory', formatBytes],
}

/**
 * The evidence of a job's end for people: what, and its value. The last lines printed are one value, a line each.
 * @param shown the stack of the job's error, which is shown already: where it is the same, it is left out
 */
export function evidenceRows(
  evidence: Record<string, unknown>,
  shown: readonly string[] = [],
): [what: string, value: string][] {
  return Object.entries(evidence).flatMap(([key, value]): [string, string][] => {
    if (value === null || value === undefined || key === 'cause') return []
    const [name, show] = parts[key] ?? [key]
    if (show && typeof value === 'number') return [[name, show(value)]]
    if (key === 'where') return [['where', placeText(value as JobLocation, shown)]]
    if (key === 'timelineMs') return [['time line', spansText(value as Spans)]]
    if (key === 'memory') return [['memory', memoryLines(value as MemoryEvidence).join('\n')]]
    if (key === 'output' && Array.isArray(value)) return [['printed last', value.map(textIn).join('\n')]]
    return [[name, typeof value === 'string' ? value : JSON.stringify(value)]]
  })
}

function placeText(where: JobLocation, shown: readonly string[]): string {
  const isShown = where.at === 'stack' && shown.includes(`at ${where.frames[0]}`)
  return isShown ? locationText(where) : locationLines(where).join('\n')
}

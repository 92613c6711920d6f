import { clip, clipLine, printable } from '../config/clip.ts'
import { formatDuration } from '../runtime/core/duration.ts'
import { formatBytes } from '../runtime/core/size.ts'
import type { FailedGroup } from '../runtime/inspect/failed.ts'
import type { Overview } from '../runtime/inspect/overview.ts'
import type { RunningJob, RunningSupervisor, Usage } from '../runtime/inspect/running.ts'
import { verdict } from '../runtime/inspect/verdict.ts'

/** What one frame of `runtime top` shows. */
export interface TopView {
  seen: Overview
  supervisors: readonly RunningSupervisor[]
  usage: ReadonlyMap<string, Usage>
  failures: readonly FailedGroup[]
}

const pad = (text: string | number, width: number): string => clipLine(String(text), width).padEnd(width)

/** The rows of each section that fit into a frame. Pure. */
export function shownRows(
  { seen, supervisors, failures }: TopView,
  rows: number,
): { queues: Overview['queues']; jobs: RunningJob[]; failures: FailedGroup[] } {
  const most = Math.max(2, Math.floor((rows - 1 - Math.min(Math.max(verdict(seen).length, 1), 3) - 3) / 3)) - 1
  return {
    queues: seen.queues
      .filter(({ size, paused }) => size > 0 || paused)
      .sort((a, b) => (b.oldestMs ?? 0) - (a.oldestMs ?? 0))
      .slice(0, most),
    jobs: supervisors.flatMap(({ jobs }) => jobs).slice(0, most),
    failures: failures.slice(0, most),
  }
}

/**
 * The lines of a frame, each at most `columns` wide, at most `rows` of them. Pure.
 * @param selected is shown in reverse
 */
export function topFrame(
  view: TopView,
  columns: number,
  rows: number,
  selected?: { section: 'queues' | 'jobs' | 'failures'; row: number },
): string[] {
  const { seen, usage } = view
  const { slots, failed, redis } = seen
  const { queues, jobs, failures } = shownRows(view, rows)
  const head = [
    `${new Date(seen.atMs).toISOString()}  slots ${slots.busy}/${slots.total}  failed ${failed}  Redis ${formatBytes(redis.usedMemoryBytes)}`,
    ...(verdict(seen).length === 0
      ? ['all quiet']
      : verdict(seen)
          .slice(0, 3)
          .map(({ text }) => `! ${text}`)),
  ]
  const lines = [
    ...head,
    `${pad('QUEUE', 24)} ${pad('WAITING', 9)} ${pad('OLDEST', 9)} ${pad('WORKERS', 8)} STATE`,
    ...queues.map(
      ({ name, size, oldestMs, workers, paused }) =>
        `${pad(name, 24)} ${pad(size, 9)} ${pad(oldestMs === undefined ? 'unknown' : formatDuration(oldestMs), 9)} ${pad(workers, 8)} ${paused || seen.pausedAll ? 'paused' : 'open'}`,
    ),
    `${pad('JOB', 24)} ${pad('PID', 8)} ${pad('CPU', 6)} ${pad('MEMORY', 9)} ${pad('FOR', 8)} PROGRESS`,
    ...jobs.map((job) => {
      const used = usage.get(job.id)
      const runs = job.run_at === undefined ? '-' : formatDuration(Math.max(0, seen.atMs - Number(job.run_at)))
      const [cpu, memory] = used ? [`${Math.round(used.cpuPercent)}%`, formatBytes(used.rssBytes)] : ['-', '-']
      return `${pad(job.class ?? '-', 24)} ${pad(job.pid ?? '-', 8)} ${pad(cpu, 6)} ${pad(memory, 9)} ${pad(runs, 8)} ${job.progress ?? ''}`
    }),
    `${pad('FAILED', 24)} ${pad('COUNT', 8)} ${pad('CAUSE', 14)} ERROR`,
    ...failures.map(
      ({ class: name, count, cause, exception, error }) =>
        `${pad(name, 24)} ${pad(count, 8)} ${pad(cause ?? '-', 14)} ${exception}: ${error}`,
    ),
  ]
  const before = { queues: 1, jobs: queues.length + 2, failures: queues.length + jobs.length + 3 }
  const at = selected && head.length + before[selected.section] + selected.row
  return lines.slice(0, rows).map((text, i) => {
    const shown = printable(clip(text.replace(/[\r\n\t]+/g, ' '), columns))
    return i === at ? `\x1b[7m${shown}\x1b[27m` : shown
  })
}

import { clip, clipLine, printable } from '../config/clip.ts'
import { formatDuration } from '../runtime/core/duration.ts'
import { formatBytes } from '../runtime/core/size.ts'
import type { FailedGroup } from '../runtime/inspect/failed.ts'
import type { Overview } from '../runtime/inspect/overview.ts'
import type { RunningJob, RunningSupervisor, Usage } from '../runtime/inspect/running.ts'
import { findProblems } from '../runtime/inspect/problems.ts'
import { withCode } from '../runtime/core/errors.ts'
import type { Client } from '../runtime/jobs/client.ts'
import { changeFailed } from '../runtime/inspect/changes/failed.ts'
import { pauseQueue, resumeQueue } from '../runtime/inspect/changes/queues.ts'
import type { InspectContext } from '../runtime/inspect/context.ts'
import { locationLines } from '../runtime/store/workers/stacks.ts'

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
  const most = Math.max(2, Math.floor((rows - 1 - Math.min(Math.max(findProblems(seen).length, 1), 3) - 3) / 3)) - 1
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
    ...(findProblems(seen).length === 0
      ? ['all quiet']
      : findProblems(seen)
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

/** What `runtime top` works on. */
export type TopPlace = InspectContext & { client: Client }

/** What keys have done so far. */
export interface TopKeys {
  /** The section whose rows can be selected. */
  section: 'queues' | 'jobs' | 'failures'
  /** The selected row, from 0. */
  row: number
  /** Waits for `y`; any other key leaves all as it is. */
  question?: { text: string; act: () => Promise<string> }
  /** Result of the last action. */
  note?: string
  /** Shown in place of the frame until the next key. */
  page?: string[]
}

const sections = ['queues', 'jobs', 'failures'] as const
const moves: Record<string, number> = { j: 1, '\x1b[B': 1, k: -1, '\x1b[A': -1 }
const sectionOf: Record<string, TopKeys['section']> = { p: 'queues', c: 'jobs', s: 'jobs', r: 'failures' }

/** The keys, for the last line. */
export const topHelp = '[q] quit [tab] section [j/k] select [p] pause/resume [c] cancel [s] stack [r] retry'

/** Splits what the terminal sends into keys: arrows are three characters. */
export const keysOf = (text: string): string[] => text.match(/\x1b\[[A-Z]|[\s\S]/g) ?? [] // eslint-disable-line no-control-regex

/** Does what one key asks. @param rows of the frame @returns the state after it; never rejects */
export async function handleKey(
  key: string,
  keys: TopKeys,
  view: TopView,
  place: TopPlace,
  rows: number,
): Promise<TopKeys> {
  const { section, row, question } = keys
  const here = { section, row }
  if (question) return { ...here, note: key === 'y' ? await said(question.act) : 'nothing was changed' }
  const shown = shownRows(view, rows)
  if (key === '\t') return { section: sections[(sections.indexOf(section) + 1) % sections.length] ?? 'queues', row: 0 }
  const by = moves[key]
  if (by !== undefined) return { section, row: Math.max(0, Math.min(row + by, shown[section].length - 1)) }
  const wanted = sectionOf[key]
  if (wanted === undefined) return here
  if (wanted !== section)
    return { ...here, note: `[${key}] works on a row of the ${wanted}; select one with tab and j/k` }
  return (await actionOf(key, row, shown, place, here)) ?? { ...here, note: `there are no ${section} to select` }
}

async function actionOf(
  key: string,
  row: number,
  { queues, jobs, failures }: ReturnType<typeof shownRows>,
  { store, client, config }: TopPlace,
  here: TopKeys,
): Promise<TopKeys | undefined> {
  const [queue, job, group] = [queues[row], jobs[row], failures[row]]
  const ask = (text: string, act: () => Promise<string>): TopKeys => ({ ...here, question: { text, act } })
  if (key === 'p' && queue) {
    const { name, paused } = queue
    return ask(`${paused ? 'resume' : 'pause'} queue ${name}?`, async () => {
      await (paused ? resumeQueue({ store }, name) : pauseQueue({ store }, name))
      return `${paused ? 'resumed' : 'paused'} ${name}`
    })
  }
  if (key === 'c' && job)
    return ask(`cancel ${job.class ?? 'job'} ${job.id}?`, async () =>
      (await client.job(job.id).cancel()) ? `${job.id} is cancelled` : `${job.id} has ended already`,
    )
  if (key === 's' && job) {
    const found = await store.stacks.ask(job.id).then(
      ({ pid, where }) => [`in process ${pid ?? '?'}`, ...locationLines(where)],
      (error: unknown) => [withCode(error)],
    )
    return { ...here, page: [`${job.class ?? 'job'} ${job.id}`, ...found, '', 'any key returns'] }
  }
  if (key === 'r' && group)
    return ask(`retry all failed ${group.class} with ${group.exception} (${group.count} seen)?`, async () => {
      const { done, skipped } = await changeFailed({ store, config }, 'retry', { ...group.filter, retried: false })
      const left = skipped.map(({ reason, count }) => `; ${count} left: ${reason}`).join('')
      return `retried ${done}${left}`
    })
  return undefined
}

const said = (act: () => Promise<string>): Promise<string> => act().catch((error: unknown) => withCode(error))

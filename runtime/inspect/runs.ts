import { systemClock } from '../core/clock.ts'
import { cursorParts, type PageBounds } from '../core/cursor.ts'
import type { FailedNode, RunReader, RunRecord } from '../store/runs/run-reader.ts'
import type { StoredState } from '../store/runs/run-table.ts'
import type { RunTarget } from '../workflow/run/create-run.ts'
import { loadJobs, loadJobsAt, type RunJob } from '../workflow/run/run-jobs.ts'
import { shownState, type RunState, type ShownState } from '../workflow/run/run-state.ts'
import { WorkflowRun, type Blocker } from '../workflow/run/workflow-run.ts'
import type { Count, InspectContext } from './context.ts'

/** How many nodes are in each state, under the names that people are shown; states without any are absent. */
export type ShownCounts = Partial<Record<ShownState, number>>

/** A run, as a list shows it; times in milliseconds since 1970. */
export interface RunRow {
  id: string
  class: string
  status: RunState
  total: number
  /** Nodes that have finished or were skipped. */
  done: number
  counts: ShownCounts
  createdAt: number
  startedAt: number | undefined
  endedAt: number | undefined
  ttlMs: number
  /** JSON text; long arguments are cut, and are no JSON then. */
  args: string | undefined
}

/** Which runs; all that is given must hold. */
export interface RunFilter {
  class?: string
  status?: RunState
}

/** A page of runs, newest first, and how many match in all. */
export interface RunPage {
  runs: RunRow[]
  total: Count
}

/** One run: its record, what blocks it, and its nodes by class and state. */
export interface RunView extends RunRow {
  /** Failed nodes by number, at most {@link shownFailures}; the first blocks the run. */
  failures: Blocker[]
  classes: Map<string, ShownCounts>
  record: RunRecord
}

/** A page of a run's steps by number. */
export interface StepPage {
  steps: RunJob[]
  /** Goes on with later steps; undefined at the end. A page may be empty and have a cursor. */
  next: string | undefined
  /** Steps in the whole run, whatever the state asked for. */
  total: number
}

const shownFailures = 20
/** Nodes that one page looks at: 4.4 MB of their records. */
const lookedNodes = 100_000
/** So many failed nodes are found by their errors; more by their states. */
const fewFailed = 500

/** Where runs are, and within which bounds: for what changes one. */
export function runTarget({ store, config }: InspectContext): RunTarget {
  const { limits, workflows, memory } = config
  return {
    store,
    clock: systemClock,
    ttlMs: workflows.ttlMs,
    maxPayloadBytes: limits.maxPayloadBytes,
    recordTtlMs: limits.recordTtlMs,
    memory,
  }
}

/** A run to be continued, stopped or decided about. @throws RuntimeError ERR_NOT_FOUND */
export const openRun = (place: InspectContext, id: string): Promise<WorkflowRun> =>
  WorkflowRun.open(runTarget(place), id)

/** Runs by creation, the newest first unless `order` says otherwise. Costs the page, whatever the number of runs. */
export async function runPage(
  { store }: Pick<InspectContext, 'store'>,
  filter: RunFilter = {},
  { from = 0, count = 50, order = 'desc' }: { from?: number; count?: number; order?: 'asc' | 'desc' } = {},
): Promise<RunPage> {
  const { read } = store.runs
  const [records, total] = await Promise.all([
    read.list({ ...filter, from, to: from + count - 1, order }),
    read.count(filter),
  ])
  return { runs: records.map(runRow), total }
}

/** @throws RuntimeError ERR_NOT_FOUND */
export async function runView(place: InspectContext, id: string): Promise<RunView> {
  const run = await openRun(place, id)
  const [tally, failures] = await Promise.all([place.store.runs.read.tally(id), run.failures(shownFailures)])
  const { record } = run
  const classes = new Map([...tally].map(([name, counts]) => [name, shownCounts(counts, record.status)]))
  return { ...runRow(record), failures, classes, record }
}

/** What a list shows of a run's record. */
export function runRow(record: RunRecord): RunRow {
  const { id, class: name, status, total, counts, createdAt, startedAt, endedAt, ttlMs, args } = record
  const done = (counts.finished ?? 0) + (counts.skipped ?? 0)
  const shown = shownCounts(counts, status)
  return { id, class: name, status, total, done, counts: shown, createdAt, startedAt, endedAt, ttlMs, args }
}

function shownCounts(counts: Partial<Record<StoredState, number>>, status: RunState): ShownCounts {
  const shown: ShownCounts = {}
  for (const [state, count] of Object.entries(counts)) {
    const name = shownState(state as StoredState, status)
    shown[name] = (shown[name] ?? 0) + count
  }
  return shown
}

/**
 * Steps of a run from the number that `cursor` is, or those of them in one state. Each call looks at no more than
 * {@link lookedNodes} nodes.
 * @throws RuntimeError ERR_ARGUMENT for a cursor that is none
 */
export async function stepPage(
  { store }: Pick<InspectContext, 'store'>,
  run: RunRecord,
  state: ShownState | 'all',
  { cursor = '0', count = 50 }: Omit<PageBounds, 'mostMs'> = {},
): Promise<StepPage> {
  const { read } = store.runs
  const [from, total] = [Number(cursorParts(cursor, /^(\d{1,9})$/)[0]), Number(run.fields.allocated ?? run.total)]
  if (state === 'failed') {
    const failed = await fewFailedNodes(read, run)
    if (failed) {
      const rest = failed.filter(({ index }) => index >= from)
      const at = rest.slice(0, count).map(({ index }) => index)
      const next = rest[count]
      return { steps: await loadJobsAt(read, run, at), next: next && String(next.index), total }
    }
  }
  const to = Math.min(total, from + (state === 'all' ? count : lookedNodes))
  const found = (await loadJobs(read, run, from, to)).filter((job) => state === 'all' || job.state === state)
  const steps = found.slice(0, count)
  const next = found.length > count ? Number(steps.at(-1)?.id) + 1 : to
  return { steps, next: next < total ? String(next) : undefined, total }
}

async function fewFailedNodes(read: RunReader, run: RunRecord): Promise<FailedNode[] | undefined> {
  if ((run.counts.failed ?? 0) > fewFailed) return undefined
  return read.failed(run.id, fewFailed)
}

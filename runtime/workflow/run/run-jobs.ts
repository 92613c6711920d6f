import { kindOf } from '../../store/runs/run-kinds.ts'
import type { RunReader, RunRecord } from '../../store/runs/run-reader.ts'
import type { NodeRow } from '../../store/runs/run-table.ts'
import type { NodeKind } from '../../store/runs/run-writer.ts'
import { shownState, type ShownState } from './run-state.ts'

/**
 * One job of a run, as read.
 * @example
 * ```ts
 * const { jobs } = await findRun('0mb2k3x7f4q8')
 * const failed: RunJob[] = jobs.filter(({ state }) => state === 'failed')
 * ```
 */
export interface RunJob {
  /** Its number in the graph. */
  id: string
  /** The name of its class. */
  class: string
  /** A name of its own, where the front end gave one. */
  label?: string
  /** The queue it goes to. */
  queue: string
  /** Its state as docs/states.md names it. */
  state: ShownState
  /** How often it was started. */
  attempts: number
  /** Milliseconds since 1970. */
  startedAt: number | undefined
  /** Milliseconds since 1970. */
  endedAt: number | undefined
}

/** Nodes read in one piece: 4.4 MB. */
const pieceNodes = 100_000

/** Jobs of a run, all of them or those from one number to another (not included). */
export async function loadJobs(
  reader: RunReader,
  run: RunRecord,
  from = 0,
  to = Number(run.fields.allocated ?? run.total),
): Promise<RunJob[]> {
  const kinds = await reader.kinds(run.id)
  const jobs: RunJob[] = []
  for (let at = from; at < to; at += pieceNodes) {
    const rows = await reader.nodes(run.id, at, Math.min(at + pieceNodes, to))
    for (const row of rows) if (row.state !== 'staged') jobs.push(describeJob(run, row, kinds))
    // The table ends here, whatever the count in the run's record says.
    if (rows.length < pieceNodes) break
  }
  return withLabels(reader, run.id, jobs)
}

/** Jobs by their numbers. */
export async function loadJobsAt(reader: RunReader, run: RunRecord, indexes: readonly number[]): Promise<RunJob[]> {
  const [kinds, rows] = await Promise.all([reader.kinds(run.id), reader.nodesAt(run.id, indexes)])
  return withLabels(
    reader,
    run.id,
    rows.map((row) => describeJob(run, row, kinds)),
  )
}

function describeJob(run: RunRecord, row: NodeRow, kinds: readonly NodeKind[]): RunJob {
  const { class: name, queue } = kindOf(kinds, row)
  return {
    id: String(row.index),
    class: name,
    queue,
    state: shownState(row.state, run.status),
    attempts: row.attempts,
    startedAt: row.startedAt,
    endedAt: row.endedAt,
  }
}

async function withLabels(reader: RunReader, id: string, jobs: RunJob[]): Promise<RunJob[]> {
  const labels = await reader.labels(id)
  if (labels.size > 0) for (const job of jobs) if (labels.has(job.id)) job.label = labels.get(job.id)
  return jobs
}

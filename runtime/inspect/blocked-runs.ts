import { storedError } from '../store/queues/jobs.ts'
import { clip } from '../../config/clip.ts'
import type { RunRecord } from '../store/runs/run-reader.ts'
import { loadJobsAt } from '../workflow/run/run-jobs.ts'
import type { InspectContext } from './context.ts'

/** Runs that stand still at the same step with the same error. */
export interface BlockedRuns {
  /** The runs' workflow class. */
  class: string
  /** The step's own name, or its class. */
  step: string
  /** Name and message of the newest one's error, cut. */
  error: string
  message: string
  count: number
  /** The newest of them, and the number of its failed step. */
  run: string
  index: number
  sinceMs: number | undefined
}

/** Runs that are looked at, of each state, and failed steps of each. */
const mostRuns = 100
const stepsOfARun = 3

/** Runs with a failed step, whether they still run or have ended as failed: grouped by class, step and error, the most first. */
export async function blockedRuns({
  store,
}: Pick<InspectContext, 'store'>): Promise<{ groups: BlockedRuns[]; failed: number }> {
  const { read } = store.runs
  const query = { from: 0, to: mostRuns - 1, order: 'desc' } as const
  const [failed, running, count] = await Promise.all([
    read.list({ ...query, status: 'failed' }),
    read.list({ ...query, status: 'running' }),
    read.count({ status: 'failed' }),
  ])
  const blocked = [...failed, ...running.filter(({ counts }) => (counts.failed ?? 0) > 0)]
  const steps = (await Promise.all(blocked.map((run) => failedSteps(store, run)))).flat()
  const groups = new Map<string, BlockedRuns>()
  for (const each of steps.sort((a, b) => (b.sinceMs ?? 0) - (a.sinceMs ?? 0))) {
    const key = JSON.stringify([each.class, each.step, each.error])
    const group = groups.get(key)
    if (group) group.count += 1
    else groups.set(key, each)
  }
  return {
    groups: [...groups.values()].sort((a, b) => b.count - a.count),
    failed: count.count,
  }
}

async function failedSteps({ runs: { read } }: InspectContext['store'], run: RunRecord): Promise<BlockedRuns[]> {
  const failed = await read.failed(run.id, stepsOfARun)
  const jobs = await loadJobsAt(
    read,
    run,
    failed.map(({ index }) => index),
  )
  return failed.map(({ index, error }) => {
    const job = jobs.find(({ id }) => id === String(index))
    const { name, message } = storedError(error)
    return {
      ...{
        class: run.class,
        step: job?.label ?? job?.class ?? String(index),
        error: name,
        message: clip(message, 300),
      },
      ...{ count: 1, run: run.id, index, sinceMs: job?.endedAt ?? run.endedAt },
    }
  })
}

import { jsonArray, jsonValue } from '../core/json-text.ts'
import { RuntimeError } from '../core/errors.ts'
import type { JobRecord } from '../store/queues/jobs.ts'
import { notFound } from '../store/runs/runs.ts'
import { loadJobsAt, type RunJob } from '../workflow/run/run-jobs.ts'
import { withArchive } from './archive.ts'
import type { InspectContext } from './context.ts'
import { runRow, type RunRow } from './runs.ts'

/** One step of a run: what it was given, what it returned, and how it went. */
export interface StepView {
  run: RunRow
  step: RunJob
  /** ID of the job that runs the step, or ran it last; undefined where it is not known any more. */
  job: string | undefined
  /** JSON texts. `error`: `{ name, message, backtrace }` of a failed step. */
  params: string | undefined
  output: string | undefined
  error: string | undefined
  /** Errors of the attempts before, as the job's record and the archive keep them. */
  attempts: unknown[]
  evidence: unknown
  log: string[]
}

/** @throws RuntimeError ERR_NOT_FOUND */
export async function stepView(place: InspectContext, id: string, index: number): Promise<StepView> {
  const { store } = place
  const { read } = store.runs
  const record = await read.find(id)
  if (!record) throw notFound(id)
  const [jobs, params, outputs, error, owner] = await Promise.all([
    loadJobsAt(read, record, [index]),
    read.texts(id, 'params', [index]),
    read.texts(id, 'outputs', [index]),
    read.error(id, index),
    read.owner(id, index),
  ])
  const [step] = jobs
  if (!step || step.state === 'staged') throw new RuntimeError('ERR_NOT_FOUND', `run ${id}: it has no step ${index}`)
  const ran = await lastJob(place, { run: id, index, owner })
  return { run: runRow(record), step, params: params[0], output: outputs[0], error, ...ran }
}

/** What is kept of the job that runs the step or ran it last: its record, else its place in the archive. */
async function lastJob(
  place: InspectContext,
  { run, index, owner }: { run: string; index: number; owner: string | undefined },
): Promise<Pick<StepView, 'job' | 'attempts' | 'evidence' | 'log'>> {
  const { jobs } = place.store
  if (owner !== undefined) {
    const [record, log] = await Promise.all([jobs.find(owner), jobs.log(owner)])
    return { job: owner, ...parseKept(record), log }
  }
  const [archived] = await withArchive(place, (archive) =>
    archive.search({ runId: run, node: String(index), kind: 'step' }, 1),
  ).catch(() => [])
  const { attempts = [], evidence, log = [] } = archived?.details ?? {}
  return { job: archived?.id, attempts, evidence, log }
}

/** What a job's record keeps as JSON texts. */
export function parseKept(record: Partial<JobRecord> | undefined): { attempts: unknown[]; evidence: unknown } {
  return { attempts: jsonArray(record?.['attempts']), evidence: jsonValue(record?.evidence) }
}

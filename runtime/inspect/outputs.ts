import type { RunReader, RunRecord } from '../store/runs/run-reader.ts'
import { loadJobsAt, type RunJob } from '../workflow/run/run-jobs.ts'
import type { InspectContext } from './context.ts'

/** A job of a run, and the JSON text of what it returned; undefined where it has returned nothing. */
export type JobOutput = RunJob & { output: string | undefined }

/** A run's last nodes, among which those without children are looked for: 4.4 MB of their records. */
const lookedNodes = 100_000
/** Jobs whose outputs are read; each may have a megabyte. */
const finalMost = 50
/** Outputs read in one piece. */
const readAtOnce = 50

/** Jobs of a run with their outputs. */
export async function withOutputs(
  { store }: Pick<InspectContext, 'store'>,
  id: string,
  jobs: readonly RunJob[],
): Promise<JobOutput[]> {
  const read: JobOutput[] = []
  for (let at = 0; at < jobs.length; at += readAtOnce) {
    const some = jobs.slice(at, at + readAtOnce)
    const texts = await store.runs.read.texts(
      id,
      'outputs',
      some.map((job) => Number(job.id)),
    )
    read.push(...some.map((job, i) => ({ ...job, output: texts[i] })))
  }
  return read
}

/**
 * The result of a run: what its final jobs, those without children that ran, have returned; at most {@link finalMost} of them, by
 * number. Final jobs without an output are left out.
 */
export async function finalOutputs(place: Pick<InspectContext, 'store'>, run: RunRecord): Promise<JobOutput[]> {
  const { read } = place.store.runs
  const indexes = await finalNodes(read, run)
  const jobs = await loadJobsAt(read, run, indexes.slice(0, finalMost))
  return (await withOutputs(place, run.id, jobs)).filter(({ output }) => output !== undefined)
}

/** A skipped child, such as one for a failure that did not come, does not count. */
async function finalNodes(read: RunReader, run: RunRecord): Promise<number[]> {
  const total = Number(run.fields.allocated ?? run.total)
  const [all, { parents, added }] = await Promise.all([
    read.nodes(run.id, Math.max(0, total - lookedNodes), total),
    read.edges(run.id),
  ])
  const rows = all.filter(({ state }) => state !== 'staged' && state !== 'skipped')
  const continued = new Set<number>()
  for (const { index, parentsAt, parentCount } of rows) {
    for (const { from } of parents.slice(parentsAt, parentsAt + parentCount)) continued.add(from)
    for (const { from } of added.get(index) ?? []) continued.add(from)
  }
  return rows.map(({ index }) => index).filter((index) => !continued.has(index))
}

import { RuntimeError } from '../../runtime/core/errors.ts'
import { formatDuration, relative } from '../../runtime/core/duration.ts'
import type { RunRecord } from '../../runtime/store/runs/run-reader.ts'
import type { StoredState } from '../../runtime/store/runs/run-table.ts'
import { loadJobs, loadJobsAt, type RunJob } from '../../runtime/workflow/run/run-jobs.ts'
import { nodeStates, shownState, type RunState, type ShownState } from '../../runtime/workflow/run/run-state.ts'
import type { Blocker, WorkflowRun } from '../../runtime/workflow/run/workflow-run.ts'
import { command } from '../command.ts'
import type { Context } from '../context.ts'
import { clip, json, line, output } from '../output.ts'
import { table } from '../table.ts'
import { openRun } from './workflow-target.ts'
import { watchRun } from './workflow-watch.ts'

const runStates: readonly RunState[] = ['pending', 'running', 'finished', 'failed', 'stopped']
const jobStates: readonly string[] = ['all', 'blocked', 'stopped', ...nodeStates.filter((state) => state !== 'staged')]

/** `runtime workflow list` */
export const listCommand = command<{
  class?: string
  status?: RunState
  limit: number
  offset: number
  oldest?: boolean
}>({
  command: 'list',
  describe: 'List runs, newest first',
  example: ['workflow list --class ImportWorkflow --status failed', ''],
  flags: (yargs) =>
    yargs
      .option('class', { type: 'string', describe: 'Only this class' })
      .option('status', { choices: runStates, describe: 'Only runs in this state' })
      .option('limit', { type: 'number', default: 50, describe: 'Maximum number of entries' })
      .option('offset', { type: 'number', default: 0, describe: 'Number of runs to skip' })
      .option('oldest', { type: 'boolean', describe: 'Oldest first' }),
  run: async ({ store, json: asJson }, { class: name, status, limit, offset, oldest }) => {
    const by = { ...(name === undefined ? {} : { class: name }), ...(status ? { status } : {}) }
    const page = {
      from: whole(offset, '--offset', 0),
      to: offset + whole(limit, '--limit', 1) - 1,
      order: oldest ? ('asc' as const) : ('desc' as const),
    }
    const [runs, count] = await Promise.all([store.runs.read.list({ ...by, ...page }), store.runs.read.count(by)])
    if (asJson) return json({ count, runs: runs.map(summary) })
    const now = Date.now()
    table(
      ['id', 'workflow', 'status', 'jobs', 'done', 'failed', 'created', 'took'],
      runs.map((run) => [
        run.id,
        run.class,
        run.status,
        run.total,
        percent(run),
        run.counts.failed ?? 0,
        relative(run.createdAt, now),
        took(run, now),
      ]),
    )
    if (output().stdout.isTTY && count > offset + runs.length)
      line(
        `${offset + 1} to ${offset + runs.length} of ${count.toLocaleString('en')}; --offset ${offset + runs.length} shows more`,
      )
  },
})

/** `runtime workflow show` */
export const showCommand = command<{ id: string; jobs?: string; limit: number; offset: number; watch?: boolean }>({
  command: 'show <id>',
  describe: 'Show a run: its progress, what blocks it, and its jobs',
  example: ['workflow show 0mb2k3x7f4q8... --jobs failed', ''],
  flags: (yargs) =>
    yargs
      .positional('id', { type: 'string', demandOption: true, describe: 'ID of the run' })
      .option('jobs', { choices: jobStates, describe: 'List the jobs in this state' })
      .option('limit', { type: 'number', default: 50, describe: 'Maximum number of jobs' })
      .option('offset', { type: 'number', default: 0, describe: 'Number of jobs to skip' })
      .option('watch', { type: 'boolean', describe: 'Show the progress until the run has ended' }),
  run: async (context, argv) => {
    const flow = await openRun(context, argv.id)
    if (argv.watch === true && !context.json) await watchRun(context, flow)
    const jobs =
      argv.jobs === undefined
        ? undefined
        : await selectJobs(context, flow, argv.jobs, whole(argv.offset, '--offset', 0), whole(argv.limit, '--limit', 1))
    await showRun(context, flow, jobs)
  },
})

/** Prints Gush's overview of a run, what blocks it, and the given jobs. */
export async function showRun(context: Context, flow: WorkflowRun, jobs?: readonly RunJob[]): Promise<void> {
  const [tally, failures] = await Promise.all([context.store.runs.read.tally(flow.id), flow.failures(10)])
  const run = flow.record
  if (context.json) {
    const classes = Object.fromEntries([...tally].map(([name, counts]) => [name, shownCounts(counts, run.status)]))
    return json({ ...summary(run), classes, failures, ...(jobs ? { jobs } : {}) })
  }
  const now = Date.now()
  const overview: [string, string | number][] = [
    ['id', run.id],
    ['workflow', `${run.class}${run.args === undefined ? '' : ` ${clip(run.args, 80)}`}`],
    ['status', run.status],
    ['jobs', run.total.toLocaleString('en')],
    ...Object.entries(shownCounts(run.counts, run.status)).map(([state, count]): [string, string] => [
      `  ${state}`,
      count.toLocaleString('en'),
    ]),
    ['created', new Date(run.createdAt).toISOString()],
    ...(run.startedAt === undefined ? [] : [['started', new Date(run.startedAt).toISOString()] as [string, string]]),
    ...(run.endedAt === undefined ? [] : [['ended', new Date(run.endedAt).toISOString()] as [string, string]]),
    ['took', took(run, now)],
  ]
  table(['run', ''], overview)
  if (tally.size > 1) printClasses(tally, run.status)
  for (const failure of failures) line(blockerText(failure))
  if (jobs) printJobs(jobs, now)
}

function printClasses(tally: Map<string, Partial<Record<StoredState, number>>>, status: RunState): void {
  const rows = [...tally].map(([name, counts]) => [name, shownCounts(counts, status)] as const)
  const states = [...new Set(rows.flatMap(([, counts]) => Object.keys(counts)))]
  table(
    ['class', ...states],
    rows.map(([name, counts]) => [
      name,
      ...states.map((state) => (counts[state as ShownState] ?? 0).toLocaleString('en')),
    ]),
  )
}

function printJobs(jobs: readonly RunJob[], now: number): void {
  table(
    ['job', 'class', 'state', 'queue', 'attempts', 'started', 'took'],
    jobs.map((job) => [
      job.id,
      job.label === undefined ? job.class : `${job.label} (${job.class})`,
      job.state,
      job.queue,
      job.attempts,
      job.startedAt === undefined ? '-' : relative(job.startedAt, now),
      job.startedAt === undefined || (job.endedAt === undefined && job.state !== 'running')
        ? '-'
        : formatDuration(Math.max(0, (job.endedAt ?? now) - job.startedAt)),
    ]),
  )
}

/** `blocked by job 1 FlakyStep: TypeError: not yet` */
function blockerText({ id, class: name, error }: Blocker): string {
  return `blocked by job ${id} ${name}: ${error.name}: ${clip(error.message, 200)}`
}

async function selectJobs(
  { store }: Context,
  flow: WorkflowRun,
  state: string,
  offset: number,
  limit: number,
): Promise<RunJob[]> {
  const { read } = store.runs
  if (state === 'failed') {
    const failed = await read.failed(flow.id, offset + limit)
    return loadJobsAt(
      read,
      flow.record,
      failed.slice(offset).map(({ index }) => index),
    )
  }
  if (state === 'all')
    return loadJobs(
      read,
      flow.record,
      offset,
      Math.min(offset + limit, Number(flow.record.fields.allocated ?? flow.record.total)),
    )
  return (await loadJobs(read, flow.record)).filter((job) => job.state === state).slice(offset, offset + limit)
}

/** Counts under the words that people are shown. */
function shownCounts(
  counts: Partial<Record<StoredState, number>>,
  status: RunState,
): Partial<Record<ShownState, number>> {
  const shown: Partial<Record<ShownState, number>> = {}
  for (const [state, count] of Object.entries(counts)) {
    const word = shownState(state as StoredState, status)
    shown[word] = (shown[word] ?? 0) + count
  }
  return shown
}

function summary(run: RunRecord): object {
  const { id, class: name, status, total, createdAt, startedAt, endedAt, ttlMs } = run
  const parsed = run.args === undefined ? undefined : safeJson(run.args)
  return {
    id,
    class: name,
    args: parsed,
    status,
    total,
    counts: shownCounts(run.counts, status),
    createdAt,
    startedAt,
    endedAt,
    ttlMs,
  }
}

/** Arguments are kept up to a length: what was cut is shown as text. */
function safeJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function percent(run: RunRecord): string {
  const done = (run.counts.finished ?? 0) + (run.counts.skipped ?? 0)
  return run.total === 0 ? '100%' : `${Math.floor((100 * done) / run.total)}%`
}

function took(run: RunRecord, now: number): string {
  return run.startedAt === undefined ? '-' : formatDuration(Math.max(0, (run.endedAt ?? now) - run.startedAt))
}

function whole(value: number, flag: string, least: number): number {
  if (Number.isInteger(value) && value >= least) return value
  throw new RuntimeError('ERR_USAGE', `${flag}: expected a whole number from ${least}, got ${value}`)
}

import { parseLossless } from '../../runtime/core/codec.ts'
import { jsonOrText } from '../../runtime/core/json-text.ts'
import { upTo } from '../../runtime/core/cursor.ts'
import { RuntimeError } from '../../runtime/core/errors.ts'
import { formatDuration, relative } from '../../runtime/core/duration.ts'
import { openRun, runPage, runView, stepPage, type RunRow, type ShownCounts } from '../../runtime/inspect/runs.ts'
import { finalOutputs, withOutputs, type JobOutput } from '../../runtime/inspect/outputs.ts'
import { endedRuns, nodeStates, type RunState, type ShownState } from '../../runtime/workflow/run/run-state.ts'
import type { Blocker } from '../../runtime/workflow/run/workflow-run.ts'
import { command } from '../command.ts'
import type { Context } from '../context.ts'
import { clip, isWide, json, line, output } from '../output.ts'
import { table } from '../table.ts'
import { watchRun } from './workflow-watch.ts'

const runStates: readonly RunState[] = ['pending', 'running', 'finished', 'failed', 'stopped']
const jobStates: readonly (ShownState | 'all')[] = [
  'all',
  'blocked',
  'stopped',
  ...nodeStates.filter((state) => state !== 'staged'),
]
/** A person reads no more of them at once. */
const printedFailures = 10
const printedOutputs = 10

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
      count: whole(limit, '--limit', 1),
      order: oldest ? ('asc' as const) : ('desc' as const),
    }
    const { runs, total } = await runPage({ store }, by, page)
    if (asJson) return json({ count: total.count, runs: runs.map(asData) })
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
    if (output().stdout.isTTY && total.count > offset + runs.length)
      line(
        `${offset + 1} to ${offset + runs.length} of ${total.isExact ? '' : 'more than '}${total.count.toLocaleString('en')}; --offset ${offset + runs.length} shows more`,
      )
  },
})

/** `runtime workflow show` */
export const showCommand = command<{
  id: string
  jobs?: ShownState | 'all'
  limit: number
  offset: number
  watch?: boolean
}>({
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
    if (argv.watch === true && !context.json) await watchRun(context, await openRun(context, argv.id))
    const jobs =
      argv.jobs === undefined
        ? undefined
        : await selectJobs(
            context,
            argv.id,
            argv.jobs,
            whole(argv.offset, '--offset', 0),
            whole(argv.limit, '--limit', 1),
          )
    await showRun(context, argv.id, jobs)
  },
})

/** Prints Gush's overview of a run, what blocks it, and the given jobs. */
export async function showRun(context: Context, id: string, jobs?: readonly JobOutput[]): Promise<void> {
  const run = await runView(context, id)
  const { classes } = run
  const failures = run.failures.slice(0, printedFailures)
  const outputs = endedRuns.includes(run.status) ? await finalOutputs(context, run.record) : []
  if (context.json) {
    const about = { ...asData(run), classes: Object.fromEntries(classes), failures }
    return json({ ...about, outputs: outputs.map(outputData), ...(jobs ? { jobs: jobs.map(parsedOutput) } : {}) })
  }
  const now = Date.now()
  const overview: [string, string | number][] = [
    ['id', run.id],
    ['workflow', `${run.class}${run.args === undefined ? '' : ` ${clip(run.args, 80)}`}`],
    ['status', run.status],
    ['jobs', run.total.toLocaleString('en')],
    ...Object.entries(run.counts).map(([state, count]): [string, string] => [`  ${state}`, count.toLocaleString('en')]),
    ['created', new Date(run.createdAt).toISOString()],
    ...(run.startedAt === undefined ? [] : [['started', new Date(run.startedAt).toISOString()] as [string, string]]),
    ...(run.endedAt === undefined ? [] : [['ended', new Date(run.endedAt).toISOString()] as [string, string]]),
    ['took', took(run, now)],
  ]
  table(['run', ''], overview)
  if (classes.size > 1) printClasses(classes)
  for (const failure of failures) line(blockerText(failure))
  for (const job of outputs.slice(0, printedOutputs)) line(outputText(job))
  if (outputs.length > printedOutputs) line('more outputs: --json')
  if (jobs) printJobs(jobs, now)
}

function printClasses(classes: ReadonlyMap<string, ShownCounts>): void {
  const states = [...new Set([...classes.values()].flatMap((counts) => Object.keys(counts)))] as ShownState[]
  table(
    ['class', ...states],
    [...classes].map(([name, counts]) => [name, ...states.map((state) => (counts[state] ?? 0).toLocaleString('en'))]),
  )
}

/** `output of job 3 ReportJob: "3 rows"`: whole in a pipe, as wide as a terminal is. */
function outputText({ id, class: name, output: text = '' }: JobOutput): string {
  const { stdout } = output()
  const whole = `output of job ${id} ${name}: ${text}`
  return stdout.isTTY && !isWide() ? clip(whole, stdout.columns ?? 80) : whole
}

const outputData = ({ id, class: name, label, output: text }: JobOutput): object => ({
  ...{ job: id, class: name, ...(label === undefined ? {} : { label }) },
  output: parseLossless(text ?? 'null'),
})

const parsedOutput = ({ output: text, ...job }: JobOutput): object => ({
  ...job,
  ...(text === undefined ? {} : { output: parseLossless(text) }),
})

function printJobs(jobs: readonly JobOutput[], now: number): void {
  table(
    ['job', 'class', 'state', 'queue', 'attempts', 'started', 'took', 'output'],
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
      job.output === undefined ? '-' : clip(job.output, 60),
    ]),
    ['started', 'queue'],
  )
}

/** `blocked by job 1 FlakyStep: TypeError: not yet` */
function blockerText({ id, class: name, error }: Blocker): string {
  return `blocked by job ${id} ${name}: ${error.name}: ${clip(error.message, 200)}`
}

async function selectJobs(
  context: Context,
  id: string,
  state: ShownState | 'all',
  offset: number,
  limit: number,
): Promise<JobOutput[]> {
  const { record } = await runView(context, id)
  const [wanted, start] = state === 'all' ? [limit, String(offset)] : [offset + limit, '0']
  const jobs = await upTo(wanted, async (cursor = start, count) => {
    const page = await stepPage(context, record, state, { cursor, count })
    return { found: page.steps, next: page.next }
  })
  return withOutputs(context, id, state === 'all' ? jobs : jobs.slice(offset))
}

function asData({
  id,
  class: name,
  args,
  status,
  total,
  counts,
  createdAt,
  startedAt,
  endedAt,
  ttlMs,
}: RunRow): object {
  // Arguments are kept up to a length: what was cut is shown as text.
  return { id, class: name, args: jsonOrText(args), status, total, counts, createdAt, startedAt, endedAt, ttlMs }
}

const percent = ({ total, done }: RunRow): string => (total === 0 ? '100%' : `${Math.floor((100 * done) / total)}%`)

function took(run: RunRow, now: number): string {
  return run.startedAt === undefined ? '-' : formatDuration(Math.max(0, (run.endedAt ?? now) - run.startedAt))
}

function whole(value: number, flag: string, least: number): number {
  if (Number.isInteger(value) && value >= least) return value
  throw new RuntimeError('ERR_USAGE', `${flag}: expected a whole number from ${least}, got ${value}`)
}

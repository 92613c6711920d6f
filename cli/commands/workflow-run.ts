import type { Argv } from 'yargs'
import { duration } from '../../runtime/core/duration.ts'
import type { WorkflowRun } from '../../runtime/workflow/run/workflow-run.ts'
import { command } from '../command.ts'
import { loadAppHere, type Context, type GlobalFlags } from '../context.ts'
import { explainWait } from '../explain-wait.ts'
import { json, line } from '../output.ts'
import { showRun } from './workflow-show.ts'
import { runStandstill } from '../../runtime/inspect/doctor/standstill.ts'
import { openRun, runTarget } from '../../runtime/inspect/runs.ts'
import { jsonArgument, objectArgument, workflowNamed } from '../arguments.ts'
import { watchRun } from './workflow-watch.ts'
import type { App } from '../../runtime/jobs/app.ts'

interface CreateFlags {
  class: string
  args: string[]
  globals?: string
  ttl?: string
}

const createFlags = (yargs: Argv<GlobalFlags>): Argv<CreateFlags & GlobalFlags> =>
  yargs
    .positional('class', { type: 'string', demandOption: true, describe: 'Name of the workflow' })
    .positional('args', {
      type: 'string',
      array: true,
      default: [] as string[],
      describe: 'Arguments of configure(), each as JSON',
    })
    .option('globals', { type: 'string', describe: 'JSON object of default params for every job' })
    .option('ttl', { type: 'string', describe: "How long the run is kept after its end: '7d'" })

/** `runtime workflow create` */
export const createCommand = command<CreateFlags>({
  command: 'create <class> [args..]',
  describe: 'Create a run without starting it',
  example: [`workflow create ImportWorkflow '"data.csv"'`, 'prints the ID of the run'],
  flags: createFlags,
  run: async (context, argv) => {
    const flow = await create(context, argv)
    if (context.json) json({ id: flow.id, status: flow.status, jobs: flow.record.total })
    else line(flow.id)
  },
})

/** `runtime workflow start` */
export const startCommand = command<{ id: string }>({
  command: 'start <id>',
  describe: 'Start a run that was created',
  example: ['workflow start 0mb2k3x7f4q8...', ''],
  flags: (yargs) => yargs.positional('id', { type: 'string', demandOption: true, describe: 'ID of the run' }),
  run: async (context, { id }) => {
    const flow = await (await openRun(context, id)).start()
    if (context.json) json({ id, status: flow.status })
    else line(`${id} ${flow.status}`)
  },
})

/** `runtime workflow run` */
export const runCommand = command<CreateFlags & { watch?: boolean; wait?: boolean; timeout?: string }>({
  command: 'run <class> [args..]',
  describe: 'Create a run and start it',
  example: [
    `workflow run ImportWorkflow '"data.csv"' --watch`,
    'shows the progress; exit code 1 if the run does not finish',
  ],
  flags: (yargs) =>
    createFlags(yargs)
      .option('watch', { type: 'boolean', describe: 'Show the progress until the run has ended' })
      .option('wait', { type: 'boolean', describe: 'Wait until the run has ended, then show it' })
      .option('timeout', { type: 'string', describe: 'Maximum time for --watch and --wait' }),
  run: async (context, argv) => {
    const options = argv.timeout === undefined ? {} : { timeout: duration(argv.timeout, '--timeout') }
    const flow = await create(context, argv)
    await startOrRemove(flow)
    if (argv.watch !== true && argv.wait !== true) {
      if (context.json) json({ id: flow.id, status: flow.status, jobs: flow.record.total })
      else line(flow.id)
      return 0
    }
    if (argv.watch === true && !context.json) await watchRun(context, flow, options)
    else await explainWait(flow.wait(options), () => runStandstill(flow.id, context))
    await showRun(context, flow.id)
    return flow.status === 'finished' ? 0 : 1
  },
})

async function create(context: Context, argv: CreateFlags): Promise<WorkflowRun> {
  const type = workflowNamed((await loadAppHere(context.source)).registry, argv.class)
  const globals = argv.globals === undefined ? undefined : objectArgument(argv.globals, '--globals')
  return type.createOn(
    runTarget(context),
    type,
    argv.args.map((text) => jsonArgument(text)),
    {
      ...(globals === undefined ? {} : { globals }),
      ...(argv.ttl === undefined ? {} : { ttl: argv.ttl }),
    },
  )
}

/** A run that may not start (another of its unique class began meanwhile) is not left behind. */
async function startOrRemove(flow: WorkflowRun): Promise<void> {
  try {
    await flow.start()
  } catch (error) {
    await flow.destroy().catch(() => undefined)
    throw error
  }
}

const id = { type: 'string', demandOption: true, describe: 'ID of the run' } as const
const job = { type: 'string', demandOption: true, describe: 'Number of the job, as shown by `show --jobs`' } as const

/** A command that does one thing to a run and says what became of it. */
function change(
  verb: string,
  describe: string,
  act: (flow: WorkflowRun) => Promise<WorkflowRun>,
): ReturnType<typeof command<{ id: string }>> {
  return command<{ id: string }>({
    command: `${verb} <id>`,
    describe,
    example: [`workflow ${verb} 0mb2k3x7f4q8...`, ''],
    flags: (yargs) => yargs.positional('id', id),
    run: async (context, argv) => {
      const flow = await act(await openRun(context, argv.id))
      if (context.json) json({ id: flow.id, status: flow.status, counts: flow.record.counts })
      else line(`${flow.id} ${flow.status}`)
    },
  })
}

/** The same, for one job of a run. */
function changeJob(verb: 'retry' | 'skip', describe: string): ReturnType<typeof command<{ id: string; job: string }>> {
  return command<{ id: string; job: string }>({
    command: `${verb} <id> <job>`,
    describe,
    example: [`workflow ${verb} 0mb2k3x7f4q8... 17`, ''],
    flags: (yargs) => yargs.positional('id', id).positional('job', job),
    run: async (context, argv) => {
      const flow = await openRun(context, argv.id)
      await flow[verb](argv.job)
      if (context.json) json({ id: flow.id, status: flow.status, counts: flow.record.counts })
      else line(`${flow.id} ${flow.status}`)
    },
  })
}

/** `runtime workflow stop` */
export const stopCommand = change(
  'stop',
  'Stop a run: no more of its jobs start, and running jobs are cancelled',
  (flow) => flow.stop(),
)
/** `runtime workflow continue` */
export const continueCommand = change(
  'continue',
  'Continue a run: run its failed jobs and their descendants, and requeue lost jobs',
  (flow) => flow.continue(),
)
/** `runtime workflow retry` */
export const retryCommand = changeJob('retry', 'Run a failed or lost job again')
/** `runtime workflow skip` */
export const skipCommand = changeJob('skip', 'Skip a failed job, so that its children run')

/** `runtime workflow rm` */
export const removeCommand = command<{ ids: string[] }>({
  command: 'rm <ids..>',
  describe: 'Remove runs that are not running',
  example: ['workflow rm 0mb2k3x7f4q8...', ''],
  flags: (yargs) =>
    yargs.positional('ids', { type: 'string', array: true, demandOption: true, describe: 'IDs of runs' }),
  run: async (context, { ids }) => {
    let app: App | undefined
    for (const one of ids) {
      const flow = await openRun(context, one)
      // What a backend of the application's own keeps of it goes, too: config/preload.ts plugs it in.
      if (flow.record.fields.memory !== undefined) app ??= await loadAppHere(context.source)
      await flow.destroy()
      if (!context.json) line(`removed ${one}`)
    }
    if (context.json) json({ removed: ids })
  },
})

/** `runtime workflow expire` */
export const expireCommand = command<{ id: string; ttl: string }>({
  command: 'expire <id> <ttl>',
  describe: 'Set how long a run is kept after its end',
  example: ["workflow expire 0mb2k3x7f4q8... '1h'", ''],
  flags: (yargs) =>
    yargs.positional('id', id).positional('ttl', {
      type: 'string',
      demandOption: true,
      describe: "Length of time: '1h' or '7 days'; -1 for ever",
    }),
  run: async (context, argv) => {
    const flow = await openRun(context, argv.id)
    await flow.expire(argv.ttl)
    if (context.json) json({ id: flow.id, ttlMs: flow.record.ttlMs })
    else line(`${flow.id} kept ${flow.record.ttlMs === 0 ? 'for ever' : `${argv.ttl} after its end`}`)
  },
})

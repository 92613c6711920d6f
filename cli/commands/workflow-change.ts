import type { App } from '../../runtime/jobs/app.ts'
import type { WorkflowRun } from '../../runtime/workflow/run/workflow-run.ts'
import { command } from '../command.ts'
import { loadAppHere } from '../context.ts'
import { json, line } from '../output.ts'
import { openRun } from '../../runtime/inspect/runs.ts'

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

import { jsonText } from '../../runtime/core/json-text.ts'
import { duration } from '../../runtime/core/duration.ts'
import { RuntimeError } from '../../runtime/core/errors.ts'
import type { JobDefinition } from '../../runtime/jobs/job.ts'
import { optionsOn } from '../../runtime/jobs/options.ts'
import { command } from '../command.ts'
import { loadAppHere } from '../context.ts'
import { exportNamed, jsonArgument } from '../arguments.ts'
import { printError, json, line } from '../output.ts'

interface EnqueueFlags {
  class: string
  args: string[]
  in?: string
  at?: string
  queue?: string
  id?: string
  wait?: boolean
  timeout: string
}

/** `runtime enqueue`: puts one job on its queue. */
export const enqueueCommand = command<EnqueueFlags>({
  example: [`enqueue ReminderJob '"u1"' --in '5 days'`, 'each argument is JSON'],
  flags: (yargs) =>
    yargs
      .positional('class', { type: 'string', demandOption: true, describe: 'Name of the job' })
      .positional('args', { type: 'string', array: true, default: [], describe: 'Arguments, each as JSON' })
      .option('in', { type: 'string', describe: "Enqueue the job after this delay: '5 days'", conflicts: 'at' })
      .option('at', { type: 'string', describe: 'Enqueue the job at this time: 2027-01-01T08:00Z' })
      .option('queue', { type: 'string', describe: 'Queue; the queue of the class by default' })
      .option('id', {
        type: 'string',
        describe: 'Your own ID for the job: while its record is kept, the same command enqueues nothing',
      })
      .option('wait', { type: 'boolean', describe: 'Wait until the job has ended and print its result' })
      .option('timeout', { type: 'string', default: '1h', describe: 'Maximum time for --wait' }),
  run: async ({ client, source, json: asJson }, argv) => {
    const timeout = duration(argv.timeout, '--timeout')
    const { registry } = await loadAppHere(source)
    const definition = exportNamed(registry, 'job', argv.class).definition as JobDefinition
    const args = argv.args.map((text) => jsonArgument(text)) as never
    const { queue, id } = argv
    const options = { ...(queue === undefined ? {} : { queue }), ...(id === undefined ? {} : { id }) }
    const handle =
      argv.in !== undefined
        ? await client.enqueueIn(duration(argv.in, '--in'), definition, args, options)
        : argv.at !== undefined
          ? await client.enqueueAt(moment(argv.at), definition, args, options)
          : await client.enqueue(definition, args, options)
    if (!handle.accepted)
      throw new RuntimeError('ERR_STATE', `${argv.class}: not enqueued: its beforeEnqueue hook refused it`)
    if (argv.wait !== true) return asJson ? json({ id: handle.id, duplicate: handle.duplicate }) : line(handle.id)
    const result = await handle.result({ timeout })
    const status = await handle.status()
    if (asJson) return json({ ...status, result })
    line(result === undefined ? status.state : jsonText(result))
    if (result === undefined && optionsOn(definition).keepResult === undefined)
      printError(
        `runtime: what ${argv.class} returns is not kept; to print it, set static keepResult = '1h' on the class`,
      )
  },
})

function moment(text: string): Date {
  const date = new Date(text)
  if (!Number.isNaN(date.getTime())) return date
  throw new RuntimeError('ERR_USAGE', `--at: expected a moment such as 2027-01-01T08:00Z, got ${JSON.stringify(text)}`)
}

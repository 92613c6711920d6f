import { didYouMean } from '../../config/did-you-mean.ts'
import { duration } from '../../runtime/core/duration.ts'
import { RuntimeError } from '../../runtime/core/errors.ts'
import type { JobDefinition } from '../../runtime/jobs/job.ts'
import type { Registry } from '../../runtime/jobs/registry.ts'
import { command } from '../command.ts'
import { loadAppHere } from '../context.ts'
import { json, line } from '../output.ts'

interface EnqueueFlags {
  class: string
  args: string[]
  in?: string
  at?: string
  queue?: string
  wait?: boolean
  timeout: string
}

/** `runtime enqueue`: puts one job on its queue. */
export const enqueueCommand = command<EnqueueFlags>({
  command: 'enqueue <class> [args..]',
  describe: 'Put a job on its queue, now or later',
  example: [`enqueue ReminderJob '"u1"' --in '5 days'`, 'arguments are JSON, one each'],
  flags: (yargs) =>
    yargs
      .positional('class', { type: 'string', demandOption: true, describe: 'Name of the job' })
      .positional('args', { type: 'string', array: true, default: [], describe: 'Arguments, each as JSON' })
      .option('in', { type: 'string', describe: "Wait this long first: '5 days'", conflicts: 'at' })
      .option('at', { type: 'string', describe: 'Run at this moment: 2027-01-01T08:00Z' })
      .option('queue', { type: 'string', describe: "In place of the job's own queue" })
      .option('wait', { type: 'boolean', describe: 'Wait for the end and print the result' })
      .option('timeout', { type: 'string', default: '1h', describe: 'How long --wait waits' }),
  run: async ({ client, source, json: asJson }, argv) => {
    const timeout = duration(argv.timeout, '--timeout')
    const { registry } = await loadAppHere(source)
    const definition = jobNamed(registry, argv.class)
    const args = argv.args.map(parseArgument) as never
    const options = argv.queue === undefined ? {} : { queue: argv.queue }
    const handle =
      argv.in !== undefined
        ? await client.enqueueIn(/^\d+$/.test(argv.in) ? Number(argv.in) : argv.in, definition, args, options)
        : argv.at !== undefined
          ? await client.enqueueAt(moment(argv.at), definition, args, options)
          : await client.enqueue(definition, args, options)
    if (!handle.accepted)
      throw new RuntimeError('ERR_STATE', `${argv.class}: not enqueued: its beforeEnqueue hook said no`)
    if (argv.wait !== true) return asJson ? json({ id: handle.id, duplicate: handle.duplicate }) : line(handle.id)
    const result = await handle.result({ timeout })
    const status = await handle.status()
    if (asJson) json({ ...status, result })
    else line(result === undefined ? status.state : JSON.stringify(result))
  },
})

/** The job of a name. @throws RuntimeError ERR_UNKNOWN_CLASS that names what there is */
export function jobNamed(registry: Registry, name: string): JobDefinition {
  const found = registry.job(name)
  if (found) return found
  const names = registry
    .list()
    .filter((entry) => entry.kind === 'job')
    .map((entry) => entry.name)
  throw new RuntimeError(
    'ERR_UNKNOWN_CLASS',
    names.length === 0
      ? `${name}: expected a job of this application, but none is exported under its jobs folders`
      : `${name}: expected one of ${names.join(', ')}${didYouMean(name, names)}`,
  )
}

function parseArgument(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new RuntimeError(
      'ERR_USAGE',
      `argument ${text}: expected JSON, such as '"text"' (with both quotes), 5 or '{"a":1}'`,
    )
  }
}

function moment(text: string): Date {
  const date = new Date(text)
  if (!Number.isNaN(date.getTime())) return date
  throw new RuntimeError('ERR_USAGE', `--at: expected a moment such as 2027-01-01T08:00Z, got ${JSON.stringify(text)}`)
}

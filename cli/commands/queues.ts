import { didYouMean } from '../../config/did-you-mean.ts'
import type { Argv } from 'yargs'
import { RuntimeError } from '../../runtime/core/errors.ts'
import { plural } from '../../runtime/core/plural.ts'
import { clearQueue, pauseQueue, resumeQueue, setAllPaused } from '../../runtime/inspect/changes/queues.ts'
import { command, group } from '../command.ts'
import { json, line } from '../output.ts'
import { table } from '../table.ts'

const list = command({
  command: ['list', '$0'],
  describe: 'List queues and the number of waiting jobs',
  shows: true,
  example: ['queues', 'all queues'],
  run: async ({ store, json: asJson }) => {
    const [sizes, paused] = await Promise.all([store.queues.sizes(), store.queues.paused()])
    const rows = [...sizes].map(([name, size]) => ({ name, size, paused: paused.includes(name) }))
    if (asJson) return json(rows)
    table(
      ['queue', 'waiting', 'state'],
      rows.map((row) => [row.name, row.size, row.paused ? 'paused' : 'open']),
    )
  },
})

interface Which {
  name?: string
  all?: boolean
}

const which = (yargs: Argv): Argv =>
  yargs
    .positional('name', { type: 'string', describe: 'The queue' })
    .option('all', { type: 'boolean', describe: 'All workers, those of Ruby included' })

/** @returns the queue, or undefined for all @throws RuntimeError ERR_USAGE */
function named({ name, all = false }: Which): string | undefined {
  if ((name !== undefined) !== all) return name
  throw new RuntimeError('ERR_USAGE', `which queue? expected a name, or --all; got ${all ? 'both' : 'nothing'}`)
}

const pause = command<Which>({
  command: 'pause [name]',
  describe: 'Pause a queue on all workers, or all workers',
  example: ['queues pause low', 'workers reserve no jobs from low until it is resumed'],
  flags: which,
  run: async (context, argv) => {
    const name = named(argv)
    if (name === undefined) {
      await setAllPaused(context, true)
      return line('paused all workers')
    }
    const names = await pauseQueue(context, name)
    const note = `; no job was ever enqueued on a queue of this name${didYouMean(name, names)}`
    line(`paused ${name}${names.includes(name) ? '' : note}`)
  },
})

const resume = command<Which>({
  command: 'resume [name]',
  describe: 'Resume a paused queue, or all workers',
  example: ['queues resume low', ''],
  flags: which,
  run: async (context, argv) => {
    const name = named(argv)
    await (name === undefined ? setAllPaused(context, false) : resumeQueue(context, name))
    line(`resumed ${name ?? 'all workers'}`)
  },
})

const clear = command<{ name: string }>({
  command: 'clear <name>',
  describe: 'Remove a queue and cancel its waiting jobs',
  example: ['queues clear low', 'workflow runs that wait for one of these jobs fail, and can be continued'],
  flags: (yargs) => yargs.positional('name', { type: 'string', demandOption: true }),
  run: async (context, { name }) => {
    line(`removed ${plural(await clearQueue(context, name), 'job')}`)
  },
})

/** `runtime queues …` */
export const queuesCommand = group([list, pause, resume, clear] as never)

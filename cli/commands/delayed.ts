import { upTo } from '../../runtime/core/cursor.ts'
import { relative } from '../../runtime/core/duration.ts'
import { encodeItem } from '../../runtime/core/codec.ts'
import { RuntimeError } from '../../runtime/core/errors.ts'
import { delayedName, delayedPage, findDelayed, isWanted, type DelayedFilter } from '../../runtime/inspect/delayed.ts'
import { optionsOn } from '../../runtime/jobs/options.ts'
import type { DelayedJob, DelayedName } from '../../runtime/store/queues/delayed-pages.ts'
import { command, group } from '../command.ts'
import { loadAppHere, type Context } from '../context.ts'
import { clip, json, line } from '../output.ts'
import { table } from '../table.ts'
import { jsonArgument } from '../arguments.ts'

interface Selection {
  class?: string
  args: string[]
  queue?: string
  'any-args'?: boolean
  id?: string
}

/** Jobs by their class. */
type ByClass = Selection & { class: string }

const list = command<{ count: number; class?: string; queue?: string }>({
  command: ['list', '$0'],
  describe: 'List delayed jobs, earliest first',
  example: ['delayed list --class ReminderJob', ''],
  flags: (yargs) =>
    yargs
      .option('count', { type: 'number', default: 50, describe: 'Maximum number of entries' })
      .option('class', { type: 'string', describe: 'Only this class' })
      .option('queue', { type: 'string', describe: 'Only this queue' }),
  run: async (context, { count: most, class: className, queue }) => {
    const filter = {
      ...(className === undefined ? {} : { class: className }),
      ...(queue === undefined ? {} : { queue }),
    }
    const found = await upTo(most, async (cursor, count) => {
      const page = await delayedPage(context, filter, { cursor, count })
      return { found: page.jobs, next: page.next }
    })
    if (context.json)
      return json(
        found.map(({ dueMs, ...job }) => ({
          due: new Date(dueMs).toISOString(),
          ...job,
          id: delayedName({ dueMs, ...job }),
        })),
      )
    const now = Date.now()
    table(
      ['due', 'in', 'class', 'queue', 'args', 'id'],
      found.map((job) => [
        new Date(job.dueMs).toISOString(),
        relative(job.dueMs, now),
        job.className ?? '-',
        job.queue ?? '-',
        clip(job.className === undefined ? job.bytes : job.args, 60),
        delayedName(job),
      ]),
    )
  },
})

const selectionFlags: NonNullable<Parameters<typeof command<Selection>>[0]['flags']> = (yargs) =>
  yargs
    .positional('class', { type: 'string', describe: 'Class of the job' })
    .positional('args', {
      type: 'string',
      array: true,
      default: [] as string[],
      describe: 'Exact arguments of the job, each as JSON; without any, only jobs without arguments match',
    })
    .option('queue', { type: 'string', describe: 'Queue of the job; the queue of the class by default' })
    .option('any-args', { type: 'boolean', describe: 'Match jobs with any arguments' })
    .option('id', {
      type: 'string',
      describe: 'One job, by its ID in `delayed list`',
      conflicts: ['class', 'any-args'],
    })

/** @throws RuntimeError ERR_USAGE where no class is named */
function byClass(argv: Selection): ByClass {
  if (argv.class !== undefined) return { ...argv, class: argv.class }
  throw new RuntimeError('ERR_USAGE', 'which jobs? expected a class with arguments, or --id; got neither')
}

const remove = command<Selection>({
  command: 'remove [class] [args..]',
  describe: 'Remove all delayed jobs with these arguments',
  example: [
    `delayed remove ReminderJob '"u1"'`,
    'with exactly this argument, as in Resque; --any-args for any arguments',
  ],
  flags: selectionFlags,
  run: async (context, argv) => {
    const { delayed } = context.store
    const ttlMs = context.config.limits.recordTtlMs
    if (argv.id !== undefined)
      return told(context, 'removed', await delayed.removeOne(await findDelayed(context, argv.id), Date.now(), ttlMs))
    const which = byClass(argv)
    const removed =
      argv['any-args'] === true
        ? await delayed.removeSelection((job) => isWanted(job, wantedOf(which)), Date.now(), ttlMs)
        : await delayed.remove(await nameOf(context, which), Date.now(), ttlMs)
    return told(context, 'removed', removed)
  },
})

const run = command<Selection>({
  command: 'run [class] [args..]',
  describe: 'Enqueue all delayed jobs with these arguments now',
  example: [`delayed run ReminderJob '"u1"'`, ''],
  flags: selectionFlags,
  run: async (context, argv) => {
    const { delayed } = context.store
    const ttlMs = context.config.limits.waitingTtlMs
    if (argv.id !== undefined) {
      const job = runnable(argv.id, await findDelayed(context, argv.id))
      return told(context, 'queued', await delayed.runOne(job, Date.now(), ttlMs))
    }
    const which = byClass(argv)
    if (argv['any-args'] !== true)
      return told(context, 'queued', await delayed.enqueueNow(await nameOf(context, which), Date.now(), ttlMs))
    const names = new Map<string, DelayedName>()
    for await (const job of delayed.all()) {
      if (!isWanted(job, wantedOf(which)) || job.queue === undefined) continue
      const item = `{"class":${JSON.stringify(which.class)},"args":${job.args}}`
      names.set(`${job.queue} ${item}`, { className: which.class, item, queue: job.queue })
    }
    let queued = 0
    for (const name of names.values()) queued += await delayed.enqueueNow(name, Date.now(), ttlMs)
    return told(context, 'queued', queued)
  },
})

/** `runtime delayed …` */
export const delayedCommand = group([list, remove, run] as never)

const wantedOf = ({ class: name, queue }: ByClass): DelayedFilter => ({
  class: name,
  ...(queue === undefined ? {} : { queue }),
})

async function nameOf(context: Context, { class: className, args, queue }: ByClass): Promise<DelayedName> {
  const given = args.map((arg) => jsonArgument(arg))
  return {
    className,
    item: encodeItem(className, given, Infinity),
    queue: queue ?? (await queueOf(context, className)),
  }
}

/** @throws RuntimeError ERR_STATE for bytes that are no job */
function runnable(id: string, job: DelayedJob): DelayedJob & { className: string; queue: string } {
  const { className, queue } = job
  if (className !== undefined && queue !== undefined) return { ...job, className, queue }
  throw new RuntimeError(
    'ERR_STATE',
    `${id}: expected a job with a class and a queue, got ${clip(job.bytes, 100)}; remove it`,
  )
}

async function queueOf({ source }: Context, className: string): Promise<string> {
  const definition = (await loadAppHere(source)).registry.job(className)
  const queue = definition && optionsOn(definition).queue
  if (queue !== undefined) return queue
  throw new RuntimeError('ERR_USAGE', `${className}: expected a job of this application that names a queue, or --queue`)
}

function told({ json: asJson }: Context, verb: string, count: number): number {
  if (asJson) json({ [verb]: count })
  else line(`${verb} ${count}`)
  return count > 0 ? 0 : 1
}

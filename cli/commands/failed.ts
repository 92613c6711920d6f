import { upTo } from '../../runtime/core/cursor.ts'
import { RuntimeError } from '../../runtime/core/errors.ts'
import { failedClass, failedFrom, failedPage, requireFailed, type FailedFilter } from '../../runtime/inspect/failed.ts'
import type { Change } from '../../runtime/inspect/changes/change.ts'
import {
  changeFailed,
  clearFailed,
  countFailed,
  listChanged,
  requeueFailed,
  removeFailed,
  type Requeued,
} from '../../runtime/inspect/changes/failed.ts'
import { retriedAs } from '../../runtime/inspect/job.ts'
import type { FailedEntry } from '../../runtime/store/queues/failures.ts'
import type { Store } from '../../runtime/store/store.ts'
import { command, group } from '../command.ts'
import type { Context } from '../context.ts'
import { evidenceRows } from '../../runtime/inspect/evidence.ts'
import { clip, json, line } from '../output.ts'
import { table } from '../table.ts'

interface Selection {
  index?: string
  class?: string
  queue?: string
  all?: boolean
}

interface Retry extends Selection {
  again?: boolean
}

const selection = {
  class: { type: 'string', describe: 'Only this class' },
  queue: { type: 'string', describe: 'Only this queue' },
  all: { type: 'boolean', describe: 'Every entry' },
} as const

interface ListFlags {
  start?: number
  count: number
  class?: string
  queue?: string
}

const list = command<ListFlags>({
  command: ['list', '$0'],
  describe: 'List failed jobs, newest first',
  example: ['failed list --class ImportJob', ''],
  flags: (yargs) =>
    yargs
      .option('start', { type: 'number', describe: 'First index; by default the newest entries are listed' })
      .option('count', { type: 'number', default: 50, describe: 'Maximum number of entries' })
      .option('class', selection.class)
      .option('queue', selection.queue),
  run: async ({ store, json: asJson }, argv) => {
    const entries = await listed(store, argv)
    if (asJson) return json(entries)
    table(
      ['index', 'failed at', 'class', 'queue', 'cause', 'exception', 'error', 'retried'],
      entries.map((entry) => [
        entry.index,
        entry.failed_at,
        failedClass(entry),
        entry.queue,
        entry.cause ?? '-',
        entry.exception,
        clip(entry.error, 60),
        entry.retried_at ?? '-',
      ]),
      ['retried', 'failed at', 'queue'],
    )
  },
})

async function listed(store: Store, { start, count: most, class: name, queue }: ListFlags): Promise<FailedEntry[]> {
  const filter = { ...(name === undefined ? {} : { class: name }), ...(queue === undefined ? {} : { queue }) }
  if (start !== undefined && Object.keys(filter).length === 0) return failedFrom({ store }, start, most)
  return upTo(most, async (cursor, count) => {
    const page = await failedPage({ store }, filter, { cursor, count })
    return { found: page.entries, next: page.next }
  })
}

const show = command<{ index: string }>({
  command: 'show <index>',
  describe: 'Show one failed job: its error, stack, payload and evidence',
  example: ['failed show 0', ''],
  flags: (yargs) =>
    yargs.positional('index', { type: 'string', demandOption: true, describe: 'Index of the entry, or ID of the job' }),
  run: async (context, argv) => {
    const entry = await requireFailed(context, argv.index)
    const retried = entry.id === undefined ? undefined : retriedAs((await context.store.jobs.find(entry.id)) ?? {})
    if (context.json) return json({ ...entry, retried_as: retried?.job })
    line(`${failedClass(entry)} on ${entry.queue}, failed at ${entry.failed_at} in ${entry.worker}`)
    line(`${entry.exception}: ${entry.error}`)
    for (const frame of entry.backtrace) line(`    ${frame}`)
    line(`payload: ${entry.payload}`)
    if (entry.cause !== undefined) line(`cause: ${entry.cause}`)
    for (const [what, value] of evidenceRows(entry.evidence ?? {}, { stack: entry.backtrace }))
      line(`${what}: ${value.replaceAll('\n', '\n    ')}`)
    if (entry.retried_at !== undefined) line(`retried at ${entry.retried_at}${retried ? ` as job ${retried.job}` : ''}`)
  },
})

const retry = command<Retry>({
  command: 'retry [index]',
  describe: 'Requeue failed jobs: one, a class, a queue, or all',
  example: ['failed retry --class ImportJob', ''],
  flags: (yargs) =>
    yargs
      .positional('index', { type: 'string', describe: 'Index of the entry, or ID of the job' })
      .options(selection)
      .option('again', {
        type: 'boolean',
        describe: 'Also retry entries that were retried before; these jobs run again',
      }),
  run: async (context, argv) => {
    const filter = chosen(argv)
    if (argv.index !== undefined) {
      const entry = await requireFailed(context, argv.index)
      if (typeof entry.retried_at === 'string' && !argv.again) throw retriedBefore(argv.index, entry)
      const as = await requeueFailed(context, entry)
      return report(context, 'retried', { ...ofOne(as !== undefined), as: as ? [as] : [] })
    }
    const before = argv.again ? 0 : (await countFailed(context, { ...filter, retried: true })).count
    const open = argv.again ? filter : { ...filter, retried: false }
    return report(context, 'retried', await changeFailed(context, 'retry', open, { keep: true }), before)
  },
})

function retriedBefore(name: string, { retried_at: retriedAt }: FailedEntry): RuntimeError {
  return new RuntimeError(
    'ERR_STATE',
    `failed job ${name}: expected one that was not retried, it was at ${retriedAt}; --again runs it once more`,
  )
}

const remove = command<Selection>({
  command: 'remove [index]',
  describe: 'Remove failed jobs: one, a class, a queue, or all',
  example: ['failed remove 0', ''],
  flags: (yargs) =>
    yargs.positional('index', { type: 'string', describe: 'Index of the entry, or ID of the job' }).options(selection),
  run: async (context, argv) => {
    const filter = chosen(argv)
    if (argv.index === undefined) return report(context, 'removed', await changeFailed(context, 'remove', filter))
    const removed = await removeFailed(context, await requireFailed(context, argv.index))
    return report(context, 'removed', ofOne(removed))
  },
})

const clear = command({
  command: 'clear',
  describe: 'Remove all failed jobs',
  example: ['failed clear', ''],
  run: async (context) => {
    const count = await clearFailed(context)
    return report(context, 'removed', { matched: count, done: count, skipped: [] })
  },
})

/** `runtime failed …` */
export const failedCommand = group([list, show, retry, remove, clear] as never)

/** @returns which ones; of one entry, an empty filter */
function chosen({ index, class: className, queue, all }: Selection): FailedFilter {
  const filter = { ...(className === undefined ? {} : { class: className }), ...(queue === undefined ? {} : { queue }) }
  const ways = [index !== undefined, Object.keys(filter).length > 0, all === true].filter((given) => given).length
  if (ways === 1) return filter
  const got = ways === 0 ? 'nothing' : 'more than one of them'
  throw new RuntimeError('ERR_USAGE', `which ones? expected an index, --class and --queue, or --all; got ${got}`)
}

type Outcome = Pick<Change, 'matched' | 'done' | 'skipped'> & { as?: readonly Requeued[] }
/** New jobs that a person is shown. */
const namedJobs = 5

const ofOne = (isDone: boolean): Outcome => ({
  ...{ matched: 1, done: isDone ? 1 : 0 },
  skipped: isDone ? [] : [{ reason: listChanged, count: 1, indexes: [] }],
})

/** @param before how many were left out, since they were retried before */
function report({ json: asJson }: Context, verb: string, outcome: Outcome, before = 0): number {
  const { matched, done, skipped, as = [] } = outcome
  const more = { ...(as.length > 0 ? { as } : {}), ...(before > 0 ? { before } : {}) }
  if (asJson) json({ [verb]: done, ...more, ...(skipped.length > 0 ? { skipped } : {}) })
  else {
    line(`${verb} ${done} of ${matched}`)
    const names = as
      .slice(0, namedJobs)
      .map((each) => ('job' in each ? each.job : `step ${each.node} of run ${each.run}`))
    if (names.length > 0) line(`now queued as ${names.join(', ')}${names.length < done ? ', …' : ''}`)
    if (before > 0) line(`passed over ${before} that were ${verb} before; --again includes them`)
    for (const { reason, count, indexes } of skipped)
      line(
        `skipped ${count}${indexes.length > 0 ? ` (${indexes.join(', ')}${indexes.length < count ? ', …' : ''})` : ''}: ${reason}`,
      )
  }
  return done < matched ? 1 : 0
}

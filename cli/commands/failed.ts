import { RuntimeError, withCode } from '../../runtime/core/errors.ts'
import { failedClass, failedPage } from '../../runtime/inspect/failed.ts'
import { isPassable } from '../../runtime/inspect/change.ts'
import { putBack } from '../../runtime/inspect/failed-change.ts'
import type { FailedEntry } from '../../runtime/store/queues/failures.ts'
import type { Store } from '../../runtime/store/store.ts'
import { command, group } from '../command.ts'
import type { Context } from '../context.ts'
import { evidenceRows } from '../evidence.ts'
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

/** Entries that are put back at a time. */
const retriesAtOnce = 100

/** An entry whose step's run does not let it run again. */
interface Skipped {
  index: number
  reason: string
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
        clip(entry.error ?? '', 60),
        entry.retried_at ?? '-',
      ]),
      ['retried', 'failed at', 'queue'],
    )
  },
})

async function listed(store: Store, { start, count, class: name, queue }: ListFlags): Promise<FailedEntry[]> {
  const filter = { ...(name === undefined ? {} : { class: name }), ...(queue === undefined ? {} : { queue }) }
  if (start !== undefined && Object.keys(filter).length === 0)
    return (await store.failures.list(start, count)).reverse()
  const entries: FailedEntry[] = []
  for (let cursor: string | undefined; entries.length < count;) {
    const options = { ...(cursor === undefined ? {} : { cursor }), count: count - entries.length }
    const page = await failedPage({ store }, filter, options)
    entries.push(...page.entries)
    if (page.next === undefined) break
    cursor = page.next
  }
  return entries
}

const show = command<{ index: string }>({
  command: 'show <index>',
  describe: 'Show one failed job: its error, stack, payload and evidence',
  example: ['failed show 0', ''],
  flags: (yargs) =>
    yargs.positional('index', { type: 'string', demandOption: true, describe: 'Index of the entry, or ID of the job' }),
  run: async (context, argv) => {
    const entry = await one(context, argv.index)
    if (context.json) return json(entry)
    line(`${failedClass(entry)} on ${entry.queue}, failed at ${entry.failed_at} in ${entry.worker}`)
    line(`${entry.exception}: ${entry.error}`)
    for (const frame of entry.backtrace ?? []) line(`    ${frame}`)
    line(`payload: ${entry.payload}`)
    if (entry.cause !== undefined) line(`cause: ${entry.cause}`)
    for (const [what, value] of evidenceRows(entry.evidence ?? {}, entry.backtrace ?? []))
      line(`${what}: ${value.replaceAll('\n', '\n    ')}`)
    if (entry.retried_at !== undefined) line(`retried at ${entry.retried_at}`)
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
    const all = await chosen(context, argv)
    const entries = argv.again ? all : all.filter(({ retried_at: retriedAt }) => typeof retriedAt !== 'string')
    if (argv.index !== undefined && entries.length === 0) throw retriedBefore(argv.index, all)
    const skipped: Skipped[] = []
    let count = 0
    for (let at = 0; at < entries.length; at += retriesAtOnce) {
      const some = entries.slice(at, at + retriesAtOnce)
      const results = await Promise.allSettled(some.map((entry) => putBack(context, entry)))
      for (const [i, result] of results.entries()) {
        if (result.status === 'fulfilled') count += result.value ? 1 : 0
        // Of one entry its error is the answer; of many, a step that runs again or whose run is gone keeps no other back.
        else if (argv.index === undefined && isPassable(result.reason))
          skipped.push({ index: some[i]?.index ?? -1, reason: withCode(result.reason) })
        else throw result.reason
      }
    }
    return told(context, 'retried', count, entries.length, skipped, all.length - entries.length)
  },
})

function retriedBefore(name: string, [entry]: readonly FailedEntry[]): RuntimeError {
  return new RuntimeError(
    'ERR_STATE',
    `failed job ${name}: expected one that was not retried, it was at ${entry?.retried_at}; --again runs it once more`,
  )
}

const remove = command<Selection>({
  command: 'remove [index]',
  describe: 'Remove failed jobs: one, a class, a queue, or all',
  example: ['failed remove 0', ''],
  flags: (yargs) =>
    yargs.positional('index', { type: 'string', describe: 'Index of the entry, or ID of the job' }).options(selection),
  run: async (context, argv) => {
    const entries = await chosen(context, argv)
    return told(context, 'removed', await context.store.failures.removeMany(entries), entries.length)
  },
})

const clear = command({
  command: 'clear',
  describe: 'Remove all failed jobs',
  example: ['failed clear', ''],
  run: async (context) => {
    const count = await context.store.failures.clear()
    return told(context, 'removed', count, count)
  },
})

/** `runtime failed …` */
export const failedCommand = group([list, show, retry, remove, clear] as never)

async function select({ store }: Context, { class: className, queue }: Selection): Promise<FailedEntry[]> {
  const entries: FailedEntry[] = []
  for await (const entry of store.failures.all()) {
    if ((className === undefined || failedClass(entry) === className) && (queue === undefined || entry.queue === queue))
      entries.push(entry)
  }
  return entries
}

async function chosen(context: Context, argv: Selection): Promise<FailedEntry[]> {
  const { index, class: className, queue, all } = argv
  const filtered = className !== undefined || queue !== undefined
  const ways = [index !== undefined, filtered, all === true].filter((given) => given).length
  if (ways !== 1) {
    const got = ways === 0 ? 'nothing' : 'more than one of them'
    throw new RuntimeError('ERR_USAGE', `which ones? expected an index, --class and --queue, or --all; got ${got}`)
  }
  if (index !== undefined) return [await one(context, index)]
  return select(context, argv)
}

async function one(context: Context, name: string): Promise<FailedEntry> {
  const found = /^-?\d+$/.test(name)
    ? (await context.store.failures.list(Number(name), 1))[0]
    : (await select(context, {})).find((entry) => entry.id === name)
  if (found) return found
  const last = (await context.store.failures.count()) - 1
  const expected = last < 0 ? 'a failed job, and there is none' : `an index from 0 to ${last} or a job's id, found none`
  throw new RuntimeError('ERR_NOT_FOUND', `failed job ${name}: expected ${expected}`)
}

function told(
  { json: asJson }: Context,
  verb: string,
  count: number,
  of: number,
  skipped: readonly Skipped[] = [],
  before = 0,
): number {
  const changed = of - count - skipped.length
  if (asJson)
    json({ [verb]: count, changed, ...(before > 0 ? { before } : {}), ...(skipped.length > 0 ? { skipped } : {}) })
  else {
    line(`${verb} ${count} of ${of}${changed > 0 ? '; the list changed meanwhile, try the rest again' : ''}`)
    if (before > 0) line(`passed over ${before} that were ${verb} before; --again includes them`)
    for (const { index, reason } of skipped) line(`skipped ${index}: ${reason}`)
  }
  return count < of ? 1 : 0
}

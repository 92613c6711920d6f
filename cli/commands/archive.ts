import type { ClassStats, Percentiles } from '../../runtime/archive/archive.ts'
import { migrations, migrationsTable, migrate, openPool } from '../../runtime/archive/postgres.ts'
import type { ArchiveRecord } from '../../runtime/archive/record.ts'
import { formatDuration } from '../../runtime/core/duration.ts'
import { RuntimeError } from '../../runtime/core/errors.ts'
import { parseLossless } from '../../runtime/core/codec.ts'
import { formatBytes } from '../../runtime/core/size.ts'
import { archivePage, withArchive } from '../../runtime/inspect/archive.ts'
import { archivedStep, outputOf } from '../../runtime/inspect/job.ts'
import type { ArchiveState } from '../../runtime/store/archive.ts'
import { command, group } from '../command.ts'
import { evidenceRows } from '../../runtime/inspect/evidence.ts'
import { clip, json, line, output } from '../output.ts'
import { table } from '../table.ts'
import { moment, queryFlags, queryOf, type QueryFlags } from './archive-query.ts'
import { plural } from '../../runtime/core/plural.ts'

const search = command<QueryFlags & { limit: number; after?: string }>({
  command: ['search', '$0'],
  describe: 'Search ended jobs, steps and runs, newest first',
  example: [
    'archive search --class ImportJob --since 1d --outcome failed --arg user=7',
    'a record must match all flags',
  ],
  flags: (yargs) =>
    yargs
      .options(queryFlags)
      .option('limit', { type: 'number', default: 50, describe: 'Maximum number of entries' })
      .option('after', { type: 'string', describe: 'Continue after the page before, which printed this value' }),
  run: async (context, argv) => {
    const { limit, after } = argv
    const page = { count: limit, cursor: after }
    const { records, next, total } = await archivePage(context, queryOf(argv, Date.now()), page)
    if (context.json) return json(records.map(asJson))
    table(
      ['ended', 'id', 'kind', 'class', 'outcome', 'cause', 'took', 'attempts', 'arguments'],
      records.map((record) => [
        new Date(record.endedAtMs).toISOString(),
        record.id,
        record.kind,
        record.class,
        record.outcome,
        record.cause ?? '-',
        record.runMs === undefined ? '-' : formatDuration(record.runMs),
        record.attempts,
        clip(record.args ?? '-', 60),
      ]),
    )
    if (next !== undefined && output().stdout.isTTY)
      line(
        `${records.length} of ${total.isExact ? '' : 'more than '}${total.count.toLocaleString('en')}; --after ${next} shows more`,
      )
  },
})

const show = command<{ id: string }>({
  command: 'show <id>',
  describe: 'Show the record of one job, step or run',
  example: ['archive show 0mb2k3x7f4q8...', ''],
  flags: (yargs) => yargs.positional('id', { type: 'string', demandOption: true, describe: 'ID of the job or run' }),
  run: async (context, { id }) => {
    const record = await withArchive(context, (archive) => archive.find(id))
    if (!record)
      throw new RuntimeError(
        'ERR_NOT_FOUND',
        `archive: no record of ${JSON.stringify(id)}; it has not ended, or its record was pruned or dropped`,
      )
    const output = await outputOf(context.store, archivedStep(record))
    if (context.json)
      return json({ ...asJson(record), ...(output === undefined ? {} : { output: parseLossless(output) }) })
    const { details, ...rest } = record
    const { evidence, ...more } = details
    const rows = evidenceRows((evidence ?? {}) as Record<string, unknown>)
    table(
      ['field', 'value'],
      Object.entries({ ...asJson(rest), ...more, output, ...Object.fromEntries(rows) })
        .filter(([, value]) => value !== undefined)
        .map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
    )
  },
})

const stats = command<QueryFlags>({
  command: 'stats',
  describe: 'Show per class the number of jobs and failures, and p50 and p95 of wait, run time, CPU time and memory',
  example: ['archive stats --since 7d', ''],
  flags: (yargs) => yargs.options(queryFlags),
  run: async (context, argv) => {
    const query = queryOf(argv, Date.now())
    const state = await context.store.archive.state()
    const classes = await withArchive(context, (archive) => archive.stats(query)).catch((error: unknown) => {
      // What waits meanwhile is known all the same.
      if (context.json) json({ archive: state })
      else line(stateText(state))
      throw error
    })
    if (context.json) return json({ classes, archive: state })
    table(
      ['class', 'kind', 'count', 'failed', 'wait p50/p95', 'run p50/p95', 'CPU p50/p95', 'memory p50/p95'],
      classes.map(statsRow),
    )
    line(stateText(state))
  },
})

function stateText({ keep, length, max, dropped, trouble }: ArchiveState): string {
  if (keep === 'redis') return `Redis keeps ${plural(length, 'record')}, at most ${max}`
  return `${plural(length, 'record')} for PostgreSQL in Redis, at most ${max}; ${dropped} dropped${trouble ? `: ${trouble}` : ''}`
}

const prune = command<{ before: string }>({
  command: 'prune',
  describe: 'Remove old records',
  example: ["archive prune --before '90d'", ''],
  flags: (yargs) =>
    yargs.option('before', {
      type: 'string',
      demandOption: true,
      describe: "Remove records that ended before this time: '90d' ago, or a date",
    }),
  run: async (context, { before }) => {
    const removed = await withArchive(context, (archive) => archive.prune(moment(before, '--before', Date.now())))
    if (context.json) json({ removed })
    else line(`removed ${removed}`)
  },
})

const migrateCommand = command<{ sql?: boolean }>({
  command: 'migrate',
  describe: "Create or update the archive's schema in PostgreSQL",
  example: ['archive migrate', '--sql prints the statements and changes nothing'],
  flags: (yargs) => yargs.option('sql', { type: 'boolean', describe: 'Print the statements and change nothing' }),
  run: async ({ config, json: asked }, { sql }) => {
    if (sql) {
      line(migrationsTable.trim())
      for (const step of migrations)
        line(`${step.sql}insert into runtime_archive.migrations (version) values (${step.version});`)
      return
    }
    const { url } = config.archive
    if (url === undefined)
      throw new RuntimeError(
        'ERR_CONFIG',
        'archive.url: expected postgres://…, got nothing; without PostgreSQL the archive is in Redis and needs no schema',
      )
    const pool = openPool(url)
    const done = await migrate(pool).finally(() => pool.end())
    if (asked) json(done)
    else
      line(
        done.from === done.to
          ? `the schema is at version ${done.to} already`
          : `migrated from version ${done.from} to ${done.to}`,
      )
  },
})

/** `runtime archive …` */
export const archiveCommand = group([search, show, stats, prune, migrateCommand] as never)

/** Times as people and other programs read them; arguments as JSON. */
function asJson({
  args,
  enqueuedAtMs,
  startedAtMs,
  endedAtMs,
  ...rest
}: Partial<ArchiveRecord>): Record<string, unknown> {
  const date = (ms: number | undefined): string | undefined =>
    ms === undefined ? undefined : new Date(ms).toISOString()
  return {
    ...rest,
    enqueuedAt: date(enqueuedAtMs),
    startedAt: date(startedAtMs),
    endedAt: date(endedAtMs),
    args: args === undefined ? undefined : (JSON.parse(args) as unknown),
  }
}

function statsRow(stats: ClassStats): (string | number)[] {
  const pair = ({ p50, p95 }: Percentiles, format: (value: number) => string): string =>
    p50 === undefined || p95 === undefined ? '-' : `${format(p50)} / ${format(p95)}`
  const share = stats.count === 0 ? 0 : (100 * stats.failed) / stats.count
  return [
    stats.class,
    stats.kind,
    stats.count,
    stats.failed === 0 ? '0' : `${stats.failed} (${share.toFixed(1)} %)`,
    pair(stats.wait, formatDuration),
    pair(stats.run, formatDuration),
    pair(stats.cpu, formatDuration),
    pair(stats.peakRssBytes, formatBytes),
  ]
}

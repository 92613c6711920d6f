import { relative } from '../../runtime/core/duration.ts'
import { existsSync } from 'node:fs'
import { RuntimeError } from '../../runtime/core/errors.ts'
import { entryRows, isLoaded, missedFirings, type EntryRow } from '../../runtime/inspect/schedule.ts'
import { describeEntry, type ScheduleEntry } from '../../scheduler/entries/entry.ts'
import { command, group } from '../command.ts'
import type { Context } from '../context.ts'
import { clip, json, line } from '../output.ts'
import { table } from '../table.ts'
import { allEntries, entryNamed, fireNow, loadSchedule, openScheduling, printProblems } from '../scheduling.ts'
import { plural } from '../../runtime/core/plural.ts'

const fileFlag = { type: 'string', describe: 'File of recurring jobs (schedule.yml)' } as const

const check = command<{ file?: string }>({
  command: 'check [file]',
  describe: 'Check the schedule and list all errors with file, line and entry',
  example: ['schedule check schedule.yml', 'exit code 2 if an entry is invalid'],
  flags: (yargs) => yargs.positional('file', fileFlag),
  settings: ({ file }) => ({ scheduler: { file } }),
  run: async (context, { file }) => {
    if (file !== undefined && !existsSync(context.config.scheduler.file))
      throw new RuntimeError(
        'ERR_SCHEDULE',
        `schedule check: expected a file, but ${context.config.scheduler.file} does not exist`,
      )
    const { entries, problems } = await loadSchedule(context, await openScheduling(context))
    if (context.json) json({ entries: [...entries.keys()], problems })
    const errors = context.json
      ? problems.filter(({ severity }) => severity === 'error').length
      : printProblems(problems)
    if (!context.json)
      line(`${plural(entries.size, 'valid entry', 'valid entries')}${errors > 0 ? `, ${plural(errors, 'error')}` : ''}`)
    return errors > 0 ? 2 : 0
  },
})

const list = command<{ schedule?: string }>({
  command: ['list', '$0'],
  describe: 'List recurring jobs with their last, next and missed firings and lateness',
  example: ['schedule list --json', ''],
  flags: (yargs) => yargs.option('schedule', fileFlag),
  settings: ({ schedule }) => ({ scheduler: { file: schedule } }),
  run: async (context) => {
    const scheduling = await openScheduling(context)
    const { entries, problems } = await allEntries(context, scheduling)
    const now = Date.now()
    const rows = await rowsOf(context, entries.values(), 1)
    printProblems(problems.filter(({ severity }) => severity === 'error'))
    if (context.json)
      return json(
        rows.map(({ name, about, state, status, next }) => ({
          name,
          ...about,
          next: next[0]?.atMs,
          state: status,
          ...state,
        })),
      )
    table(
      ['name', 'when', 'runs', 'queue', 'state', 'last', 'late', 'next', 'missed', 'why'],
      rows.map(({ name, about, state, status, next: [first] }) => [
        name,
        about.reads,
        `${about.kind === 'job' ? '' : `${about.kind} `}${about.target}`,
        about.queue ?? scheduling.check.classes?.get(about.target)?.queue ?? '-',
        status,
        state?.firedAtMs === undefined ? 'never' : relative(state.firedAtMs, now),
        state?.lateMs === undefined ? '-' : `${state.lateMs}ms`,
        first === undefined ? '-' : relative(first.atMs, now),
        state?.missed ?? 0,
        clip(state?.missedReason ?? '-', 50),
      ]),
    )
  },
})

const next = command<{ count?: string; name?: string; schedule?: string }>({
  command: 'next [count] [name]',
  describe: 'Show the next firings, in the zone of each entry, without running them',
  example: ['schedule next 20', 'of all entries; `schedule next cleanup` or `schedule next 5 cleanup` for one entry'],
  flags: (yargs) =>
    yargs
      .positional('count', { type: 'string', describe: 'Number of firings; 10 by default' })
      .positional('name', { type: 'string', describe: 'Only this entry' })
      .option('schedule', fileFlag),
  settings: ({ schedule }) => ({ scheduler: { file: schedule } }),
  run: async (context, argv) => {
    const { count, name } = countAndName(argv.count, argv.name)
    const all = await allEntries(context, await openScheduling(context))
    const entries = name === undefined ? [...all.entries.values()] : [entryNamed(all, name)]
    const now = Date.now()
    const rows = await rowsOf(context, entries, count)
    const firings = rows.flatMap((row) => row.next.map((time) => ({ ...row, ...time })))
    const soonest = firings.sort((a, b) => a.atMs - b.atMs).slice(0, count)
    if (context.json)
      return json(
        soonest.map(({ name: entry, atMs, local }) => ({ name: entry, at: new Date(atMs).toISOString(), local })),
      )
    table(
      ['at', 'in', 'name', 'reads'],
      soonest.map(({ name: entry, about, atMs, local }) => [local, relative(atMs, now), entry, about.reads]),
    )
  },
})

/** Of `next`: a first word that is no number is the name. @throws RuntimeError ERR_USAGE */
function countAndName(first = '10', second?: string): { count: number; name?: string | undefined } {
  const [text, name] = Number.isNaN(Number(first)) ? [second ?? '10', first] : [first, second]
  const count = Number(text)
  if (Number.isSafeInteger(count) && count >= 1 && count <= 10_000) return { count, name }
  throw new RuntimeError('ERR_USAGE', `schedule next: expected 1 to 10000 firings, got ${text}`)
}

const missed = command<{ count: number }>({
  command: 'missed',
  describe: 'List missed firings with the reason, newest first',
  example: ['schedule missed --count 20', ''],
  flags: (yargs) => yargs.option('count', { type: 'number', default: 50, describe: 'Maximum number of records' }),
  run: async (context, { count }) => {
    const notes = await missedFirings(context, count)
    if (context.json) return json(notes)
    const iso = (ms: number): string => new Date(ms).toISOString()
    table(
      ['entry', 'count', 'from', 'to', 'reason'],
      notes.map((note) => [
        note.entry,
        `${note.count}${note.more ? '+' : ''}`,
        iso(note.fromMs),
        iso(note.toMs),
        note.reason,
      ]),
    )
  },
})

/** A command on one entry. */
const entryCommand = (verb: string, describe: string, run: (context: Context, name: string) => Promise<void>) =>
  command<{ name: string; schedule?: string }>({
    command: `${verb} <name>`,
    describe,
    example: [`schedule ${verb} cleanup`, ''],
    flags: (yargs) =>
      yargs
        .positional('name', { type: 'string', demandOption: true, describe: 'Name of the entry' })
        .option('schedule', fileFlag),
    settings: ({ schedule }) => ({ scheduler: { file: schedule } }),
    run: (context, { name }) => run(context, name),
  })

const run = entryCommand('run', 'Fire an entry once, now', async (context, name) => {
  const scheduling = await openScheduling(context)
  const entry = entryNamed(await allEntries(context, scheduling), name)
  const id = await fireNow(context, scheduling, entry)
  if (context.json) json({ name, fired: true, id })
  else line(`${name}: ${entry.kind} ${id}`)
})

const switches: readonly [verb: string, describe: string, fields: { paused?: boolean; enabled?: boolean }][] = [
  ['pause', 'Pause an entry', { paused: true }],
  ['resume', 'Resume a paused entry', { paused: false }],
  ['disable', 'Disable an entry, overriding the file', { enabled: false }],
  ['enable', 'Enable an entry, overriding the file', { enabled: true }],
]

const switchCommands = switches.map(([verb, describe, fields]) =>
  entryCommand(verb, describe, async (context, name) => {
    if (!(await isLoaded(context, name))) entryNamed(await allEntries(context, await openScheduling(context)), name)
    await context.store.schedules.switch(name, fields, Date.now())
    if (context.json) json({ name, ...fields })
    else line(`${name}: ${verb}d`)
  }),
)

/** `runtime schedule …` */
export const scheduleCommand = group([check, list, next, missed, run, ...switchCommands] as never)

/** Entries of the file and of Redis, with their next `count` fire times. */
const rowsOf = (context: Context, entries: Iterable<ScheduleEntry>, count: number): Promise<EntryRow[]> =>
  entryRows(
    context,
    [...entries].map((entry) => [entry.name, describeEntry(entry, undefined)] as const),
    count,
  )

import type { ArchiveQuery, ArgMatch } from '../../runtime/archive/archive.ts'
import { outcomes, recordKinds, type ArchiveOutcome, type RecordKind } from '../../runtime/archive/record.ts'
import { duration } from '../../runtime/core/duration.ts'
import { RuntimeError } from '../../runtime/core/errors.ts'

/** Flags that choose records. */
export interface QueryFlags {
  class?: string
  kind?: RecordKind
  outcome?: ArchiveOutcome
  queue?: string
  cause?: string
  run?: string
  since?: string
  until?: string
  arg?: string[]
}

/** The flags in yargs' form. */
export const queryFlags = {
  class: { type: 'string', describe: 'Class of the job; name of the pipeline' },
  kind: { choices: recordKinds, describe: 'Kind of record' },
  outcome: { choices: outcomes, describe: 'Outcome of the job, step or run' },
  queue: { type: 'string', describe: 'Queue of the job' },
  cause: { type: 'string', describe: 'Cause of the failure: timeout, memory, signal …' },
  run: { type: 'string', describe: 'Only steps of this run' },
  since: { type: 'string', describe: "Ended after this time: '1d' ago, or a date" },
  until: { type: 'string', describe: "Ended before this time: '1h' ago, or a date" },
  arg: {
    type: 'string',
    array: true,
    nargs: 1,
    describe: 'user=7: an argument is an object with this member; 0=u1: the first argument is u1',
  },
} as const

/** @throws RuntimeError ERR_USAGE naming the flag */
export function queryOf(flags: QueryFlags, nowMs: number): ArchiveQuery {
  const { run, since, until, arg = [] } = flags
  return {
    class: flags.class,
    kind: flags.kind,
    outcome: flags.outcome,
    queue: flags.queue,
    cause: flags.cause,
    runId: run,
    sinceMs: since === undefined ? undefined : moment(since, '--since', nowMs),
    untilMs: until === undefined ? undefined : moment(until, '--until', nowMs),
    args: arg.map(argMatch),
  }
}

/** `1d` is a day ago; else a date as ISO 8601 has it. */
export function moment(text: string, flag: string, nowMs: number): number {
  const date = /^\d{4}-\d{2}/.test(text) ? Date.parse(text) : NaN
  if (!Number.isNaN(date)) return date
  try {
    return nowMs - duration(/^\d+$/.test(text) ? NaN : text)
  } catch {
    throw new RuntimeError(
      'ERR_USAGE',
      `${flag}: expected a span like '1d' or '90 minutes', or a date like 2027-01-31T08:00Z, got ${JSON.stringify(text)}`,
    )
  }
}

function argMatch(text: string): ArgMatch {
  const at = text.indexOf('=')
  if (at > 0) return { name: text.slice(0, at), value: text.slice(at + 1) }
  throw new RuntimeError(
    'ERR_USAGE',
    `--arg ${JSON.stringify(text)}: expected name=value, such as user=7, or 0=u1 for the first argument`,
  )
}

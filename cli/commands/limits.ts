import { upTo } from '../../runtime/core/cursor.ts'
import { formatDuration } from '../../runtime/core/duration.ts'
import { limitRows, lockPage, releaseLock, type LimitedJob, type LimitRow } from '../../runtime/inspect/limits.ts'
import { command, group } from '../command.ts'
import { clip, json, line } from '../output.ts'
import { table } from '../table.ts'

const list = command({
  command: ['list', '$0'],
  describe: 'List concurrency and rate limits: who holds them and who waits',
  example: ['limits', 'limits with the longest lines first'],
  run: async (context) => {
    const { limits, total } = await limitRows(context)
    if (context.json) return json({ limits, total })
    table(
      ['limit', 'kind', 'allows', 'held', 'waiting', 'held by', 'next'],
      limits.map(({ line: next, ...limit }) => [
        limit.key,
        limit.kind,
        allowed(limit),
        limit.held,
        limit.waiting,
        jobs(limit.holders),
        jobs(next[0] ? [next[0]] : []),
      ]),
    )
    if (!total.isExact) line('Redis has too many keys to look at all of them: more limits may be in use')
  },
})

function allowed({ kind, limit, perMs }: Pick<LimitRow, 'kind' | 'limit' | 'perMs'>): string {
  if (limit === undefined) return '-'
  return kind === 'rate' && perMs !== undefined ? `${limit} in ${formatDuration(perMs)}` : `${limit} at a time`
}

const jobs = (held: readonly LimitedJob[]): string =>
  held.length === 0 ? '-' : clip(held.map(({ id, class: name }) => `${id} ${name ?? '?'}`).join(', '), 80)

const locks = command<{ stale?: boolean; limit: number }>({
  command: 'locks',
  describe: 'List the locks of unique jobs and the jobs that hold them',
  example: ['limits locks --stale', 'only locks whose job is gone'],
  flags: (yargs) =>
    yargs
      .option('stale', { type: 'boolean', describe: 'Only locks whose job is neither queued, delayed nor running' })
      .option('limit', { type: 'number', default: 100, describe: 'Maximum number of entries' }),
  run: async (context, { stale, limit }) => {
    const found = await upTo(limit, async (cursor) => {
      const page = await lockPage(context, { cursor, count: limit })
      return { found: page.locks.filter(({ isStale }) => isStale || !stale), next: page.next }
    })
    const shown = found.slice(0, limit)
    if (context.json) return json(shown)
    table(
      ['lock', 'job', 'class', 'state'],
      shown.map(({ lock, job, isStale, holder }) => [
        lock,
        job,
        holder.class ?? '-',
        isStale ? `${holder.state ?? 'unknown'} (gone)` : (holder.state ?? 'unknown'),
      ]),
    )
  },
})

const release = command<{ lock: string }>({
  command: 'release <lock>',
  describe: 'Release a unique lock whose job no longer exists; other locks are refused',
  example: ['limits release ImportJob:7', 'the lock as `limits locks` shows it'],
  flags: (yargs) => yargs.positional('lock', { type: 'string', demandOption: true, describe: 'Key of the lock' }),
  run: async (context, { lock }) => {
    const job = await releaseLock(context, lock)
    if (context.json) json({ lock, job, released: true })
    else line(`released ${lock}, which job ${job} held`)
  },
})

/** `runtime limits …` */
export const limitsCommand = group([list, locks, release] as never)

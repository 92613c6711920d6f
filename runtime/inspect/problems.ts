import { clipList } from '../../config/clip.ts'
import { formatDuration } from '../core/duration.ts'
import { formatBytes } from '../core/size.ts'
import { failureShare } from './history.ts'
import type { QueueRow } from './queues.ts'
import type { Overview } from './overview.ts'
import { plural } from '../core/plural.ts'

/** One thing that the overview shows to be wrong. */
export interface Problem {
  /** `bad`: work stands still or is lost, or soon will be. `note`: worth a look. */
  severity: 'bad' | 'note'
  /** One sentence for people: `mail waits 14m: no worker serves it`. */
  text: string
  /** The page that shows more. */
  page: 'queues' | 'workers' | 'failed' | 'delayed' | 'schedule' | 'redis' | 'archive'
  /** The queue, worker or entry that it is about. */
  name?: string
}

/** From which values on something is reported as a problem; in ms and shares. */
export interface Thresholds {
  /** The age of a queue's oldest job from which it is reported, by queue; `*` for the others. */
  queueAgeMs: Readonly<Record<string, number>>
  latencyMs: number
  /** Share of Redis's memory limit. */
  memory: number
}

/** Used where nothing else is given. */
export const defaultThresholds: Thresholds = { queueAgeMs: { '*': 5 * 60_000 }, latencyMs: 200, memory: 0.9 }

type Ranked = Problem & { rank: number }

/**
 * What is wrong, the worst first; empty when all is quiet. Pure. The order: Redis itself, then work that no process
 * does, then work that is late, then what may be intended.
 */
export function findProblems(seen: Overview, targets: Thresholds = defaultThresholds): Problem[] {
  const found = [
    ...redisProblems(seen, targets),
    ...seen.unread.map((text) => bad(3, 'redis', text)),
    ...seen.queues.flatMap((queue) => queueProblem(queue, seen, targets)),
    ...workerProblems(seen),
    ...schedulerProblems(seen),
    ...failureProblems(seen),
    ...archiveProblems(seen),
  ]
  return found.sort((a, b) => a.rank - b.rank).map(({ rank: _, ...problem }) => problem)
}

const bad = (rank: number, page: Problem['page'], text: string, name?: string): Ranked => ({
  ...{ rank, severity: 'bad', page, text },
  ...(name === undefined ? {} : { name }),
})
const note = (rank: number, page: Problem['page'], text: string, name?: string): Ranked => ({
  ...bad(rank, page, text, name),
  severity: 'note',
})

/** Problems of one rank: the older first. */
const byAge = (rank: number, ageMs: number | undefined): number => rank + 1 / (1 + (ageMs ?? 0))

function redisProblems({ redis, latencyMs }: Overview, targets: Thresholds): Ranked[] {
  const { usedMemoryBytes: used, maxmemoryBytes: most, maxmemoryPolicy, role } = redis
  const found: Ranked[] = []
  if (role !== 'master') found.push(bad(0, 'redis', 'this Redis is a replica: nothing can be written'))
  if (most > 0 && used > most * targets.memory)
    found.push(
      bad(1, 'redis', `Redis uses ${formatBytes(used)} of ${formatBytes(most)}: enqueueing fails when it is full`),
    )
  if (!['noeviction', ''].includes(maxmemoryPolicy))
    found.push(bad(2, 'redis', `maxmemory-policy is ${maxmemoryPolicy}: Redis removes jobs when its memory is full`))
  if (latencyMs > targets.latencyMs) found.push(note(50, 'redis', `Redis takes ${formatDuration(latencyMs)} to answer`))
  return found
}

function queueProblem(queue: QueueRow, { pausedAll }: Overview, { queueAgeMs }: Thresholds): Ranked[] {
  const { name, size, oldestMs, paused, workers } = queue
  if (size === 0) return []
  const waits =
    oldestMs === undefined ? `queue ${name} has ${plural(size, 'job')}` : `${name} waits ${formatDuration(oldestMs, 1)}`
  if (paused || pausedAll) return [note(byAge(60, oldestMs), 'queues', `${waits}: it is paused`, name)]
  if (workers === 0) return [bad(byAge(10, oldestMs), 'queues', `${waits}: no worker serves it`, name)]
  if (oldestMs === undefined || oldestMs <= (queueAgeMs[name] ?? queueAgeMs['*'] ?? Infinity)) return []
  return [bad(byAge(20, oldestMs), 'queues', `${waits}: ${plural(size, 'job')} for ${plural(workers, 'worker')}`, name)]
}

function workerProblems({ workers, otherWorkers, lost, pausedAll, queues, atMs }: Overview): Ranked[] {
  const found: Ranked[] = []
  const live = workers.filter(({ leaseLeftMs }) => leaseLeftMs > 0)
  for (const { id, host, pid, busy, leaseLeftMs } of workers) {
    if (leaseLeftMs > 0) continue
    const since = formatDuration(-leaseLeftMs, 1)
    const jobs = busy === 0 ? '' : `; ${busy} of its jobs wait to be requeued`
    found.push(
      bad(
        byAge(15, -leaseLeftMs),
        'workers',
        `worker ${host}:${pid} has sent no heartbeat: its lease expired ${since} ago${jobs}`,
        id,
      ),
    )
  }
  if (live.length + otherWorkers === 0 && !queues.some(({ size }) => size > 0))
    found.push(note(55, 'workers', 'no worker runs'))
  const [last] = lost
  if (last) {
    const text = `${plural(lost.length, 'worker')} lost in the last hour, the last ${formatDuration(Math.max(0, atMs - last.atMs), 1)} ago`
    found.push(note(40, 'workers', text))
  }
  if (pausedAll) found.push(note(45, 'queues', 'all workers are paused'))
  return found
}

function schedulerProblems({ scheduler, atMs }: Overview): Ranked[] {
  const { leader, entries, late, missed, overdue } = scheduler
  const found: Ranked[] = []
  if (overdue.count > 0)
    found.push(
      bad(
        12,
        'delayed',
        `overdue: ${overdue.isExact ? '' : 'more than '}${plural(overdue.count, 'delayed job')}, the first for ${age(atMs, overdue.sinceMs)}`,
      ),
    )
  const [first] = late
  if (leader === undefined && entries > 0)
    found.push(bad(11, 'schedule', `no scheduler leads, so no entry fires (${plural(entries, 'entry', 'entries')})`))
  else if (first)
    found.push(
      bad(
        13,
        'schedule',
        `${first.name} was due ${age(atMs, first.dueMs)} ago and has not fired${more(late.length)}`,
        first.name,
      ),
    )
  if (missed.count > 0)
    found.push(
      note(
        30,
        'schedule',
        `missed ${plural(missed.count, 'firing')} in the last hour (${clipList(missed.entries, 3)})`,
      ),
    )
  return found
}

/** From so many attempts on a share of failures says something. */
const fewAttempts = 20

/** Many attempts fail: half of them, or a tenth where three times fewer did before. */
function failureProblems({ failures }: Overview): Ranked[] {
  if (!failures) return []
  const [now = 0, before, yesterday] = [failures.now, failures.before, failures.yesterday].map(failureShare)
  const usual = Math.max(before ?? 0, yesterday ?? 0)
  if (failures.now.ended < fewAttempts || !(now >= 0.5 || (now >= 0.1 && now >= 3 * usual))) return []
  const text = `${percent(now)} of attempts failed in the last hour, ${percent(before)} in the hour before, ${percent(yesterday)} in the same hour yesterday`
  return [bad(14, 'failed', text)]
}

const percent = (share: number | undefined): string => (share === undefined ? 'none' : `${(share * 100).toFixed(1)} %`)

function archiveProblems({ archive: { keep, length, dropped, trouble } }: Overview): Ranked[] {
  if (keep !== 'postgres' || (trouble === '' && dropped === 0)) return []
  const lost = dropped === 0 ? '' : `, ${dropped} dropped`
  return [
    note(35, 'archive', `${plural(length, 'archive record')} not yet in PostgreSQL${lost}${trouble && `: ${trouble}`}`),
  ]
}

const age = (atMs: number, sinceMs: number | undefined): string =>
  formatDuration(Math.max(0, atMs - (sinceMs ?? atMs)), 1)
const more = (count: number): string => (count > 1 ? `, and ${count - 1} more` : '')

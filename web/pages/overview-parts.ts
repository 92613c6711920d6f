import { html } from 'hono/html'
import type { BlockedRuns } from '../../runtime/inspect/blocked-runs.ts'
import type { Quantiles } from '../../runtime/inspect/history.ts'
import type { Overview } from '../../runtime/inspect/overview.ts'
import type { RunningSupervisor } from '../../runtime/inspect/running.ts'
import type { Thresholds } from '../../runtime/inspect/problems.ts'
import { badge, code, jobLink, lasting, runLink, section, short, table, time } from '../view/parts.ts'
import { byAge, queueCells, queueColumns } from '../view/queue-rows.ts'
import { count, span } from '../view/text.ts'
import { address, type Html, type PageRequest } from '../request.ts'
import { plural } from '../../runtime/core/plural.ts'

const shownQueues = 12
const shownRows = 6

/** Queues with waiting jobs, and paused ones, the oldest first. */
export function queuesPart(
  { queues }: Overview,
  ended: ReadonlyMap<string, number> | undefined,
  targets: Thresholds,
): Html {
  const worst = byAge(queues.filter(({ size, paused }) => size > 0 || paused))
  return section(
    'Queues with waiting jobs, oldest first',
    html`${table(
      'Queues',
      queueColumns,
      worst.slice(0, shownQueues).map((queue) => queueCells(queue, ended, targets)),
      'No jobs are waiting.',
    )}
    ${worst.length > shownQueues ? html`<p class="hint">And ${count(worst.length - shownQueues)} more.</p>` : ''}`,
    html`<a href="queues">All queues</a>`,
  )
}

/** Workers whose lease runs out or has, and those that were lost lately. */
export function workersPart({ workers, lost, slots, atMs }: Overview, { settings }: PageRequest): Html {
  const { leaseMs } = settings.config.worker
  const late = workers
    .filter(({ leaseLeftMs }) => leaseLeftMs < leaseMs / 2)
    .sort((a, b) => a.leaseLeftMs - b.leaseLeftMs)
  const rows = [
    ...late.map(({ host, pid, busy, leaseLeftMs }) => [
      code(`${host}:${pid}`),
      leaseLeftMs > 0
        ? badge(`its lease ends in ${span(leaseLeftMs)}`, 'warn')
        : badge(`its lease ended ${span(-leaseLeftMs)} ago`, 'bad'),
      plural(busy, 'running job'),
    ]),
    ...lost.map(({ id, atMs: lostMs }) => [code(id, 80), badge('lost', 'warn'), time(lostMs, atMs)]),
  ]
  return section(
    'Workers in trouble',
    table(
      'Workers in trouble',
      ['Worker', 'State', ''],
      rows.slice(0, shownRows),
      `No worker was lost in the last hour, and no lease is about to expire. ${count(slots.busy)} of ${count(slots.total)} slots are busy.`,
    ),
    html`<a href="workers">Workers</a>`,
  )
}

/** Who leads, and what is late. */
export function schedulerPart({ scheduler: { leader, entries, late, missed, overdue }, atMs }: Overview): Html {
  return section(
    'Scheduler',
    table(
      'Scheduler',
      ['What', 'State'],
      [
        ['Leader', leader === undefined ? (entries > 0 ? badge('none', 'bad') : 'none') : code(leader)],
        ['Enabled entries', count(entries)],
        [
          'Late entries',
          late.length === 0
            ? 'none'
            : html`${badge(count(late.length), 'bad')} ${short(late[0]?.name ?? '', 60)} ${time(late[0]?.dueMs, atMs)}`,
        ],
        [
          'Missed firings in the last hour',
          missed.count === 0
            ? 'none'
            : html`${badge(count(missed.count), 'warn')} ${short(missed.entries.join(', '), 60)}`,
        ],
        [
          'Overdue delayed jobs',
          overdue.count === 0
            ? 'none'
            : html`${badge(`${overdue.isExact ? '' : 'more than '}${count(overdue.count)}`, 'bad')} since
              ${time(overdue.sinceMs, atMs)}`,
        ],
      ],
      '',
    ),
    html`<a href="schedule">Schedule</a>`,
  )
}

/** The jobs that run for the longest, each beside what its class usually takes. */
export function longestPart(
  supervisors: readonly RunningSupervisor[],
  times: ReadonlyMap<string, Quantiles> | undefined,
  nowMs: number,
): Html {
  const jobs = supervisors
    .flatMap(({ jobs: held }) => held)
    .map((job) => ({ ...job, ranMs: job.run_at === undefined ? undefined : Math.max(0, nowMs - Number(job.run_at)) }))
    .sort((a, b) => (b.ranMs ?? -1) - (a.ranMs ?? -1))
  return section(
    'Longest-running jobs',
    table(
      'Longest-running jobs',
      ['Job', 'Class', 'Runs for#', 'p95 of the class#'],
      jobs.slice(0, shownRows).map(({ id, class: name, ranMs }) => {
        const usual = times?.get(name ?? '')?.p95
        const isLong = ranMs !== undefined && usual !== undefined && ranMs > usual
        return [
          jobLink(id),
          code(name ?? '?'),
          isLong ? html`<strong class="bad">${span(ranMs)}</strong>` : lasting(ranMs),
          usual === undefined ? 'unknown' : usual === Infinity ? 'over 6 h' : `≤ ${span(usual)}`,
        ]
      }),
      'No job runs now.',
    ),
    html`<a href="running">Running jobs</a>`,
  )
}

/** Where workflow runs stand still. */
export function runsPart({ groups, failed }: { groups: readonly BlockedRuns[]; failed: number }, nowMs: number): Html {
  return section(
    'Blocked workflow runs',
    table(
      'Blocked runs by step',
      ['Runs#', 'Workflow', 'Blocked by', 'Error', 'Newest'],
      groups
        .slice(0, shownRows)
        .map((group) => [
          count(group.count),
          html`<a href="${address('workflows', { class: group.class, status: 'failed' })}">${code(group.class)}</a>`,
          html`<a href="${address('step', { run: group.run, step: group.index })}">${short(group.step, 60)}</a>`,
          html`<span class="clamp"><strong>${short(group.error, 60)}</strong> ${short(group.message, 120)}</span>`,
          html`${runLink(group.run)} ${time(group.sinceMs, nowMs)}`,
        ]),
      'No run has a failed step.',
    ),
    html`<a href="workflows?status=failed">Failed runs: ${count(failed)}</a>`,
  )
}

/** How far the archive is behind. */
export function archivePart({ archive, atMs }: Overview): Html {
  const { keep, length, max, dropped, oldestAtMs, trouble } = archive
  const isBehind = keep === 'postgres'
  return section(
    'Archive',
    table(
      'Archive',
      ['What', 'State'],
      [
        ['Kept in', isBehind ? 'PostgreSQL' : 'Redis'],
        [isBehind ? 'Records waiting for PostgreSQL' : 'Records', `${count(length)} of at most ${count(max)}`],
        ['Oldest record', length === 0 ? 'none' : time(oldestAtMs, atMs)],
        ['Dropped', dropped === 0 ? 'none' : badge(count(dropped), 'bad')],
        ...(trouble === '' ? [] : [['Trouble', html`<strong class="bad">${short(trouble, 200)}</strong>`]]),
      ],
      '',
    ),
    html`<a href="archive">Archive</a>`,
  )
}

import { html } from 'hono/html'
import { formatBytes } from '../../runtime/core/size.ts'
import { redisClock } from '../../runtime/inspect/context.ts'
import { zygoteOf } from '../../runtime/inspect/running.ts'
import type { SupervisorInfo } from '../../runtime/store/workers/supervisors.ts'
import { gather } from '../gather.ts'
import { badge, code, section, short, table, time } from '../view/parts.ts'
import { count, many, shown } from '../view/text.ts'
import type { Html, Page, Visit } from '../visit.ts'

/** Workers of this runtime and their slots, and the registered workers of other runtimes. */
export async function workersPage(visit: Visit): Promise<Page> {
  const { store } = visit
  const { clock, supervisors, others, missing } = await gather({
    // Leases end by Redis's clock, which may differ from that of this machine.
    clock: () => redisClock({ store }),
    supervisors: async () => {
      const all = await store.supervisors.list()
      const held = await store.workers.inflightCounts(all.map(({ id }) => id))
      return all.map((each, i) => ({ ...each, held: held[i] ?? 0 }))
    },
    others: () => store.workers.list(),
  })
  const nowMs = clock?.nowMs ?? visit.nowMs
  const ours = new Set((supervisors ?? []).flatMap(({ slots }) => slots))
  const foreign = (others ?? []).filter(({ id }) => !ours.has(id))
  const body = html`${section(
    many(supervisors?.length ?? 0, 'worker'),
    table(
      'Workers',
      ['Process', 'Queues', 'Launcher', 'Busy#', 'Started', 'Lease'],
      (supervisors ?? []).map(({ about, slots, held, leaseEndsAtMs }) => [
        code(`${about['host'] ?? '?'}:${about['pid'] ?? '?'}`),
        short(about['queues'] ?? '', 60),
        html`${about['launcher'] ?? '?'}${about['fallback'] ? html`<br /><small>${shown(about['fallback'], 200)}</small>` : ''}`,
        `${held} of ${slots.length}`,
        about['started_at'] === undefined
          ? ''
          : time(Number(about['started_at']) || Date.parse(about['started_at']), nowMs),
        leaseEndsAtMs < nowMs ? badge('expired', 'bad') : html`${badge('alive', 'good')} ${time(leaseEndsAtMs, nowMs)}`,
      ]),
      html`No worker runs. Start one: <code>runtime work --queues '*'</code>`,
    ),
  )}
  ${zygotesPart(supervisors ?? [], nowMs)}
  ${
    foreign.length === 0
      ? ''
      : section(
          'Workers of other runtimes',
          table(
            'Workers of other runtimes',
            ['Worker', 'Queues', 'Processed#', 'Failed#', 'Last heartbeat', 'Works on'],
            foreign.map((worker) => [
              code(`${worker.host}:${worker.pid}`),
              short(worker.queues.join(', '), 60),
              count(worker.processed),
              count(worker.failed),
              worker.heartbeat === undefined ? 'none' : time(Date.parse(worker.heartbeat), nowMs),
              worker.working === undefined ? 'nothing' : html`<code>${short(worker.working, 80)}</code>`,
            ]),
            '',
          ),
        )
  }`
  return { title: 'Workers', body, missing, refreshMs: 5000 }
}

/** The processes that workers fork their jobs from. */
function zygotesPart(supervisors: readonly SupervisorInfo[], nowMs: number): Html | string {
  const rows = supervisors.flatMap((supervisor) => {
    const zygote = zygoteOf(supervisor)
    if (!zygote) return []
    const { about } = supervisor
    const { pid, startedAtMs, generation, restarts, forked, rssBytes } = zygote
    return [
      [
        code(`${about['host'] ?? '?'}:${about['pid'] ?? '?'}`),
        pid,
        time(startedAtMs, nowMs),
        rssBytes === undefined ? 'unknown' : formatBytes(rssBytes),
        count(forked),
        count(generation),
        restarts === 0 ? 'none' : badge(count(restarts), 'bad'),
      ],
    ]
  })
  if (rows.length === 0) return ''
  const head = ['Worker', 'PID#', 'Started', 'Memory#', 'Processes forked#', 'Generation#', 'Died#']
  return section(
    'Zygotes',
    html`${table('Zygotes', head, rows, '')}
      <p class="hint">
        A worker forks its jobs from a zygote, which has loaded the application. Each reload, and each death, makes
        another generation. Workers write these figures every two seconds while a job runs for longer, else every 30.
      </p>`,
  )
}

import { html } from 'hono/html'
import { formatBytes } from '../../runtime/core/size.ts'
import { redisClock } from '../../runtime/inspect/context.ts'
import { zygoteOf } from '../../runtime/inspect/running.ts'
import type { SupervisorInfo } from '../../runtime/store/workers/supervisors.ts'
import { readParts } from '../deadline.ts'
import { badge, code, section, short, table, time } from '../view/parts.ts'
import { count, shown } from '../view/text.ts'
import type { Html, Page, PageRequest } from '../request.ts'
import { plural } from '../../runtime/core/plural.ts'

/** Workers of this runtime and their slots, and the registered workers of other runtimes. */
export async function workersPage(request: PageRequest): Promise<Page> {
  const { store } = request
  const { clock, supervisors, others, missing } = await readParts({
    // Leases end by Redis's clock, which may differ from that of this machine.
    clock: () => redisClock({ store }),
    supervisors: async () => {
      const all = await store.supervisors.list()
      const held = await store.workers.inflightCounts(all.map(({ id }) => id))
      return all.map((each, i) => ({ ...each, held: held[i] ?? 0 }))
    },
    others: () => store.workers.list(),
  })
  const nowMs = clock?.nowMs ?? request.nowMs
  const ours = new Set((supervisors ?? []).flatMap(({ slots }) => slots))
  const foreign = (others ?? []).filter(({ id }) => !ours.has(id))
  const body = html`${section(
    plural(supervisors?.length ?? 0, 'worker'),
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
        A worker forks its jobs from a zygote: a process that has loaded the application. Each reload and each crash
        starts a new generation. Workers write these figures every 2 seconds while a job runs for longer than that,
        otherwise every 30 seconds.
      </p>`,
  )
}

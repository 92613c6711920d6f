import { html } from 'hono/html'
import { decodeItem } from '../../runtime/core/codec.ts'
import type { JobRecord } from '../../runtime/store/queues/jobs.ts'
import type { Store } from '../../runtime/store/store.ts'
import { gather } from '../gather.ts'
import { badge, button, code, jobLink, queueLink, section, short, table, time } from '../view/parts.ts'
import { count, shown, span } from '../view/text.ts'
import type { Html, Page, Visit } from '../visit.ts'

/** Running jobs that are read for one page. */
const mostJobs = 500

/** Jobs in workers' hands, the longest-running first. */
export async function runningPage(visit: Visit): Promise<Page> {
  const { nowMs } = visit
  const { jobs, missing } = await gather({ jobs: () => runningJobs(visit.store) })
  const rows = (jobs ?? []).map(({ id, record, worker }) => [
    jobLink(id),
    record ? code(classOf(record)) : 'unknown',
    record ? queueLink(record.queue) : '',
    record?.pid ?? '',
    record?.run_at === undefined ? 'not begun' : html`${span(Math.max(0, nowMs - Number(record.run_at)))}`,
    record?.progress === undefined ? '' : progress(record.progress),
    short(worker, 40),
    html`<a class="button" href="stack?id=${encodeURIComponent(id)}">Stack now</a>
      ${button(visit, 'job-cancel', 'Cancel', { id })}`,
  ])
  const body = section(
    `${count(rows.length)} running`,
    table(
      'Running jobs',
      ['Job', 'Class', 'Queue', 'PID#', 'For#', 'Progress', 'Worker', ''],
      rows,
      'No job runs now.',
    ),
  )
  return { title: 'Running jobs', body, missing, refreshMs: 3000 }
}

async function runningJobs(store: Store): Promise<{ id: string; record: JobRecord | undefined; worker: string }[]> {
  const supervisors = await store.supervisors.list()
  const held = (
    await Promise.all(
      supervisors.map(async ({ id, about }) => {
        const jobs = await store.supervisors.inflight(id)
        return [...jobs.keys()].map((job) => ({ id: job, worker: `${about['host'] ?? '?'}:${about['pid'] ?? '?'}` }))
      }),
    )
  ).flat()
  const jobs = await Promise.all(
    held.slice(0, mostJobs).map(async (job) => ({ ...job, record: await store.jobs.find(job.id) })),
  )
  return jobs.sort((a, b) => Number(a.record?.run_at ?? Infinity) - Number(b.record?.run_at ?? Infinity))
}

/** The class of a job, also of one that Ruby enqueued. */
export function classOf(record: JobRecord): string {
  if (record.class !== undefined) return record.class
  const read = decodeItem(record.item)
  return 'garbage' in read ? '?' : read.className
}

/** `<at>/<of> <note>` as a bar and its words. */
export function progress(text: string): Html {
  const [, at = '0', of = '1', note = ''] = /^(\S+)\/(\S+) ?(.*)$/s.exec(text) ?? []
  const share = Number(of) > 0 ? Math.min(1, Number(at) / Number(of)) : 0
  return html`<progress max="1" value="${share.toFixed(3)}"></progress>
    <small>${shown(`${at}/${of} ${note}`, 80)}</small>`
}

/** Workers of this runtime and their slots, and the registered workers of other runtimes. */
export async function workersPage(visit: Visit): Promise<Page> {
  const { store, nowMs } = visit
  const { supervisors, others, missing } = await gather({
    supervisors: async () => {
      const all = await store.supervisors.list()
      return Promise.all(all.map(async (each) => ({ ...each, held: (await store.supervisors.inflight(each.id)).size })))
    },
    others: () => store.workers.list(),
  })
  const ours = new Set((supervisors ?? []).flatMap(({ slots }) => slots))
  const foreign = (others ?? []).filter(({ id }) => !ours.has(id))
  const body = html`${section(
    `${count(supervisors?.length ?? 0)} workers`,
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

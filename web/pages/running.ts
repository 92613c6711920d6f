import { html } from 'hono/html'
import { formatBytes } from '../../runtime/core/size.ts'
import { runTimes, type Quantiles } from '../../runtime/inspect/history.ts'
import { runningSupervisors, usageOf, type RunningJob, type Usage } from '../../runtime/inspect/running.ts'
import { readParts } from '../deadline.ts'
import { button, code, jobLink, lasting, pager, queueLink, section, short, table, type Cell } from '../view/parts.ts'
import { count, shown, span } from '../view/text.ts'
import { address, contextOf, type Html, type Page, type PageRequest } from '../request.ts'

/** Running jobs that are read for one page, and that it shows. */
const mostJobs = 1000
const pageSize = 100

/** Jobs in workers' hands, the longest-running first. */
export async function runningPage(request: PageRequest): Promise<Page> {
  const { nowMs, store, query } = request
  const from = query.whole('from', 0, mostJobs)
  const { supervisors, times, missing } = await readParts({
    supervisors: () => runningSupervisors(contextOf(request), mostJobs),
    times: () => runTimes(contextOf(request), nowMs),
  })
  const held = (supervisors ?? []).flatMap(({ jobs, about, leaseEndsAtMs }) =>
    jobs.map((job) => ({ job, host: `${about['host'] ?? '?'}:${about['pid'] ?? '?'}`, leaseEndsAtMs })),
  )
  const sorted = held.sort((a, b) => Number(a.job.run_at ?? Infinity) - Number(b.job.run_at ?? Infinity))
  const shownJobs = sorted.slice(from, from + pageSize)
  const usage = usageOf(supervisors ?? [])
  const { lines } = await readParts({ lines: () => store.jobs.lastLines(shownJobs.map(({ job }) => job.id)) })
  const rows = shownJobs.map(({ job, host }, i) =>
    jobRow(request, { job, host, usage: usage.get(job.id), line: lines?.[i], times }),
  )
  const busy = (supervisors ?? []).reduce((sum, each) => sum + each.busy, 0)
  const head = ['Job', 'Queue', 'For#', 'PID#', 'CPU#', 'Memory#', 'Progress, last line', 'Worker', '']
  const body = section(
    `${count(busy)} running`,
    html`${table('Running jobs', head, rows, 'No job runs now.')}
    ${pager('running', {}, { from, shown: rows.length, total: held.length, size: pageSize })}
    ${busy > held.length ? html`<p class="hint">Only the first ${count(held.length)} are shown.</p>` : ''}
    ${rows.length > 0 ? html`<p class="hint">Workers measure CPU and memory of each job's process and its descendants every two seconds.</p>` : ''}`,
  )
  return { title: 'Running jobs', body, missing, refreshMs: 3000 }
}

interface RunningRow {
  job: RunningJob
  host: string
  usage: Usage | undefined
  line: string | undefined
  times: ReadonlyMap<string, Quantiles> | undefined
}

function jobRow(request: PageRequest, { job, host, usage, line, times }: RunningRow): Cell[] {
  const ranMs = job.run_at === undefined ? undefined : Math.max(0, request.nowMs - Number(job.run_at))
  const usual = times?.get(job.class ?? '')?.p95
  const isLong = ranMs !== undefined && usual !== undefined && ranMs > usual
  return [
    html`${code(job.class ?? '?')}<br />${jobLink(job.id)}`,
    queueLink(job.queue ?? '?'),
    html`${isLong ? html`<strong class="bad">${span(ranMs)}</strong>` : lasting(ranMs)}${usual === undefined ? '' : html`<br /><small>p95 ${usual === Infinity ? 'over 6 h' : `≤ ${span(usual)}`}</small>`}`,
    job.pid ?? '–',
    usage === undefined ? '–' : `${usage.cpuPercent.toFixed(0)} %`,
    usage === undefined ? '–' : formatBytes(usage.rssBytes),
    html`${job.progress === undefined ? '' : progress(job.progress)}
    ${line === undefined ? '' : html`<span class="line">${short(line, 100)}</span>`}`,
    short(host, 40),
    html`<a class="button" href="${address('stack', { id: job.id })}">Stack now</a>
      ${button(request, 'job-cancel', 'Cancel', { id: job.id })}`,
  ]
}

/** `<at>/<of> <note>` as a bar and its words. */
export function progress(text: string): Html {
  const [, at = '0', of = '1', note = ''] = /^(\S+)\/(\S+) ?(.*)$/s.exec(text) ?? []
  const share = Number(of) > 0 ? Math.min(1, Number(at) / Number(of)) : 0
  return html`<progress max="1" value="${share.toFixed(3)}"></progress>
    <small>${shown(`${at}/${of} ${note}`, 80)}</small>`
}

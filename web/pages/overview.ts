import { html } from 'hono/html'
import { blockedRuns } from '../../runtime/inspect/blocked-runs.ts'
import { failedGroups } from '../../runtime/inspect/failed.ts'
import {
  recentlyEnded,
  failureRates,
  runTimes,
  failureShare,
  type FailureRates,
} from '../../runtime/inspect/history.ts'
import { overview, type Overview } from '../../runtime/inspect/overview.ts'
import { runningSupervisors } from '../../runtime/inspect/running.ts'
import { findProblems, type Problem } from '../../runtime/inspect/problems.ts'
import { formatBytes } from '../../runtime/core/size.ts'
import { readParts } from '../deadline.ts'
import { section } from '../view/parts.ts'
import { targetsOf } from '../view/queue-rows.ts'
import { count, percent, shown } from '../view/text.ts'
import { address, contextOf, type Html, type Page, type PageRequest } from '../request.ts'
import { groupedOf, groupTable, groupSearch } from './failed.ts'
import { archivePart, longestPart, queuesPart, runsPart, schedulerPart, workersPart } from './overview-parts.ts'
import { plural } from '../../runtime/core/plural.ts'

const shownProblems = 8
const shownGroups = 8
/** Running jobs among which the longest-running are looked for. */
const mostJobs = 500

/** One verdict first, then what it rests on, the worst first. */
export async function overviewPage(request: PageRequest): Promise<Page> {
  const place = contextOf(request)
  const { seen, failed, failures, ended, running, times, blocked, missing } = await readParts({
    seen: () => overview(place),
    failed: () => failedGroups(place, {}, groupSearch),
    failures: () => failureRates(place, request.nowMs),
    ended: () => recentlyEnded(place, request.nowMs),
    running: () => runningSupervisors(place, mostJobs),
    times: () => runTimes(place, request.nowMs),
    blocked: () => blockedRuns(place),
  })
  const targets = targetsOf(request)
  const problems = seen && findProblems({ ...seen, ...(failures ? { failures } : {}) }, targets)
  const isBad = problems === undefined || problems[0]?.severity === 'bad'
  const body = html`${verdictPart(problems)} ${seen ? figures(seen, failures) : ''}
    ${seen ? queuesPart(seen, ended, targets) : ''}
    ${section(
      'Failed jobs by cause, class and error',
      html`${groupTable(request, (failed?.groups ?? []).slice(0, shownGroups), failed ? 'No job has failed.' : 'unknown')}
      ${groupedOf(failed)}`,
      html`<a href="failed?by=group">All groups</a>`,
    )}
    <div class="columns">
      ${seen ? workersPart(seen, request) : ''} ${seen ? schedulerPart(seen) : ''}
      ${running ? longestPart(running, times, request.nowMs) : ''} ${blocked ? runsPart(blocked, request.nowMs) : ''}
      ${seen ? archivePart(seen) : ''}
    </div>`
  return { title: 'Overview', body, missing, refreshMs: 5000, isBad }
}

function verdictPart(problems: readonly Problem[] | undefined): Html {
  const [first, ...others] = problems ?? []
  const tone = problems === undefined ? 'bad' : first === undefined ? 'good' : first.severity === 'bad' ? 'bad' : 'warn'
  const words = problems === undefined ? 'Unknown: Redis does not answer.' : first ? link(first) : 'No problems.'
  return html`<section class="card verdict ${tone}" data-verdict="${tone}" aria-label="Verdict">
    <p>${words}</p>
    ${
      others.length === 0
        ? ''
        : html`<ul>
            ${others.slice(0, shownProblems).map((problem) => html`<li>${link(problem)}</li>`)}
          </ul>`
    }
    ${others.length > shownProblems ? html`<small>and ${others.length - shownProblems} more</small>` : ''}
  </section>`
}

/** To the page that has more of it. */
function link({ page, name, text }: Problem): Html {
  const to = page === 'queues' && name !== undefined ? address('queue', { name }) : page
  return html`<a class="plain" href="${to}">${shown(text, 400)}</a>`
}

function figures(
  { slots, workers, otherWorkers, failed, queues, latencyMs, redis }: Overview,
  rates?: FailureRates,
): Html {
  const waiting = queues.reduce((sum, { size }) => sum + size, 0)
  const alive = workers.filter(({ leaseLeftMs }) => leaseLeftMs > 0).length
  const share = (of: keyof FailureRates): string => (rates ? percent(failureShare(rates[of])) : 'unknown')
  const limit = redis.maxmemoryBytes > 0 ? ` of ${formatBytes(redis.maxmemoryBytes)}` : ', no limit'
  return html`<div class="figures">
    <a href="queues"><strong>${count(waiting)}</strong><span>waiting in ${plural(queues.length, 'queue')}</span></a>
    <a href="running"><strong>${count(slots.busy)} / ${count(slots.total)}</strong><span>slots busy</span></a>
    <a href="workers"><strong>${count(alive + otherWorkers)}</strong><span>workers alive</span></a>
    <a href="failed"><strong>${count(failed)}</strong><span>failed jobs on the list</span></a>
    <a href="charts"
      ><strong>${share('now')}</strong
      ><span>failed in the last hour; ${share('before')} the hour before, ${share('yesterday')} yesterday</span></a
    >
    <a href="redis"
      ><strong>${latencyMs.toFixed(1)} ms</strong
      ><span>Redis latency; memory ${formatBytes(redis.usedMemoryBytes)}${limit}</span></a
    >
  </div>`
}

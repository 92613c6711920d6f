import { html } from 'hono/html'
import { failedGroups } from '../../runtime/inspect/failed.ts'
import { failureRates } from '../../runtime/inspect/history.ts'
import { overview, type Overview } from '../../runtime/inspect/overview.ts'
import { verdict, type Problem } from '../../runtime/inspect/verdict.ts'
import { gather } from '../gather.ts'
import { badge, code, lasting, queueLink, section, short, table, time } from '../view/parts.ts'
import { count, shown } from '../view/text.ts'
import { address, placeOf, type Html, type Page, type Visit } from '../visit.ts'
import { groupTable } from './failed.ts'

const shownProblems = 8
const shownGroups = 8

/** One verdict first, then what it rests on, the worst first. */
export async function overviewPage(visit: Visit): Promise<Page> {
  const place = placeOf(visit)
  const { seen, failed, rates, missing } = await gather({
    seen: () => overview(place),
    failed: () => failedGroups(place),
    rates: () => failureRates(place, visit.nowMs),
  })
  const problems = seen && verdict(seen)
  const isBad = problems === undefined || problems[0]?.severity === 'bad'
  const body = html`${verdictPart(problems)} ${seen ? figures(seen, rates) : ''}
    <div class="columns">${seen ? queuesPart(seen) : ''} ${seen ? schedulerPart(seen) : ''}</div>
    ${section(
      'Failed jobs by cause, class and error',
      groupTable(visit, (failed?.groups ?? []).slice(0, shownGroups), 'No job has failed.'),
      html`<a href="failed?by=group">All groups</a>`,
    )}`
  return { title: 'Overview', body, missing, refreshMs: 5000, isBad }
}

function verdictPart(problems: readonly Problem[] | undefined): Html {
  const [first, ...others] = problems ?? []
  const tone = problems === undefined ? 'bad' : first === undefined ? 'good' : first.severity === 'bad' ? 'bad' : 'warn'
  const words = problems === undefined ? 'Unknown: Redis does not answer.' : first ? link(first) : 'All quiet.'
  return html`<section class="card verdict ${tone}" data-verdict="${tone}">
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

type Rates = Awaited<ReturnType<typeof failureRates>>

function figures({ slots, workers, otherWorkers, failed, queues, latencyMs, lost }: Overview, rates?: Rates): Html {
  const share = (rate: number | undefined): string => (rate === undefined ? '–' : `${(rate * 100).toFixed(1)} %`)
  const waiting = queues.reduce((sum, { size }) => sum + size, 0)
  const alive = workers.filter(({ leaseLeftMs }) => leaseLeftMs > 0).length
  return html`<div class="figures">
    <a href="queues"><strong>${count(waiting)}</strong><span>waiting in ${count(queues.length)} queues</span></a>
    <a href="running"><strong>${count(slots.busy)} / ${count(slots.total)}</strong><span>slots busy</span></a>
    <a href="workers"
      ><strong>${count(alive + otherWorkers)}</strong
      ><span>workers alive${lost.length > 0 ? `, ${lost.length} lost in the last hour` : ''}</span></a
    >
    <a href="failed"><strong>${count(failed)}</strong><span>failed jobs on the list</span></a>
    <a href="charts"
      ><strong>${share(rates?.now)}</strong><span>failed in the last hour, ${share(rates?.before)} before</span></a
    >
    <a href="redis"><strong>${latencyMs.toFixed(1)} ms</strong><span>Redis answers in</span></a>
  </div>`
}

/** The oldest first: age says more than depth. Unknown ages come before young ones. */
function queuesPart({ queues }: Overview): Html {
  const age = (ms: number | undefined, size: number): number => (size === 0 ? -1 : (ms ?? Infinity))
  const worst = queues
    .filter(({ size, paused }) => size > 0 || paused)
    .sort((a, b) => age(b.oldestMs, b.size) - age(a.oldestMs, a.size))
  return section(
    'Queues with waiting jobs, oldest first',
    table(
      'Queues',
      ['Queue', 'Oldest waits#', 'Waiting#', 'Workers#', ''],
      worst
        .slice(0, 12)
        .map(({ name, size, oldestMs, paused, workers }) => [
          queueLink(name),
          size === 0 ? '–' : oldestMs === undefined ? 'unknown' : lasting(oldestMs),
          count(size),
          workers === 0 ? html`<strong class="bad">0</strong>` : count(workers),
          paused ? badge('paused', 'warn') : '',
        ]),
      'Nothing waits.',
    ),
  )
}

function schedulerPart({ scheduler: { leader, entries, late, missed, overdue }, atMs }: Overview): Html {
  return section(
    'Scheduler',
    table(
      'Scheduler',
      ['What', 'State'],
      [
        ['Leader', leader === undefined ? (entries > 0 ? badge('none', 'bad') : 'none') : code(leader)],
        ['Entries that are on', count(entries)],
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

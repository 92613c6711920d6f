import { html } from 'hono/html'
import { history, type HistoryPoint, type Quantiles } from '../../runtime/inspect/history.ts'
import { readParts } from '../deadline.ts'
import { chart } from '../view/chart.ts'
import { choice, filters, section, table, time } from '../view/parts.ts'
import { count, span } from '../view/text.ts'
import { address, type Html, type Page, type PageRequest } from '../request.ts'

/** Jobs and failures a minute, and how long jobs waited and ran: a day or two weeks, each chart with its table. */
export async function chartsPage(request: PageRequest): Promise<Page> {
  const { query, store, nowMs } = request
  const range = query.oneOf('range', ['24h', '14d']) ?? '24h'
  const only = { queue: query.text('queue'), className: query.text('class') }
  const { found, missing } = await readParts({ found: () => history({ store }, range, only, nowMs) })
  const given = { queue: only.queue, class: only.className }
  const link = (to: string, name: string): Html =>
    html`<a href="${address('charts', { ...given, range: to })}" ${to === range ? html`aria-current="true"` : ''}
      >${name}</a
    >`
  const form = filters(
    'charts',
    [
      html`<input type="hidden" name="range" value="${range}" />`,
      choice('queue', 'Queue', found?.queues ?? [], only.queue),
      choice('class', 'Class', found?.classes ?? [], only.className),
    ],
    only.queue !== undefined || only.className !== undefined,
  )
  const points = found?.points ?? []
  const ends = { from: range === '24h' ? '24 h ago' : '14 d ago', to: 'now' }
  const body = html`${form}
    <nav class="views" aria-label="Time">${link('24h', '24 hours')}${link('14d', '14 days')}</nav>
    ${section(
      'Jobs',
      chart(
        {
          ...{ name: 'Jobs a minute', kind: 'bars', ...ends },
          series: [
            { name: 'ended', tone: 'busy', values: points.map((point) => aMinute(point.ended, point)) },
            { name: 'failed', tone: 'bad', values: points.map((point) => aMinute(point.failed, point)) },
          ],
        },
        (value) => value.toFixed(value < 10 ? 1 : 0),
      ),
    )}
    <div class="columns">
      ${section(
        'Waiting',
        timesChart('Time from enqueued (or due) to started', points, ends, ({ wait }) => wait),
      )}
      ${section(
        'Running',
        timesChart('Time from started to ended', points, ends, ({ run }) => run),
      )}
    </div>
    ${section('Figures', numbers(points, nowMs))}`
  return { title: 'Charts', body, missing, refreshMs: 60_000 }
}

function timesChart(
  name: string,
  points: readonly HistoryPoint[],
  ends: { from: string; to: string },
  of: (point: HistoryPoint) => Quantiles,
): Html {
  const series = [
    { name: 'p99', tone: 'bad', values: points.map((point) => of(point).p99) },
    { name: 'p95', tone: 'warn', values: points.map((point) => of(point).p95) },
    { name: 'p50', tone: 'busy', values: points.map((point) => of(point).p50) },
  ]
  return chart({ name, kind: 'lines', series, ...ends }, atMost)
}

/** Where no job has ended nothing is known of its times, and the row is left out. */
function numbers(points: readonly HistoryPoint[], nowMs: number): Html {
  return table(
    'Jobs, failures and times',
    ['From', 'Ended#', 'Failed#', 'Wait p50#', 'p95#', 'p99#', 'Run p50#', 'p95#', 'p99#'],
    points
      .filter(({ ended }) => ended > 0)
      .reverse()
      .map(({ atMs, ended, failed, wait, run }) => [
        time(atMs, nowMs),
        ...[ended, failed].map(count),
        ...[wait.p50, wait.p95, wait.p99, run.p50, run.p95, run.p99].map((ms) => (ms === undefined ? '–' : atMost(ms))),
      ]),
    'No job ended in this period.',
  )
}

const aMinute = (value: number, { lengthMs }: HistoryPoint): number => (value * 60_000) / lengthMs

/** The upper bound of a bucket. */
const atMost = (ms: number): string => (ms === Infinity ? 'over 6 h' : `≤ ${span(ms)}`)

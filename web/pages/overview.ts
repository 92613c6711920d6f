import { html } from 'hono/html'
import { groupFailed } from '../failed/search.ts'
import { gather } from '../gather.ts'
import { badge, queueLink, section, table } from '../view/parts.ts'
import { count } from '../view/text.ts'
import type { Page, Visit } from '../visit.ts'
import { groupTable } from './failed.ts'

/** What goes on, in one page. */
export async function overviewPage(visit: Visit): Promise<Page> {
  const { queues } = visit.store
  const { sizes, paused, failed, missing } = await gather({
    sizes: () => queues.sizes(),
    paused: () => queues.paused(),
    failed: () => groupFailed(visit.store, {}),
  })
  const waiting = [...(sizes ?? [])]
    .filter(([name, size]) => size > 0 || paused?.includes(name))
    .sort(([, a], [, b]) => b - a)
  const body = html`${section(
    'Queues',
    table(
      'Queues',
      ['Queue', 'Waiting#', 'State'],
      waiting.map(([name, size]) => [
        queueLink(name),
        count(size),
        paused?.includes(name) ? badge('paused', 'warn') : badge('open', 'good'),
      ]),
      'Nothing waits.',
    ),
  )}
  ${section('Failed jobs', groupTable(visit, (failed?.groups ?? []).slice(0, 8)))}`
  return { title: 'Overview', body, missing, refreshMs: 5000 }
}

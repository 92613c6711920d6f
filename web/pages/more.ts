import { html } from 'hono/html'
import { gather } from '../gather.ts'
import { code, jobLink, pager, section, short, table, time } from '../view/parts.ts'
import { count, shown } from '../view/text.ts'
import type { Done, Page, Query, Visit } from '../visit.ts'

const pageSize = 100

/** Concurrency and rate limits with a line, and unique locks whose job is gone. */
export async function limitsPage(visit: Visit): Promise<Page> {
  const { limits, uniqueLocks } = visit.store
  const { lines, stale, missing } = await gather({ lines: () => limits.lines(), stale: () => uniqueLocks.stale() })
  const body = html`${section(
    'Limits with a line',
    table(
      'Limits',
      ['Limit', 'Waiting#', 'Held by'],
      (lines ?? []).map(({ key, holders, waiting }) => [
        code(key),
        count(waiting),
        holders.length === 0
          ? 'no job'
          : html`${holders.slice(0, 5).map((id) => html`${jobLink(id)} `)}${holders.length > 5 ? `and ${holders.length - 5} more` : ''}`,
      ]),
      'No job waits for a concurrency slot or a rate window.',
    ),
  )}
  ${section(
    'Unique locks whose job is gone',
    table(
      'Stale unique locks',
      ['Lock', 'Job'],
      (stale ?? []).slice(0, pageSize).map(({ lock, job }) => [code(lock), jobLink(job)]),
      'None. The next job with the same key takes over a lock like this by itself.',
    ),
  )}`
  return { title: 'Limits', body, missing, refreshMs: 5000 }
}

/** Who has changed what on the dashboard. */
export async function auditPage(visit: Visit): Promise<Page> {
  const from = visit.query.whole('from', 0)
  const { audit } = visit.store
  const { lines, total, missing } = await gather({
    lines: () => audit.list(from, pageSize),
    total: () => audit.count(),
  })
  const rows = (lines ?? []).map(({ atMs, user, action, note }) => [
    time(atMs, visit.nowMs),
    shown(user, 60),
    code(action),
    short(note, 300),
  ])
  const body = section(
    'Changes made on the dashboard',
    html`${table('Changes', ['When', 'Who', 'Action', 'What'], rows, 'Nothing was changed here yet.')}
    ${pager('audit', {}, { from, shown: rows.length, total, size: pageSize })}`,
  )
  return { title: 'Audit', body, missing }
}

/** Keeps the choice of light or dark in a cookie. The note is the cookie: this change is the reader's own. */
export async function setTheme(_visit: Visit, form: Query): Promise<Done> {
  const to = form.oneOf('to', ['light', 'dark', 'auto'] as const) ?? 'auto'
  return {
    note: to === 'auto' ? 'rt-theme=; Max-Age=0; SameSite=Lax' : `rt-theme=${to}; Max-Age=31536000; SameSite=Lax`,
  }
}

import { html } from 'hono/html'
import { gather } from '../gather.ts'
import { code, pager, section, short, table, time } from '../view/parts.ts'
import { shown } from '../view/text.ts'
import type { Done, Page, Query, Visit } from '../visit.ts'

const pageSize = 100

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

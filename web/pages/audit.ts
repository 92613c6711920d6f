import { html } from 'hono/html'
import { readParts } from '../deadline.ts'
import { code, pager, section, short, table, time } from '../view/parts.ts'
import { shown } from '../view/text.ts'
import type { Done, Page, Query, PageRequest } from '../request.ts'

const pageSize = 100

/** Who has changed what on the dashboard. */
export async function auditPage(request: PageRequest): Promise<Page> {
  const from = request.query.whole('from', 0)
  const { audit } = request.store
  const { lines, total, missing } = await readParts({
    lines: () => audit.list(from, pageSize),
    total: () => audit.count(),
  })
  const rows = (lines ?? []).map(({ atMs, user, action, note }) => [
    time(atMs, request.nowMs),
    shown(user, 60),
    code(action),
    short(note, 300),
  ])
  const body = section(
    'Changes made on the dashboard',
    html`${table('Changes', ['When', 'Who', 'Action', 'What'], rows, 'No changes yet.')}
    ${pager('audit', {}, { from, shown: rows.length, total, size: pageSize })}`,
  )
  return { title: 'Audit', body, missing }
}

/** Keeps the choice of light or dark in a cookie. The note is the cookie: this change is the reader's own. */
export async function setTheme(_visit: PageRequest, form: Query): Promise<Done> {
  const to = form.oneOf('to', ['light', 'dark', 'auto'] as const) ?? 'auto'
  return {
    note: to === 'auto' ? 'rt-theme=; Max-Age=0; SameSite=Lax' : `rt-theme=${to}; Max-Age=31536000; SameSite=Lax`,
  }
}

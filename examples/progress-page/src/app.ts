import { readFileSync } from 'node:fs'
import { Hono } from 'hono'
import { enqueue, findJob } from 'resque-runtime'
import { ReportJob, type Report } from './jobs/report-job.ts'

const page = readFileSync(new URL('page.html', import.meta.url), 'utf8')

export const app = new Hono()

app.get('/', (c) => c.html(page))

/** Starts the job. It answers at once, with the ID that the page asks for. */
app.post('/reports', async (c) => {
  const { rows, failAt } = await c.req.json<{ rows: number; failAt?: number }>()
  if (!Number.isInteger(rows) || rows < 1 || rows > 10_000) return c.json({ error: 'rows: expected 1 to 10000' }, 400)
  const job = await enqueue(ReportJob, rows, failAt === undefined ? {} : { failAt })
  return c.json({ id: job.id }, 202)
})

// In an application with users, store whose job an ID is, and check it in the routes below.

/** What the page polls: the state, the progress, and in the end the result or the error. */
app.get('/reports/:id', async (c) => {
  const job = findJob<Report>(c.req.param('id'))
  const { state, progress, error } = await job.status()
  if (state === 'unknown') return c.json({ state }, 404)
  return c.json({ state, progress, error: error?.message, result: state === 'done' ? await job.result() : undefined })
})

/** The same as server-sent events, for a page that does not want to poll. */
app.get('/reports/:id/events', (c) =>
  c.body(findJob(c.req.param('id')).eventStream(), 200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
  }),
)

app.post('/reports/:id/cancel', async (c) => c.json({ cancelled: await findJob(c.req.param('id')).cancel() }))

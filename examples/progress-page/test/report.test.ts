import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inline } from 'resque-runtime/testing'
import { app } from '../src/app.ts'
import { ReportJob } from '../src/jobs/report-job.ts'

test('a report has its rows and their revenue', async () => {
  assert.deepEqual(await inline(ReportJob, 3), { rows: 3, revenue: 9 })
})

test('a report fails with the row that is wrong', async () => {
  await assert.rejects(inline(ReportJob, 3, { failAt: 2 }), /row 2: the price is not a number/)
})

test('a request for too many rows is refused before anything is enqueued', async () => {
  const answer = await app.request('/reports', { method: 'POST', body: JSON.stringify({ rows: 1e6 }) })
  assert.equal(answer.status, 400)
})

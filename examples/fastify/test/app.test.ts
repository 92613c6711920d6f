import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configure } from 'resque-runtime'
import { drain } from 'resque-runtime/testing'
import { buildApp } from '../src/app.ts'
import { WelcomeJob } from '../src/jobs/welcome-job.ts'

// A worker that runs meanwhile, such as that of `npm start`, must not take the jobs of the test.
configure({ namespace: `test-${process.pid}` })

// Needs a Redis: REDIS_URL, or `npm start` in another terminal.
test('a new user gets a welcome', async () => {
  const app = buildApp()
  const created = await app.inject({ method: 'POST', url: '/users', payload: { email: 'ann@example.org' } })
  assert.equal(created.statusCode, 202)
  await drain([WelcomeJob])
  const { state } = (await app.inject({ url: `/jobs/${created.json<{ job: string }>().job}` })).json<{
    state: string
  }>()
  assert.equal(state, 'done')
  const refused = await app.inject({ method: 'POST', url: '/users', payload: {} })
  assert.equal(refused.statusCode, 400)
  await app.close()
})

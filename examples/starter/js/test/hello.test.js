import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inline } from 'resque-runtime/testing'
import { HelloJob } from '../src/jobs/hello-job.js'

test('HelloJob greets by name', async () => {
  assert.match(String(await inline(HelloJob, 'world')), /^hello world, from process \d+$/)
})

import 'reflect-metadata'
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { NestFactory } from '@nestjs/core'
import { AppModule } from '../src/app.module.js'

// Needs a Redis: REDIS_URL, or `npm start` in another terminal.
test('a route enqueues a report, and a forked job builds it with injected providers', async () => {
  const app = await NestFactory.create(AppModule, { logger: false })
  await app.listen(0)
  const url = await app.getUrl()
  const headers = { 'content-type': 'application/json' }
  const started = await fetch(`${url}/reports`, { method: 'POST', headers, body: JSON.stringify({ rows: 4 }) })
  const { id } = (await started.json()) as { id: string }

  const worker = spawn('npx', ['runtime', 'work', '--queues', 'default', '--drain'], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  assert.deepEqual(await once(worker, 'close'), [0, null])

  const shown = (await (await fetch(`${url}/reports/${id}`)).json()) as { state: string; result: { pid: number } }
  assert.equal(shown.state, 'done')
  assert.deepEqual({ ...shown.result, pid: 0 }, { rows: 4, revenue: 15, pid: 0 })
  assert.notEqual(shown.result.pid, process.pid)
  await app.close()
})

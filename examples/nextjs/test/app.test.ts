import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { test } from 'node:test'

// Needs a Redis: REDIS_URL, or `npm start` in another terminal.
test('the built application enqueues a report, and a worker makes it', async () => {
  const server = spawn('node', ['node_modules/next/dist/bin/next', 'start', '--port', '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    let url: string | undefined
    for await (const line of createInterface({ input: server.stdout })) {
      url = /Local:\s+(\S+)/.exec(line)?.[1]
      if (url) break
    }
    const started = await fetch(`${url}/api/reports`, { method: 'POST', body: '{"rows":3}' })
    const { id } = (await started.json()) as { id: string }
    const worker = spawn('npx', ['runtime', 'work', '--queues', 'default', '--drain'], {
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    assert.deepEqual(await once(worker, 'close'), [0, null])
    const { state, result } = (await (await fetch(`${url}/api/reports/${id}`)).json()) as Record<string, unknown>
    assert.deepEqual([state, result], ['done', { rows: 3 }])
  } finally {
    server.kill()
    await once(server, 'close')
  }
})

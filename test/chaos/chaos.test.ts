// Promises 1, 2, 3, 5, 6 and 8 at once. `node bench/chaos.ts --minutes N --seed S` does the same for longer.
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { chaos } from './run.ts'

it('loses nothing, ends nothing twice and leaves nothing over while processes and Redis are killed and frozen', async (t) => {
  const report = await chaos({
    seed: 4,
    forMs: 6000,
    jobs: 600,
    blowEveryMs: 150,
    isolations: ['fork', 'spawn', 'inline'],
    settleMs: 30_000,
    say: (line) => t.diagnostic(line),
  })
  t.diagnostic(JSON.stringify(report))
  assert.deepEqual(report.broken, [])
  assert.ok(report.accepted > 100, 'there was work')
})

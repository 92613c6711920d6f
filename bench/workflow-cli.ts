// How long the command takes with many runs, and with a large one; aim: under a second each.
//   npm run build && node --conditions=source --import tsx bench/workflow-cli.ts [--runs 10000] [--jobs 100000]
import { execFile } from 'node:child_process'
import { parseArgs, promisify } from 'node:util'
import { systemClock } from '../runtime/core/clock.ts'
import { createRun } from '../runtime/workflow/run/create-run.ts'
import { startRedis } from '../test/support/redis.ts'
import { testStore } from '../test/support/store.ts'
import { graphOf } from './workflow-graphs.ts'

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '10000' }, jobs: { type: 'string', default: '100000' } },
})
const redis = await startRedis()
const store = testStore(redis)
const target = { store, clock: systemClock, ttlMs: 3_600_000, maxPayloadBytes: 1e6, recordTtlMs: 1000 }
const small = graphOf('chain', 5)
for (let made = 0; made < Number(values.runs); made += 100) {
  const batch = Array.from({ length: 100 }, (_, i) => createRun(target, { className: `Flow${i % 10}`, graph: small }))
  await Promise.all(batch)
}
const large = await createRun(target, { className: 'LargeFlow', graph: graphOf('lattice', Number(values.jobs)) })
await store.runs.start(large, Date.now())

const bin = new URL('../bin/runtime.js', import.meta.url).pathname
const run = promisify(execFile)
for (const args of [
  ['list'],
  ['list', '--class', 'Flow3', '--status', 'pending', '--offset', '500'],
  ['list', '--limit', values.runs, '--json'],
  ['show', large],
  ['show', large, '--jobs', 'queued'],
  ['viz', large, '--format', 'text'],
]) {
  const started = performance.now()
  await run(process.execPath, [bin, 'workflow', ...args], {
    env: { ...process.env, REDIS_URL: redis.url },
    maxBuffer: 1e9,
  })
  console.log(`${Math.round(performance.now() - started)} ms\truntime workflow ${args.join(' ')}`)
}
store.close()
await redis.stop()

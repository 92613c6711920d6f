// Many jobs, none lost and none doubled; MANY_JOBS=10 runs ten times as many.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { systemClock } from '../../runtime/core/clock.ts'
import { Client } from '../../runtime/jobs/client.ts'
import { Job } from '../../runtime/index.ts'
import type { Store } from '../../runtime/store/store.ts'
import { makeApp, removesApps } from '../support/app.ts'
import { leavesNoProcess, runCli } from '../support/process.ts'
import { useRedis } from '../support/redis.ts'
import { testStore } from '../support/store.ts'

leavesNoProcess()
removesApps()
const server = useRedis()

const times = Number(process.env['MANY_JOBS'] ?? 1)
const timeoutMs = 280_000 * times
let store: Store
beforeEach(() => (store = testStore(server)))
afterEach(() => store.close())

/** The same class as the application's, for its name and the types of its arguments. */
class NoteJob extends Job {
  static override queue = 'low'
  perform(_file: string, _number: number): void {}
}
// A write of a few bytes at the end of a file is atomic.
const noteJob = `
import { appendFileSync } from 'node:fs'
import { Job } from 'resque-runtime'
export class NoteJob extends Job {
  perform(file, number) { appendFileSync(file, number + '\\n') }
}`

async function run(count: number, args: string[]): Promise<void> {
  const cwd = await makeApp({ 'src/jobs/note-job.js': noteJob })
  const file = join(cwd, 'notes')
  const client = new Client(store, { maxPayloadBytes: 1000, recordTtlMs: 600_000, waitingTtlMs: 600_000 }, systemClock)
  await client.enqueueBulk(
    NoteJob,
    Array.from({ length: count }, (_, number) => [file, number] as [string, number]),
  )
  const exit = await runCli(['work', '--redis', server.url, '--drain', ...args], { cwd, timeoutMs })
  assert.equal(exit.exitCode, 0, exit.stderr)
  const numbers = (await readFile(file, 'utf8')).trim().split('\n').map(Number)
  const expected = Array.from({ length: count }, (_, number) => number)
  assert.deepEqual(
    numbers.sort((a, b) => a - b),
    expected,
  )
  const redis = server.client()
  assert.deepEqual(
    [await redis.get('resque:stat:processed'), await redis.llen('resque:failed'), await redis.llen('resque:queue:low')],
    [String(count), 0, 0],
  )
}

describe('none lost, none doubled', () => {
  it(`${3000 * times} jobs in one process, ten at a time`, () =>
    run(3000 * times, ['--isolation', 'inline', '--concurrency', '10']))
  it(`${20 * times} jobs, each in a spawned process`, () =>
    run(20 * times, ['--isolation', 'spawn', '--concurrency', '3']))
  it(`${200 * times} jobs, each in a forked process`, () =>
    run(200 * times, ['--isolation', 'fork', '--concurrency', '3']))
})

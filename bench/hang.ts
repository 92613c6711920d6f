/**
 * Jobs that hang in ten ways, each ended by its timeout: does each say where it was, and does the worker stay as it is?
 *
 *   node --conditions=source --import tsx bench/hang.ts [--jobs 2000] [--concurrency 4]
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { locationText, type JobLocation } from '../runtime/store/workers/stacks.ts'
import { childrenOf, stateOf, zygoteOf, type ProcessState } from './processes.ts'
import { flag, item, push, runtime, startRedis } from './support.ts'

const APP = fileURLToPath(new URL('../test/fixtures/apps/hang', import.meta.url))
/** What is true of each way, as `locationText` says it. */
const ways: Record<string, RegExp> = {
  loop: /^in Order\.total \(.*src\/jobs\/hang\.ts:9\)$/,
  deep: /^in Order\.total /,
  regex: /^in RegExp\.test, called from .*hang\.ts/,
  json: /^in JSON\.parse, called from .*hang\.ts|^in (Object\.)?json |^in native code/,
  file: /^in native code \(S /,
  forever: /^waiting for: 1 timer/,
  empty: /^never settled$/,
  wasm: /^in wasm/,
  atomics: /^in Atomics\.wait, called from .*hang\.ts/,
  finally: /^in Order\.total /,
}
/** Above these a worker has grown; its first jobs are not counted. */
const MAX_MORE_BYTES = 48 << 20
const MAX_MORE_DESCRIPTORS = 8
const WARM_UP_JOBS = 40

interface Entry {
  payload: { args: [way: string] }
  cause: string
  evidence: { where?: JobLocation }
}

const names = Object.keys(ways)
const jobs = Math.max(WARM_UP_JOBS * 2, flag('jobs', 2000))
const folder = mkdtempSync(join(tmpdir(), 'bench-hang-'))
execFileSync('mkfifo', [join(folder, 'fifo')])
const redis = await startRedis()
const args = ['work', '--queues', 'q', '--concurrency', String(flag('concurrency', 4)), '--isolation', 'fork']
const worker = runtime(args, redis.url, APP)
let log = ''
for (const stream of [worker.stdout, worker.stderr])
  stream?.on('data', (chunk: Buffer) => (log = `${log}${String(chunk)}`.slice(-4000)))

/** Pushes jobs and waits until all of them have failed. */
async function run(from: number, to: number): Promise<void> {
  const given = (way: string): string => (way === 'file' ? join(folder, 'fifo') : '')
  const some = Array.from({ length: to - from }, (_, index) => names[(from + index) % names.length] ?? '')
  const items = some.map((way) => item('Hang', way, given(way)))
  await push(redis.client, 'q', items)
  const deadline = Date.now() + 60_000 + items.length * 2000
  while ((await redis.client.llen('resque:failed')) < to) {
    if (worker.exitCode !== null || Date.now() > deadline) throw new Error(`the worker is stuck or gone:\n${log}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

interface Sample {
  supervisor: ProcessState
  zygote: ProcessState
}

function sample(): Sample {
  const pid = worker.pid ?? 0
  const [supervisor, zygote] = [stateOf(pid), stateOf(zygoteOf(pid) ?? 0)]
  if (!supervisor || !zygote) throw new Error(`the worker or its zygote is gone:\n${log}`)
  return { supervisor, zygote }
}

await run(0, WARM_UP_JOBS)
const before = sample()
const startedAt = Date.now()
await run(WARM_UP_JOBS, jobs)
const seconds = (Date.now() - startedAt) / 1000
const after = sample()

const problems: string[] = []
const counts = new Map<string, Map<string, number>>()
const failed = (await redis.client.lrange('resque:failed', 0, -1)).map((text) => JSON.parse(text) as Entry)
for (const { payload, cause, evidence } of failed) {
  const [way] = payload.args
  const said = cause === 'timeout' && evidence.where ? shortened(locationText(evidence.where)) : cause
  const answers = counts.get(way) ?? new Map<string, number>()
  counts.set(way, answers.set(said, (answers.get(said) ?? 0) + 1))
  if (!ways[way]?.test(said)) problems.push(`${way}: ${said}`)
}
function shortened(text: string): string {
  return text.replaceAll(`${APP}/`, '').replace(/due in \S+/, 'due')
}

console.log(`${failed.length} jobs hung and were ended, ${((jobs - WARM_UP_JOBS) / seconds).toFixed(1)} a second`)
for (const [way, answers] of counts)
  for (const [said, count] of answers) console.log(`  ${way.padEnd(8)} ${String(count).padStart(5)} × ${said}`)
for (const who of ['supervisor', 'zygote'] as const) {
  const moreBytes = after[who].rssBytes - before[who].rssBytes
  const moreDescriptors = after[who].descriptors - before[who].descriptors
  console.log(
    `  ${who}: ${(moreBytes / 2 ** 20).toFixed(1)} MB more (${(after[who].rssBytes / 2 ** 20).toFixed(1)} MB), ${moreDescriptors} descriptors more (${after[who].descriptors}), ${after[who].zombies} zombies`,
  )
  if (moreBytes > MAX_MORE_BYTES) problems.push(`${who}: ${moreBytes} bytes more`)
  if (moreDescriptors > MAX_MORE_DESCRIPTORS) problems.push(`${who}: ${moreDescriptors} descriptors more`)
}
const children = childrenOf(worker.pid ?? 0).length
console.log(`  the worker has ${children} child process${children === 1 ? '' : 'es'}: the one that forks`)
worker.kill('SIGTERM')
await new Promise((resolve) => worker.once('exit', resolve))
await redis.stop()
rmSync(folder, { recursive: true })
for (const problem of problems.slice(0, 20)) console.error(`wrong: ${problem}`)
if (problems.length > 0) console.error(`${problems.length} of ${jobs} answers are wrong`)
process.exitCode = problems.length > 0 ? 1 : 0

/**
 * Many mixed jobs through a real worker: is every one accounted for, and do the worker's processes stay as they are?
 *
 *   node --import tsx bench/soak.ts [--jobs 20000] [--concurrency 4]
 */
import { stateOf, zygoteOf } from './processes.ts'
import { flag, item, push, quantile, runtime, startRedis } from './support.ts'

const done = ['Allocates', 'Files', 'Hashes', 'Compresses', 'Sleeps', 'Talks', 'Executes']
/** Class, and the error that its failed entry carries. */
const failing = { Throws: 'RangeError', Exits: 'Resque::DirtyExit', KillsItself: 'Resque::DirtyExit' }
const classes = [...done, ...Object.keys(failing)]

interface Sample {
  supervisor: NonNullable<ReturnType<typeof stateOf>>
  zygote: NonNullable<ReturnType<typeof stateOf>>
  zygotePid: number
}

function sample(pid: number): Sample | undefined {
  const zygotePid = zygoteOf(pid)
  if (zygotePid === undefined) return undefined
  const [supervisor, zygote] = [stateOf(pid), stateOf(zygotePid)]
  return supervisor && zygote && { supervisor, zygote, zygotePid }
}

const jobs = flag('jobs', 2000)
const redis = await startRedis()
const items = Array.from({ length: jobs }, (_, index) => item(classes[index % classes.length] ?? ''))
await push(redis.client, 'soak', items)
const worker = runtime(
  ['work', '--queues', 'soak', '--concurrency', String(flag('concurrency', 4)), '--isolation', 'fork', '--drain'],
  redis.url,
)
let log = ''
for (const stream of [worker.stdout, worker.stderr]) stream?.on('data', (chunk: Buffer) => (log += String(chunk)))

const samples: Sample[] = []
const timer = setInterval(() => {
  const seen = sample(worker.pid ?? 0)
  if (seen) samples.push(seen)
}, 500)
const startedAt = Date.now()
const exitCode = await new Promise((resolve) => worker.once('exit', resolve))
clearInterval(timer)
const seconds = (Date.now() - startedAt) / 1000

const failedEntries = (await redis.client.lrange('resque:failed', 0, -1)).map(
  (text) => JSON.parse(text) as { exception: string; payload: { class: string } },
)
const stats = {
  processed: Number(await redis.client.get('resque:stat:processed')),
  failed: Number(await redis.client.get('resque:stat:failed')),
}
const expectedFailures = items.filter((text) =>
  Object.keys(failing).includes((JSON.parse(text) as { class: string }).class),
).length
const problems: string[] = []
const expect = (what: string, expected: unknown, came: unknown): void => {
  if (expected !== came) problems.push(`${what}: expected ${String(expected)}, came ${String(came)}`)
}
expect('exit code of the worker', 0, exitCode)
expect('jobs processed', jobs, stats.processed)
expect('jobs failed', expectedFailures, stats.failed)
expect('jobs left on the queue', 0, await redis.client.llen('resque:queue:soak'))
for (const { exception, payload } of failedEntries)
  if ((failing as Record<string, string>)[payload.class] !== exception)
    problems.push(`${payload.class} failed with ${exception}`)
expect('zygotes', 1, new Set(samples.map(({ zygotePid }) => zygotePid)).size)
expect('zombies at most', true, samples.filter(({ zygote }) => zygote.zombies > 4).length === 0)
if (/spawn/.test(log)) problems.push(`a job was spawned: ${log.split('\n').find((line) => line.includes('spawn'))}`)

const report = (who: 'supervisor' | 'zygote'): string => {
  const part = (from: number, to: number): Sample[] =>
    samples.slice(Math.floor(samples.length * from), Math.ceil(samples.length * to))
  const mb = (of: Sample[]): string =>
    (
      quantile(
        of.map((one) => one[who].rssBytes),
        0.5,
      ) /
      1024 /
      1024
    ).toFixed(1)
  const fds = (of: Sample[]): number =>
    quantile(
      of.map((one) => one[who].descriptors),
      0.5,
    )
  const [early, late] = [part(0.1, 0.3), part(0.8, 1)]
  return `${who}: resident ${mb(early)} MB early, ${mb(late)} MB late; descriptors ${fds(early)} early, ${fds(late)} late`
}
console.log(
  `${jobs} jobs in ${seconds.toFixed(1)} s (${(jobs / seconds).toFixed(0)}/s): ${stats.processed} processed, ${stats.failed} of them failed as they should`,
)
console.log(report('supervisor'))
console.log(report('zygote'))
await redis.stop()
if (problems.length > 0) console.log(`PROBLEMS\n  ${problems.slice(0, 20).join('\n  ')}`)
process.exitCode = problems.length > 0 ? 1 : 0

/**
 * From enqueue to the first line of `perform`, on an idle worker that forks, and on one that spawns.
 *
 *   node --conditions=source --import tsx bench/fork-latency.ts [--jobs 200]
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { close, configure, enqueue } from '../runtime/jobs/default-client.ts'
import { Latency } from './app/src/jobs/latency.ts'
import { end, until } from './peers.ts'
import { flag, quantile, runtime, startRedis } from './support.ts'

const redis = await startRedis()
configure({ redis: { url: redis.url } })
const folder = mkdtempSync(join(tmpdir(), 'resque-runtime-latency-'))

async function measure(isolation: 'fork' | 'spawn', jobs: number): Promise<number[]> {
  const file = join(folder, isolation)
  const lines = (): number[] => {
    try {
      return readFileSync(file, 'utf8').trim().split('\n').map(Number)
    } catch {
      return []
    }
  }
  const worker = runtime(['work', '--queues', 'bench', '--isolation', isolation], redis.url)
  for (let index = 0; index < jobs + 5; index += 1) {
    await enqueue(Latency, String(process.hrtime.bigint()), file)
    await until(() => Promise.resolve(lines().length > index))
  }
  await end(worker)
  return lines().slice(5)
}

for (const [isolation, jobs] of [
  ['fork', flag('jobs', 200)],
  ['spawn', Math.ceil(flag('jobs', 200) / 10)],
] as const) {
  const times = await measure(isolation, jobs)
  const show = (share: number): string => `p${share * 100} ${quantile(times, share).toFixed(1)} ms`
  console.log(
    `${isolation}: ${show(0.5)}, ${show(0.9)}, ${show(0.99)} from enqueue to the first line of perform, ${times.length} jobs`,
  )
}
close()
rmSync(folder, { recursive: true })
await redis.stop()

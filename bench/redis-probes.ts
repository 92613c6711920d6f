import type { Redis } from 'ioredis'
import { scripts } from '../runtime/store/connection/scripts.generated.ts'

/** Memory that Redis uses. */
export const usedBytes = async (client: Redis): Promise<number> =>
  Number(/used_memory:(\d+)/.exec(await client.info('memory'))?.[1])

/** Processor time that Redis has used, in microseconds. */
export async function redisCpuUs(client: Redis): Promise<number> {
  const info = await client.info('cpu')
  return (
    1e6 *
    ['sys', 'user'].reduce((sum, kind) => sum + Number(new RegExp(`used_cpu_${kind}:([\\d.]+)`).exec(info)?.[1]), 0)
  )
}

/** The longest script call, as Redis clocks it: on a busy machine this includes the time in which Redis itself did not run. */
export async function slowest(client: Redis): Promise<{ ms: number; script: string; p999Ms: number }> {
  const entries = (await client.slowlog('GET', 10_000)) as [number, number, number, string[]][]
  const calls = entries.filter((entry) => /^eval/i.test(entry[3][0] ?? '')).sort((a, b) => b[2] - a[2])
  const sha = calls[0]?.[3][1]
  const script = Object.entries(scripts).find(([, { sha1 }]) => sha1 === sha)?.[0]
  const total = Number(/cmdstat_evalsha:calls=(\d+)/.exec(await client.info('commandstats'))?.[1] ?? 0)
  // Calls below half a millisecond are not in the log: a percentile that falls there is told as 0.5.
  const p999Ms = (calls[Math.floor(total / 1000)]?.[2] ?? 500) / 1000
  return { ms: (calls[0]?.[2] ?? 0) / 1000, script: script ?? '', p999Ms }
}

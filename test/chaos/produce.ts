// The work of a chaos run.
import { setTimeout as sleep } from 'node:timers/promises'
import { encodeItem } from '../../runtime/core/codec.ts'
import { newId } from '../../runtime/core/ids.ts'
import type { Store } from '../../runtime/store/store.ts'
import { sharedQueue } from './foreign.ts'

/** A job whose producer was told that it is accepted. */
export interface Accepted {
  id: string
  n: number
  className: string
  item: string
  /** On the queue that the foreign worker shares. */
  shared: boolean
}

/** So many unique jobs can wait or run at a time. */
const uniqueKeys = 40

/** A small generator with a seed (mulberry32): the same seed deals the same blows. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Enqueues until time or number is up. What the producer was told is accepted must not get lost. */
export async function produce(
  store: Store,
  { seed, jobs }: { seed: number; jobs: number },
  until: number,
): Promise<{ accepted: Accepted[]; refused: number; duplicates: number }> {
  const random = seeded(seed + 1)
  const result = { accepted: [] as Accepted[], refused: 0, duplicates: 0 }
  for (let n = 0; n < jobs && Date.now() < until;) {
    const numbers = Array.from({ length: Math.min(1 + Math.floor(random() * 20), jobs - n) }, (_, i) => i + n)
    n += numbers.length
    const batch = batchOf(numbers, random)
    const { queue, dueMs } = batch
    try {
      const holders = await (dueMs === undefined
        ? store.queues.push(queue, batch.jobs, Date.now(), 86_400_000)
        : store.delayed.add(
            batch.jobs.map((job) => ({ ...job, queue, dueMs })),
            Date.now(),
            86_400_000,
          ))
      const fresh = batch.jobs.filter((_, i) => holders[i] === undefined)
      result.duplicates += batch.jobs.length - fresh.length
      result.accepted.push(...fresh.map((job) => ({ ...job, shared: queue === sharedQueue })))
    } catch {
      result.refused += batch.jobs.length // it was told; some of them may have arrived all the same
    }
    await sleep(random() * 20)
  }
  return result
}

function batchOf(numbers: readonly number[], random: () => number) {
  const className = random() < 0.15 ? 'CountedOnce' : random() < 0.1 ? 'CountedAlone' : 'Counted'
  const [at, isUnique] = [random(), random() < 0.2]
  return {
    queue: at < 0.1 ? sharedQueue : at < 0.55 ? 'q' : 'p',
    dueMs: random() < 0.2 ? Date.now() + Math.floor(random() * 800) : undefined,
    jobs: numbers.map((n) => ({
      id: newId(Date.now()),
      n,
      className,
      item: encodeItem(className, [n, Math.floor(random() * 30)], Infinity),
      ...(isUnique ? { unique: { key: `chaos-${n % uniqueKeys}`, forMs: 60_000 } } : {}),
    })),
  }
}

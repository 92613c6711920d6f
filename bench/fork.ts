/**
 * How many jobs a second, a fresh process for each, through Redis, one slot and two: this runtime's fork and spawn (also
 * with worker.jobsPerChild) against child_process.fork without any queue, and against the bound: fork and _exit alone, of the heap as V8 lays it out and
 * as our zygote does. Medians of interleaved rounds. bench/compare has the peers.
 *
 *   node --import tsx bench/fork.ts [--jobs 300] [--rounds 3]
 */
import { bareFork, bound, ours } from './contestants.ts'
import { flag, median, startRedis } from './support.ts'

const jobs = flag('jobs', 300)
const rounds = flag('rounds', 3)
const redis = await startRedis()
const REUSE = ['--jobs-per-child', '100']
/** The slow ones get fewer jobs. */
const few = Math.min(50, Math.max(10, Math.ceil(jobs / 10)))

const contestants: Record<string, (slots: number) => number | Promise<number>> = {
  'bound: fork and _exit': (slots) => bound(jobs, slots, 'plain'),
  "the same, our zygote's heap": (slots) => bound(jobs, slots, 'packed'),
  'this runtime, fork': (slots) => ours('fork', jobs, slots, redis),
  'this runtime, fork, 100 jobs a process': (slots) => ours('fork', jobs * 5, slots, redis, REUSE),
  'this runtime, spawn': (slots) => ours('spawn', few, slots, redis),
  'this runtime, spawn, 100 jobs a process': (slots) => ours('spawn', jobs * 5, slots, redis, REUSE),
  'child_process.fork, no queue': (slots) => bareFork(few, slots),
}

for (const slots of [1, 2]) {
  const rates = new Map<string, number[]>()
  for (let round = 0; round < rounds; round += 1)
    for (const [name, run] of Object.entries(contestants)) {
      const rate = await run(slots)
      rates.set(name, [...(rates.get(name) ?? []), rate])
    }
  const fork = median(rates.get('this runtime, fork') ?? [])
  console.log(`\n${slots} at a time, jobs a second (median of ${rounds}: all)`)
  for (const [name, all] of rates) {
    const rate = median(all)
    console.log(
      `  ${name.padEnd(36)} ${rate.toFixed(0).padStart(5)}   fork is ${(fork / rate).toFixed(2)} times that   (${all.map((one) => one.toFixed(0)).join(', ')})`,
    )
  }
}
await redis.stop()

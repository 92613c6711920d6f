import { createHash } from 'node:crypto'
import { scheduleJob, type Job } from 'node-schedule'

/** Milliseconds to put one firing off: same entry and fire time, same answer, so that two schedulers agree. */
export type Jitter = (name: string, fireTimeMs: number, maxMs: number) => number

/** Spread evenly by a digest of name and fire time. */
export const digestJitter: Jitter = (name, fireTimeMs, maxMs) => {
  if (maxMs === 0) return 0
  const digest = createHash('sha1').update(`${name}:${fireTimeMs}`).digest()
  return Math.floor((digest.readUIntBE(0, 6) / 2 ** 48) * maxMs)
}

/** node-schedule drops a date that has passed when it looks at it; so a fire time that is due comes this much later. */
const leadMs = 10

/**
 * Calls `fire` at each fire time that `nextFireTime` gives, put off by `delayOf`. Fire times in the past come at once.
 * node-schedule has one date of it at a time, and gets the next before `fire` is called for this one.
 * @param fire gets the fire time itself, and the instant that was planned for it
 * @returns node-schedule's job; null when there is no fire time at all
 */
export function scheduleFireTimes(
  name: string,
  afterMs: number,
  nextFireTime: (afterMs: number) => number | undefined,
  delayOf: (fireTimeMs: number) => number,
  fire: (fireTimeMs: number, plannedMs: number) => void,
): Job | null {
  let plannedMs = -Infinity
  const plan = (lastMs: number): number | undefined => {
    const fireTimeMs = nextFireTime(lastMs)
    if (fireTimeMs !== undefined) plannedMs = Math.max(fireTimeMs + delayOf(fireTimeMs), plannedMs)
    return fireTimeMs
  }
  const date = (): Date => new Date(Math.max(plannedMs, Date.now() + leadMs))
  let next = plan(afterMs)
  if (next === undefined) return null
  let job: Job | null = null
  const onDate = (): void => {
    if (next === undefined) return
    const due = [next, plannedMs] as const
    next = plan(next)
    // Refused when the date has passed meanwhile: then it is made again.
    if (next !== undefined) while (!job?.reschedule(date()));
    fire(...due)
  }
  while (!job) job = scheduleJob(name, date(), onDate)
  return job
}

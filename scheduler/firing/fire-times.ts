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

/** A timer that is so late was lost. */
const lostAfterMs = 2000

/** The timer of one entry. */
export interface FireTimer {
  /** The instant of the next call; undefined when there is none. */
  readonly nextMs: number | undefined
  /** True when that instant has passed without a call: then the timer is to be made again. */
  readonly isLost: boolean
  /** Nothing is called from here on. */
  cancel(): void
}

/**
 * Calls `fire` at each fire time that `nextFireTime` gives, put off by `delayOf`. Fire times in the past come at once.
 * node-schedule has one date of it at a time, and gets the next before `fire` is called for this one.
 * @param fire gets the fire time itself, and the instant that was planned for it
 * @returns null when there is no fire time at all
 */
export function scheduleFireTimes(
  name: string,
  afterMs: number,
  nextFireTime: (afterMs: number) => number | undefined,
  delayOf: (fireTimeMs: number) => number,
  fire: (fireTimeMs: number, plannedMs: number) => void,
): FireTimer | null {
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
  let isCancelled = false
  const onDate = (): void => {
    // node-schedule sets a timer again that came a moment too early, and its cancel does not reach that one.
    if (next === undefined || isCancelled) return
    const due = [next, plannedMs] as const
    next = plan(next)
    // Refused when the date has passed meanwhile: then it is made again.
    if (next !== undefined) while (!job?.reschedule(date()));
    fire(...due)
  }
  while (!job) job = scheduleJob(name, date(), onDate)
  const made = job
  const nextMs = (): number | undefined => made.nextInvocation()?.getTime()
  return {
    get nextMs() {
      return nextMs()
    },
    get isLost() {
      return (nextMs() ?? Infinity) < Date.now() - lostAfterMs
    },
    cancel() {
      isCancelled = true
      made.cancel()
    },
  }
}

/** What to do about firings that were missed: nothing, only the last, or all of them. */
export type CatchupPolicy = 'none' | 'last' | 'all'

/** Missed firings sorted by what becomes of them. */
export interface CatchupPlan {
  /** Fire times to make up now, oldest first. */
  fire: number[]
  /** Fire times that stay missed, oldest first. */
  drop: number[]
}

/** What {@link planCatchup} decides on. */
export interface CatchupQuestion {
  policy: CatchupPolicy
  /** Missed fire times, oldest first. */
  missed: readonly number[]
  /** True when a later firing is due now anyway: `last` then has nothing to make up. */
  laterDue: boolean
  /** Firings that were due longer ago than this stay missed. */
  windowMs: number
  nowMs: number
  /** Most firings that one entry makes up; the newest are kept. */
  max: number
}

/** Decides which missed firings are made up. */
export function planCatchup(question: CatchupQuestion): CatchupPlan {
  const { policy, missed, laterDue, windowMs, nowMs, max } = question
  const inWindow = missed.filter((slot) => nowMs - slot <= windowMs)
  const wanted = policy === 'all' ? max : policy === 'last' && !laterDue ? 1 : 0
  const fire = wanted === 0 ? [] : inWindow.slice(-wanted)
  const kept = new Set(fire)
  return { fire, drop: missed.filter((slot) => !kept.has(slot)) }
}

/** What to do when the firing before is not done yet: leave this one out, let it wait, or run both. */
export type OverlapPolicy = 'skip' | 'queue' | 'allow'

/** How far the firing before has come. */
export type PreviousState = 'none' | 'busy' | 'ended'

/** Decides what becomes of a firing; `waiting` counts the firings that wait already, `max` how many may. */
export function decideOverlap(
  policy: OverlapPolicy,
  previous: PreviousState,
  waiting: number,
  max: number,
): 'fire' | 'skip' | 'wait' {
  if (policy === 'allow') return 'fire'
  if (previous !== 'busy' && waiting === 0) return 'fire'
  return policy === 'queue' && waiting < max ? 'wait' : 'skip'
}

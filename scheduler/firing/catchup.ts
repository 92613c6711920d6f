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

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

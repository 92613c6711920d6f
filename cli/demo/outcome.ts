import { toError } from '../../runtime/core/errors.ts'
import { table } from '../table.ts'
import type { Part, PartEnd } from './part.ts'

/** A part of the demo that is over, and whether it went as it should. */
export interface PartOutcome {
  part: Part
  end: PartEnd
  /** What the table says of it. */
  said: string
  ok: boolean
}

/** Holds an end against what was expected. */
export function judgePart(part: Part, end: PartEnd): PartOutcome {
  if (end.ending !== part.expected)
    return { part, end, ok: false, said: `expected ${part.expected}; ${end.error === ': ' ? '' : end.error}` }
  try {
    return { part, end, ok: true, said: part.tell(end) }
  } catch (error) {
    return { part, end, ok: false, said: toError(error).message }
  }
}

/** The demo's table. */
export function showOutcomes(outcomes: readonly PartOutcome[]): void {
  table(
    ['job', 'pid', 'end', 'what happened', 'as expected'],
    [...outcomes]
      .sort((a, b) => a.part.row - b.part.row)
      .map(({ part, end, said, ok }) => [part.name, end.pid, end.ending, said, ok ? 'yes' : 'NO']),
  )
}

/** What is wrong with all of them together: nothing, or a sentence each. */
export function problemsOf(outcomes: readonly PartOutcome[], total: number): string[] {
  const pids = new Set(outcomes.map(({ end }) => end.pid))
  const wrong = outcomes.filter(({ ok }) => !ok).map(({ part, said }) => `${part.name}: ${said}`)
  return [
    ...wrong,
    ...(outcomes.length === total ? [] : [`expected ${total} jobs, saw the end of ${outcomes.length}`]),
    ...(pids.size === outcomes.length ? [] : [`expected a process each, saw ${pids.size} for ${outcomes.length} jobs`]),
  ]
}

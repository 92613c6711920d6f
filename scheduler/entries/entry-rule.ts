import { createHash } from 'node:crypto'
import schedule from 'node-schedule'

/** Milliseconds to put one firing off: same entry and fire time, same answer, so that two schedulers agree. */
export type Jitter = (name: string, fireTimeMs: number, maxMs: number) => number

/** Spread evenly by a digest of name and fire time. */
export const digestJitter: Jitter = (name, fireTimeMs, maxMs) => {
  if (maxMs === 0) return 0
  const digest = createHash('sha1').update(`${name}:${fireTimeMs}`).digest()
  return Math.floor((digest.readUIntBE(0, 6) / 2 ** 48) * maxMs)
}

/**
 * A recurrence rule for node-schedule that takes its fire times from us. node-schedule keeps the timers and its jobs
 * their surface (`nextInvocation`, `cancelNext`, events); where its own computation falls short is in docs/scheduler.md.
 */
class SlotRule extends schedule.RecurrenceRule {
  readonly #next: () => Date | null

  constructor(next: () => Date | null) {
    super()
    this.#next = next
  }

  /** What node-schedule 2.1.1 asks a rule for, whatever instant it counts from: our fire times follow one another. */
  _nextInvocationDate(): Date | null {
    return this.#next()
  }

  override nextInvocationDate(): Date {
    return this.#next() as Date
  }
}

/**
 * Calls `fire` at each fire time that `nextSlot` gives, put off by `delayOf`. Fire times in the past come at once.
 * @param fire gets the fire time itself, and the instant that was planned for it
 * @returns node-schedule's job; null when there is no fire time at all
 */
export function scheduleFireTimes(
  name: string,
  afterMs: number,
  nextSlot: (afterMs: number) => number | undefined,
  delayOf: (fireTimeMs: number) => number,
  fire: (fireTimeMs: number, plannedMs: number) => void,
): schedule.Job | null {
  let lastSlotMs = afterMs
  let lastPlannedMs = -Infinity
  // One invocation is pending at a time, and the next is asked for before the present one is called.
  const pending: { fireTimeMs: number; plannedMs: number }[] = []
  const rule = new SlotRule(() => {
    const fireTimeMs = nextSlot(lastSlotMs)
    if (fireTimeMs === undefined) return null
    lastSlotMs = fireTimeMs
    lastPlannedMs = Math.max(fireTimeMs + delayOf(fireTimeMs), lastPlannedMs)
    pending.push({ fireTimeMs, plannedMs: lastPlannedMs })
    return new Date(lastPlannedMs)
  })
  return schedule.scheduleJob(name, rule, (fireDate) => {
    // Those before it were cancelled (`cancelNext`).
    while (pending[0] && pending[0].plannedMs < fireDate.getTime()) pending.shift()
    const due = pending.shift()
    if (due) fire(due.fireTimeMs, due.plannedMs)
  })
}

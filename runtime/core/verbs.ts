import { duration } from './duration.ts'

const verb = Symbol.for('resque-runtime.verb')

/** What a thrown verb asks for. `undefined` when the thrown value is an ordinary error. */
export type Verb = 'discard' | 'snooze' | 'fail' | 'dont-perform'

abstract class VerbError extends Error {
  readonly [verb]: Verb

  constructor(kind: Verb, message: string) {
    super(message)
    this[verb] = kind
    this.name = new.target.name
  }
}

/**
 * Thrown by a job: drop it, and record no failure.
 * @example
 * ```ts
 * class SyncJob extends Job {
 *   perform(account: string) {
 *     if (account === 'closed') throw new Discard('the account is closed')
 *   }
 * }
 * ```
 */
export class Discard extends VerbError {
  constructor(reason = 'discarded by the job') {
    super('discard', reason)
  }
}

/**
 * Thrown by a job: run it again after `delay` (`'10m'` or milliseconds), not counted as an attempt.
 * @example
 * ```ts
 * class SyncJob extends Job {
 *   perform(account: string) {
 *     if (account === 'locked') throw new Snooze('10m')
 *   }
 * }
 * ```
 */
export class Snooze extends VerbError {
  readonly delayMs: number

  constructor(delay: string | number) {
    const delayMs = duration(delay)
    super('snooze', `snoozed for ${delayMs} ms`)
    this.delayMs = delayMs
  }
}

/**
 * Thrown by a job: it fails now, whatever its retry policy says.
 * @example
 * ```ts
 * class SyncJob extends Job {
 *   static retry = 5
 *   perform(account: string) {
 *     if (account === 'unknown') throw new Fail('no such account')
 *   }
 * }
 * ```
 */
export class Fail extends VerbError {
  constructor(reason = 'failed by the job') {
    super('fail', reason)
  }
}

/**
 * Thrown by a `beforePerform` hook: the job ends quietly, counted as processed (Resque's `Resque::Job::DontPerform`).
 * @example
 * ```ts
 * class SyncJob extends Job {
 *   static beforePerform(account: string) {
 *     if (account === 'closed') throw new DontPerform()
 *   }
 *   perform(_account: string) {}
 * }
 * ```
 */
export class DontPerform extends VerbError {
  constructor(reason = 'stopped by beforePerform') {
    super('dont-perform', reason)
  }
}

/** The verb that a thrown value carries, also when it was made by another copy of the package. Never throws. */
export function verbOf(thrown: unknown): Verb | undefined {
  try {
    return typeof thrown === 'object' && thrown !== null ? (thrown as { [verb]?: Verb })[verb] : undefined
  } catch {
    return undefined
  }
}

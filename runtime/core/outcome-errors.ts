import { duration } from './duration.ts'

const kindOf = Symbol.for('resque-runtime.verb')

/** How an {@link OutcomeError} ends the job. */
export type OutcomeErrorKind = 'discard' | 'snooze' | 'fail' | 'dont-perform'

/** Thrown by a job to choose how it ends. */
abstract class OutcomeError extends Error {
  /** @internal */
  readonly [kindOf]: OutcomeErrorKind

  constructor(kind: OutcomeErrorKind, message: string) {
    super(message)
    this[kindOf] = kind
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
export class Discard extends OutcomeError {
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
export class Snooze extends OutcomeError {
  /** The delay in milliseconds. */
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
export class Fail extends OutcomeError {
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
export class DontPerform extends OutcomeError {
  constructor(reason = 'stopped by beforePerform') {
    super('dont-perform', reason)
  }
}

/** How a thrown value ends the job, also when it was made by another copy of the package; undefined for an ordinary error. Never throws. */
export function outcomeErrorKind(thrown: unknown): OutcomeErrorKind | undefined {
  try {
    return typeof thrown === 'object' && thrown !== null
      ? (thrown as { [kindOf]?: OutcomeErrorKind })[kindOf]
      : undefined
  } catch {
    return undefined
  }
}

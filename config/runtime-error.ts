/**
 * Every code a {@link RuntimeError} can carry, with the exit status the command gives it: 1 the thing asked for
 * failed, 2 wrong usage or configuration. Documented in docs/errors.md.
 */
export const errorCodes = {
  ERR_CONFIG: 2,
  ERR_USAGE: 2,
  ERR_ARGUMENT: 2,
  ERR_NOT_JSON: 2,
  ERR_TOO_LARGE: 2,
  ERR_UNKNOWN_CLASS: 2,
  ERR_NAME_CLASH: 2,
  ERR_APP_LOAD: 2,
  ERR_SCHEMA: 2,
  ERR_GRAPH: 2,
  ERR_SCHEDULE: 2,
  ERR_PIPELINE: 2,
  ERR_TEMPLATE: 2,
  ERR_STATE: 1,
  ERR_NOT_FOUND: 1,
  ERR_TIMEOUT: 1,
  ERR_REDIS: 1,
  ERR_REPLY: 1,
  ERR_JOB_FAILED: 1,
  ERR_ARCHIVE: 1,
} as const

/**
 * A code of a `RuntimeError`; docs/errors.md describes each.
 * @example
 * ```ts
 * const mayRepeat = (code: ErrorCode) => code === 'ERR_REDIS' || code === 'ERR_TIMEOUT'
 * ```
 */
export type ErrorCode = keyof typeof errorCodes

/**
 * An error a user can act on: its message says what was expected, what came, and what to do.
 * @example
 * ```ts
 * try {
 *   await findJob('0mb2k3x7f4q8').result({ timeout: '1s' })
 * } catch (error) {
 *   if (error instanceof RuntimeError && error.code === 'ERR_TIMEOUT') console.log('it still runs')
 *   else throw error
 * }
 * ```
 */
export class RuntimeError extends Error {
  /** What kind of error it is; docs/errors.md describes each code. */
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'RuntimeError'
    this.code = code
  }

  /** Exit status of the command when this error ends it. */
  get exitCode(): number {
    return errorCodes[this.code]
  }
}
